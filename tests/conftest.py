"""The real system, started once for all tests that need it, and the tiers of tests by folder."""

import signal
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from poseway.client import Client
from poseway.local.downloads import fetch_sample
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway.paths import ROOT
from tests.support.queues import FAST
from tests.support.videos import shorten

# Fixtures that tests of several tiers share.
pytest_plugins = ["tests.support.evaluation_fixtures", "tests.support.inference_fixtures"]

TESTS: Final = Path(__file__).parent
# Fixtures that start a system: no unit test may depend on one, not even through another fixture.
SYSTEM_FIXTURES: Final = frozenset({"stack", "client", "watched"})


def pytest_configure() -> None:
    """Makes tests independent of the shell and of the load of the machine.

    SIGINT ends what tests start, though a shell ignores it in ``pytest &``. Hypothesis allows an
    example any time, since a busy machine may stop a process for longer than its 200 ms.
    """
    hypothesis.settings.register_profile("poseway", deadline=None)
    hypothesis.settings.load_profile("poseway")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def tier_of(path: Path) -> str:
    """The folder below ``tests`` that a file is in: unit, integration or system."""
    return path.relative_to(TESTS).parts[0]


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class,
) -> Generator[None, object, object]:
    """Keeps unit tests small: one that depends on a running system is an error of collection.

    Raises:
        pytest.Collector.CollectError: A unit test depends on a running system.
    """
    made: object = yield
    for item in made if isinstance(made, list) else []:
        asked = SYSTEM_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        if asked and tier_of(collector.path) == "unit":
            raise collector.CollectError(
                f"{item.nodeid} depends on the fixture {', '.join(sorted(asked))}, but unit tests "
                "start no system. Move it to tests/integration or tests/system."
            )
    return made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test with its tier: ``-m "unit or essential"`` selects by it."""
    for item in items:
        item.add_marker(tier_of(item.path))


@pytest.fixture(scope="session")
def sample() -> Path:
    """A video of two people: 1768x994, 230 frames at 30 a second, VP9 and AAC in MP4."""
    return fetch_sample(ROOT / "build" / "sample")


@pytest.fixture(scope="session")
def short_sample(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first five seconds of the sample, 150 frames, not encoded again."""
    path = tmp_path_factory.mktemp("sample") / "short.mp4"
    shorten(sample, path, Fraction(5))
    return path


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, every part a process. Short segments, so that jobs have several."""
    env = {**FAST, "POSEWAY_SEGMENT_SECONDS": "2.5", "POSEWAY_MAX_UPLOAD_BYTES": str(50 << 20)}
    with Stack(tmp_path_factory.mktemp("stack"), free_ports(1)[0], env) as running:
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    """A client of the running system."""
    with Client(stack.gateway_url) as connected:
        yield connected
