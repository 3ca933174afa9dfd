"""Address at which this machine reaches its own services."""

from poseway.local.ports import reached_at


def test_wildcard_addresses_are_reached_over_loopback() -> None:
    assert [reached_at(host) for host in ("0.0.0.0", "::", "10.0.0.5")] == [
        "127.0.0.1",
        "::1",
        "10.0.0.5",
    ]
