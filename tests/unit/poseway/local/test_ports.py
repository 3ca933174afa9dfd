"""The address at which this machine reaches its own services."""

from poseway.local.ports import reached_at


def test_where_this_machine_reaches_itself() -> None:
    assert [reached_at(host) for host in ("0.0.0.0", "::", "10.0.0.5")] == [
        "127.0.0.1",
        "::1",
        "10.0.0.5",
    ]
