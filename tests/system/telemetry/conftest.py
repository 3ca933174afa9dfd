"""One monitored system for all telemetry tests, with one job done."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from poseway.client import Client
from tests.support.videos import shorten
from tests.system.telemetry.collector import Collector, collecting
from tests.system.telemetry.watched import WatchedStack


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="package")
def watched(
    collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WatchedStack]:
    env = {
        "POSEWAY_SEGMENT_SECONDS": "1",
        "POSEWAY_TRACES_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with WatchedStack(tmp_path_factory.mktemp("watched"), env) as running:
        yield running


@pytest.fixture(scope="package")
def short(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three segments of the sample."""
    path = tmp_path_factory.mktemp("short") / "short.mp4"
    shorten(sample, path, Fraction(5, 2))
    return path


@pytest.fixture(scope="package")
def done(watched: WatchedStack, short: Path) -> str:
    """Id of a job that has succeeded."""
    with Client(watched.gateway_url) as client:
        job = client.wait(client.submit(short).id)
    assert job.state == "succeeded"
    return job.id
