"""How much of a job may be on its way follows the replicas, up to what the memory allows."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from poseway_gateway.dispatcher.clients import Services
from poseway_gateway.dispatcher.concurrency import ConcurrencyLimits
from poseway_gateway.dispatcher.settings import DispatcherSettings


class Told:
    """Tells its followers how many replicas there are."""

    def __init__(self) -> None:
        self.followers: list[Callable[[int], None]] = []

    @contextmanager
    def followed(self, follower: Callable[[int], None]) -> Iterator[None]:
        self.followers.append(follower)
        yield
        self.followers.remove(follower)


def places(inference: int, renderers: int, **settings: object) -> tuple[int, int, int]:
    """Batches, segments and renders that there is room for."""

    async def run() -> tuple[int, int, int]:
        services = SimpleNamespace(inference=Told(), renderer=Told())
        limits = ConcurrencyLimits(
            DispatcherSettings.model_validate(settings), cast("Services", services)
        )
        async with limits:
            for told, count in ((services.inference, inference), (services.renderer, renderers)):
                # There were more, and then these.
                for replicas in (64, count):
                    told.followers[0](replicas)
        assert not services.inference.followers
        assert not services.renderer.followers
        return limits.batches.size, limits.segments.size, limits.renders.size

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("replicas", "expected"),
    [
        (0, (4, 3, 2)),
        (1, (4, 3, 2)),
        (2, (8, 5, 4)),
        (8, (32, 17, 16)),
        (16, (32, 18, 32)),
    ],
)
def test_there_is_room_for_as_much_as_keeps_the_replicas_busy(
    replicas: int, expected: tuple[int, int, int]
) -> None:
    assert places(replicas, replicas) == expected


def test_each_part_is_followed_for_itself() -> None:
    assert places(2, 1) == (8, 3, 2)
    assert places(1, 2) == (4, 5, 4)


def test_the_most_is_what_is_set() -> None:
    bounds = {"max_batches_in_flight": 6, "max_segments_in_flight": 4}
    assert places(8, 8, **bounds)[:2] == (6, 4)


def test_a_most_below_the_least_is_the_least() -> None:
    bounds = {"batches_in_flight": 5, "segments_in_flight": 6}
    bounds |= {"max_batches_in_flight": 2, "max_segments_in_flight": 2}
    assert places(8, 8, **bounds)[:2] == (5, 6)
