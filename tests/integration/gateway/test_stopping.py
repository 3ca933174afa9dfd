"""Services that are stopped while the queue is unreachable."""

import os
import signal
import subprocess
import sys
import time

import pytest

from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from tests.support.gateways import gateway


@pytest.mark.parametrize("module", ["poseway_gateway.api", "poseway_gateway.dispatcher"])
def test_stops_without_a_queue(stack: Stack, module: str) -> None:
    port, nowhere = free_ports(2)
    env = {
        **os.environ,
        **stack.env,
        "POSEWAY_NATS_URL": f"nats://127.0.0.1:{nowhere}",
        "POSEWAY_PORT": str(port),
    }
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while b"queue" not in process.stderr.readline():
            assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(20) in (0, -signal.SIGTERM)
    assert time.monotonic() - began < 10


def test_waiting_for_messages_does_not_delay_a_stop(stack: Stack) -> None:
    with gateway(stack, {}):
        time.sleep(9)  # by then it has failed to reach the queue
        began = time.monotonic()
    assert time.monotonic() - began < 10
