"""Concurrency limits follow the number of replicas, up to configured maxima."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from poseway_gateway.dispatcher.clients import Services
from poseway_gateway.dispatcher.concurrency import ConcurrencyLimits
from poseway_gateway.dispatcher.settings import DispatcherSettings


class ReplicaCount:
    """Reports a number of replicas to its followers."""

    def __init__(self) -> None:
        self.followers: list[Callable[[int], None]] = []

    @contextmanager
    def followed(self, follower: Callable[[int], None]) -> Iterator[None]:
        self.followers.append(follower)
        yield
        self.followers.remove(follower)


def limits_of(inference: int, renderers: int, **settings: object) -> tuple[int, int, int]:
    """Limits of batches, segments and renders."""

    async def run() -> tuple[int, int, int]:
        services = SimpleNamespace(inference=ReplicaCount(), renderer=ReplicaCount())
        limits = ConcurrencyLimits(
            DispatcherSettings.model_validate(settings), cast("Services", services)
        )
        async with limits:
            for source, count in ((services.inference, inference), (services.renderer, renderers)):
                # First more replicas, then this many.
                for replicas in (64, count):
                    source.followers[0](replicas)
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
def test_limits_keep_all_replicas_busy(replicas: int, expected: tuple[int, int, int]) -> None:
    assert limits_of(replicas, replicas) == expected


def test_each_service_is_followed_separately() -> None:
    assert limits_of(2, 1) == (8, 3, 2)
    assert limits_of(1, 2) == (4, 5, 4)


def test_maxima_are_configurable() -> None:
    bounds = {"max_batches_in_flight": 6, "max_segments_in_flight": 4}
    assert limits_of(8, 8, **bounds)[:2] == (6, 4)


def test_maximum_below_minimum_is_raised_to_it() -> None:
    bounds = {"batches_in_flight": 5, "segments_in_flight": 6}
    bounds |= {"max_batches_in_flight": 2, "max_segments_in_flight": 2}
    assert limits_of(8, 8, **bounds)[:2] == (5, 6)
