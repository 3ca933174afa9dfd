"""Retries of webhooks."""

import pytest

from poseway_gateway.api.webhooks.delivery import pause_after


@pytest.mark.parametrize(
    ("deliveries", "age", "pause"),
    [
        (1, 0, 5),
        (2, 6, 30),
        (3, 37, 120),
        (1, 7200, 5),  # the gateway was stopped for two hours
        (50, 6, 30),  # its host was busy
        (50, 86_000, 14_400),
    ],
)
def test_waiting_for_a_free_slot_is_not_an_attempt(deliveries: int, age: float, pause: int) -> None:
    assert pause_after(deliveries, age) == pause
