"""Leases outlast heartbeats, and the queue waits longer than a lease."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from poseway_gateway.dispatcher.lease_terms import DEFAULT_TERMS
from poseway_gateway.dispatcher.settings import DispatcherSettings


def test_default_terms_are_those_of_default_settings() -> None:
    assert DispatcherSettings().lease_terms == DEFAULT_TERMS


def test_lease_terms_follow_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HEARTBEAT", "1"), ("LEASE", "4"), ("NATS_ACK_WAIT", "6")):
        monkeypatch.setenv(f"POSEWAY_{name}_SECONDS", value)
    terms = DispatcherSettings().lease_terms
    assert terms.delivered == timedelta(seconds=4)
    assert terms.early == timedelta(seconds=18)


@pytest.mark.parametrize("seconds", ["5", "30"])
def test_lease_between_heartbeat_and_ack_wait_is_required(
    monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("POSEWAY_LEASE_SECONDS", seconds)
    with pytest.raises(ValidationError, match="lease_seconds"):
        DispatcherSettings()
