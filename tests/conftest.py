"""The real system, started once for all tests that need it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from poseway.client import Client
from poseway.local.data_dir import free_ports
from poseway.local.downloads import fetch_sample
from poseway.local.stack import Stack
from poseway.paths import ROOT

# Fixtures that tests of several tiers share.
pytest_plugins = ["tests.support.evaluation_fixtures", "tests.support.inference_fixtures"]


@pytest.fixture(scope="session")
def sample() -> Path:
    """A video of two people: 1768x994, 230 frames at 30 a second, VP9 and AAC in MP4."""
    return fetch_sample(ROOT / "build" / "sample")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, every part a process. Short segments, so that jobs have several."""
    env = {"POSEWAY_SEGMENT_SECONDS": "2.5", "POSEWAY_MAX_UPLOAD_BYTES": str(50 << 20)}
    with Stack(tmp_path_factory.mktemp("stack"), free_ports(1)[0], env) as running:
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    """A client of the running system."""
    with Client(stack.gateway_url) as connected:
        yield connected
