"""The autoscalers find the consumer that they ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from poseway.local.stack import Stack
from tests.support.deploy.autoscaling import TOKEN, MonitoredNats, monitored_nats
from tests.support.gateways import gateway
from tests.support.waiting import until


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[MonitoredNats]:
    with monitored_nats(tmp_path) as server:
        yield server


def test_the_consumer_exists_before_any_dispatcher(stack: Stack, nats: MonitoredNats) -> None:
    """KEDA would start as many dispatchers as it may if there were jobs and no consumer."""

    def consumer_is_there() -> bool:
        try:
            return nats.lag() == 0
        except (ValueError, KeyError, AssertionError):
            return False

    url, token = nats.settings.nats_url, TOKEN
    with gateway(stack, {"POSEWAY_NATS_URL": url, "POSEWAY_NATS_TOKEN": token}):
        until(consumer_is_there)
