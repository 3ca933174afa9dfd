"""Limits of open event streams."""

from contextlib import ExitStack

import pytest

from poseway.errors import OverloadedError
from poseway_gateway.api.access.caller import GUEST, Caller
from poseway_gateway.api.access.tokens import Share
from poseway_gateway.api.errors import AccessError
from poseway_gateway.api.events.stream_limits import StreamLimits


def guest(token: str, job_id: str) -> Caller:
    return Caller(GUEST, share=Share(token, job_id, "owner", 0))


def test_each_key_may_open_half_and_closed_streams_do_not_count() -> None:
    limits = StreamLimits(4)
    one, other = Caller("one"), Caller("other")
    for _ in range(2):
        with ExitStack() as streams:
            streams.enter_context(limits.take(one))
            streams.enter_context(limits.take(one))
            with pytest.raises(AccessError) as refused, limits.take(one):
                pytest.fail("a third stream was opened")
            assert (refused.value.code, refused.value.headers["Retry-After"]) == (
                "rate_limited",
                "10",
            )
            streams.enter_context(limits.take(other))


def test_share_links_to_one_job_count_together() -> None:
    limits = StreamLimits(2)
    with limits.take(guest("a", "1")):
        with pytest.raises(AccessError), limits.take(guest("b", "1")):
            pytest.fail("a second stream of the job was opened")
        with limits.take(guest("c", "2")):
            pass


def test_callers_without_keys_may_open_all_streams() -> None:
    limits = StreamLimits(2)
    with (
        limits.take(Caller()),
        limits.take(Caller()),
        pytest.raises(OverloadedError),
        limits.take(Caller()),
    ):
        pytest.fail("a third stream was opened")
