"""Processes die, freeze and lose connections while jobs run: every job gives the same result.

``make test-chaos`` injects all faults and writes ``build/chaos.json``; ``make test`` some.
"""

import json
import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from poseway.client import Client
from poseway.jobs import JobState, Keys
from poseway.paths import ROOT
from tests.support.queues import FAST
from tests.support.videos import small_clip
from tests.support.waiting import first_answer
from tests.system.chaos.faults import (
    ALL_AT_ONCE,
    CUTS,
    FULL,
    Disturbed,
    Fault,
    disturbed,
    freezes,
    kills,
)

ALL = "POSEWAY_TEST_CHAOS" in os.environ
SEED = int(os.environ.get("POSEWAY_TEST_CHAOS") or 1)
# Longer than the lease on a job, and than the queue waits for a heartbeat.
FREEZE_SECONDS = 35.0
DISK_BYTES = 400 << 20
FIRST = pytest.param(0, marks=pytest.mark.essential)
HALVES = [FIRST] if ALL else [FIRST, 1]
FILES = ("keypoints.jsonl", "video.mp4", "tracks.json")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Disturbed]:
    # All faults meet the defaults, some of them settings that make waiting short.
    with disturbed(tmp_path, DISK_BYTES if ALL else None, {} if ALL else FAST) as running:
        yield running


@pytest.fixture
def video(sample: Path, tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    small_clip(sample, path, 60)
    return path


def plan(system: Disturbed, half: int) -> list[Fault]:
    """The faults of one half, or all of them, in an order that depends on the seed."""
    rng = random.Random(SEED)  # noqa: S311 # not a secret
    if not ALL:
        faults = [*kills(("inference", "tracker", "renderer", "api", "object-storage", "queue"))]
        return rng.sample([*faults, *CUTS], len(faults) + len(CUTS))[half::2]
    faults = [fault for _ in range(4) for fault in kills()]
    faults += freezes(FREEZE_SECONDS)
    faults += [*CUTS * 5, *[ALL_AT_ONCE] * 3]
    faults += [FULL] * 3 if system.disk else []
    rng.shuffle(faults)
    return faults


class Jobs:
    """Jobs of one video, all with the same result."""

    def __init__(self, url: str, video: Path, folder: Path) -> None:
        self._url, self._video, self._folder = url, video, folder
        self.ids: list[str] = []

    def done(self) -> tuple[dict[str, bytes], float]:
        """Runs the job again; returns its result and the seconds that it took."""
        began = time.monotonic()
        with Client(self._url, patience_seconds=120) as client:
            job = first_answer(lambda: client.submit(self._video))
            self.ids.append(job.id)
            last = client.wait(job.id)
            seconds = time.monotonic() - began
            assert last.state is JobState.SUCCEEDED, last.error
            result = {}
            for name in FILES:
                client.download(f"{last.links['self']}/{name}", self._folder / name)
                result[name] = (self._folder / name).read_bytes()
        return result, seconds


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("half", HALVES)
def test_every_job_gives_the_same_result_despite_faults(
    system: Disturbed, video: Path, tmp_path: Path, half: int
) -> None:
    jobs = Jobs(system.stack.gateway_url, video, tmp_path)
    jobs.done()
    expected, usual = jobs.done()
    rng = random.Random(SEED)  # noqa: S311 # not a secret
    cost: dict[str, list[float]] = defaultdict(list)
    with ThreadPoolExecutor(1) as background:
        for fault in plan(system, half):
            running = background.submit(jobs.done)
            time.sleep(rng.uniform(0, usual))
            fault.do(system)
            result, seconds = running.result()
            assert result == expected, fault.name
            cost[fault.name].append(round(seconds - usual, 1))
    if ALL:
        report(usual, cost, len(jobs.ids))
    # The last job may have ended before the last fault was over.
    system.settle()
    with Client(system.stack.gateway_url) as client:
        assert [job.id for job in client.jobs()] == sorted(jobs.ids)
    assert len(set(jobs.ids)) == len(jobs.ids)
    for job_id in jobs.ids:
        assert not system.stack.store.exists(Keys(job_id).upload)
    assert list(system.stack.store.walk("uploads/")) == []


def report(usual: float, cost: dict[str, list[float]], jobs: int) -> None:
    """Writes the faults and their cost."""
    figures = {
        "seed": SEED,
        "jobs": jobs,
        "usual_seconds": round(usual, 1),
        "faults": sum(map(len, cost.values())),
        "seconds": {
            name: {"median": statistics.median(found), "most": max(found), "times": len(found)}
            for name, found in sorted(cost.items())
        },
    }
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "chaos.json").write_text(json.dumps(figures, indent=2) + "\n")
