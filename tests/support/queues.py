"""Settings for a running system's queue, and settings that shorten waits."""

from typing import Final

from poseway.local.stack import Stack
from poseway.settings import QueueSettings

FAST: Final = {
    "POSEWAY_HEARTBEAT_SECONDS": "1",
    "POSEWAY_LEASE_SECONDS": "6",
    "POSEWAY_NATS_ACK_WAIT_SECONDS": "9",
    "POSEWAY_RETRY_SECONDS": "1",
    "POSEWAY_STOP_SECONDS": "4",
    "POSEWAY_HAND_BACK_SECONDS": "4",
}
"""A third of the defaults: long enough for a busy machine, short enough to wait for."""


def queue_settings(stack: Stack) -> QueueSettings:
    """Settings with which a test connects to the system's queue and leaves it as it is."""
    return QueueSettings.model_validate(
        {
            name: stack.env[f"POSEWAY_{name.upper()}"]
            for name in ("nats_url", "nats_token", "nats_ack_wait_seconds")
            if f"POSEWAY_{name.upper()}" in stack.env
        }
    )
