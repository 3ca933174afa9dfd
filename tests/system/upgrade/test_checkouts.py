"""Two versions from their own checkouts: in turn on one data folder, and side by side.

The older one is the last release, or the commit that `POSEWAY_TEST_UPGRADE_FROM` names.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from poseway.client import Client
from poseway.jobs import JobState, Keys
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway.paths import ROOT
from tests.support.paths import python_path
from tests.support.videos import make_video
from tests.support.waiting import until
from tests.system.upgrade.checkout import DISPATCHER, SEGMENTS, Checkout, Old, made
from tests.system.upgrade.record import small

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc"),
]

JOB_FRAMES = 30


@dataclass(frozen=True)
class Left:
    """Data that a system of the older version left.

    Attributes:
        data: Its folder, after it was stopped in the middle of a job.
        killed: The same, if it had been killed with all of its parts at that moment.
        job: That job.
        before: The keypoints of its first segment, as they were then.
        done: A job that it had finished.
        upload: An upload of which it had the first part.
        mixed: Keypoints of a job that a newer dispatcher did with its services.
    """

    data: Path
    killed: Path
    job: str
    before: bytes
    done: str
    upload: str
    mixed: bytes


@pytest.fixture(scope="module")
def video(sample: Path) -> bytes:
    return small(sample, JOB_FRAMES)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return made(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def left(old: Checkout, video: bytes, tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("data")
    data, killed = folder / "stopped", folder / "killed"
    with old.up(data) as system:
        done, mixed = finish(system.url, make_video(5)), newer_dispatcher(system, video)
        upload = first_part(system.url, padded(video))
        job, before = half_done(system, video)
        system.copy(killed)
        system.stop()
    return Left(data, killed, job, before, done, upload, mixed)


@pytest.fixture(scope="module")
def stacks(left: Left) -> Iterator[list[Stack]]:
    """This version on both."""
    made = [Stack(data, free_ports(1)[0], SEGMENTS) for data in (left.data, left.killed)]
    with ThreadPoolExecutor() as threads:
        try:
            for starting in [threads.submit(stack.start) for stack in made]:
                starting.result()
            yield made
        finally:
            for stopping in [threads.submit(stack.stop) for stack in made]:
                stopping.result()


@pytest.fixture(scope="module")
def stopped(stacks: list[Stack]) -> Stack:
    """This version on the data of a stopped system."""
    return stacks[0]


@pytest.fixture(scope="module")
def killed(stacks: list[Stack]) -> Stack:
    """This version on the data of a killed system."""
    return stacks[1]


@pytest.fixture(scope="module")
def undisturbed(stopped: Stack, video: bytes) -> bytes:
    """Keypoints of the same video, by this version alone."""
    job = finish(stopped.gateway_url, video)
    return stopped.store.get(Keys(job).keypoints)[0]


def finish(url: str, video: bytes) -> str:
    """Runs a job and returns its id."""
    with httpx.Client(base_url=url, timeout=60) as http:
        job: str = http.post("/v1/jobs", files={"video": ("walk.mp4", video)}).json()["id"]
        wait_for(url, job)
    return job


def wait_for(url: str, job: str) -> None:
    """Waits until a job has succeeded."""
    with Client(url) as client:
        *_, last = client.watch(job)
        assert last.state is JobState.SUCCEEDED, last.error


def half_done(system: Old, video: bytes) -> tuple[str, bytes]:
    """Begins a job and freezes the dispatcher after its first segment.

    Returns:
        The job, and the segment's keypoints.
    """
    dispatcher = system.pid(DISPATCHER)
    with httpx.Client(base_url=system.url, timeout=60) as http:
        files = {"video": ("walk.mp4", video)}
        job: str = http.post("/v1/jobs", files=files).json()["id"]
    keys = Keys(job)
    until(lambda: system.store.exists(keys.segment(0, "checkpoint.json")), pause=0.01)
    os.kill(dispatcher, signal.SIGSTOP)
    assert not system.store.exists(keys.manifest)
    return job, system.store.get(keys.segment(0, "keypoints.jsonl"))[0]


def padded(video: bytes) -> bytes:
    """A video, padded so that its upload has two parts."""
    size = 9 << 20
    return video + size.to_bytes(4, "big") + b"free" + bytes(size - 8)


def first_part(url: str, video: bytes) -> str:
    """Begins an upload."""
    with httpx.Client(base_url=url, timeout=60) as http:
        told = http.post("/v1/uploads", json={"name": "walk.mp4", "size": len(video)}).json()
        assert told["part_bytes"] < len(video) <= 2 * told["part_bytes"]
        part = video[: told["part_bytes"]]
        assert http.put(told["links"]["part"].format(number=1), content=part).status_code == 204
    return str(told["id"])


@contextmanager
def dispatcher(folder: Path, env: dict[str, str], frozen: int) -> Iterator[None]:
    """Replaces an idle dispatcher, which is frozen for the block, by another one."""
    os.kill(frozen, signal.SIGSTOP)
    time.sleep(2.5)  # its earlier requests to the queue have expired
    ours = "poseway_" if folder == ROOT else "services."
    command = [sys.executable, "-m", ours + DISPATCHER]
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **env}) as process:
        try:
            yield
            assert process.poll() is None
        finally:
            process.terminate()
            os.kill(frozen, signal.SIGCONT)


def newer_dispatcher(system: Old, video: bytes) -> bytes:
    """Keypoints by this dispatcher and the inference, tracker and renderer of the older version."""
    env = {**system.settings(DISPATCHER), "PYTHONPATH": python_path(ROOT)}
    with dispatcher(ROOT, env, system.pid(DISPATCHER)):
        job = finish(system.url, video)
        return system.store.get(Keys(job).keypoints)[0]


def find_the_same(left: Left, undisturbed: bytes) -> bool:
    """Whether both versions find the same people."""
    before = left.before.splitlines()
    return before == undisturbed.splitlines()[1 : 1 + len(before)]


def assert_same(found: bytes, undisturbed: bytes, left: Left) -> None:
    """Checks that all frames are present, with the same people if both versions agree."""
    frames, wanted = found.splitlines()[1:], undisturbed.splitlines()[1:]
    assert len(frames) == len(wanted) == JOB_FRAMES
    assert frames == wanted or not find_the_same(left, undisturbed)


def assert_goes_on(stack: Stack, left: Left, undisturbed: bytes) -> None:
    """Checks that this version resumes and finishes the job that the older one began."""
    wait_for(stack.gateway_url, left.job)
    log = (stack.data_dir / "logs" / "dispatcher.log").read_text().splitlines()
    told = [json.loads(line) for line in log if left.job in line]
    assert "ended" in {entry["event"] for entry in told}
    done = [entry["segment"] for entry in told if entry["event"] == "segment done"]
    assert done
    assert 0 not in done
    found = stack.store.get(Keys(left.job).keypoints)[0]
    assert left.before.rstrip() in found
    assert_same(found, undisturbed, left)


def test_a_job_resumes_after_an_upgrade(stopped: Stack, left: Left, undisturbed: bytes) -> None:
    assert_goes_on(stopped, left, undisturbed)


def test_an_upload_resumes_after_an_upgrade(stopped: Stack, left: Left, video: bytes) -> None:
    whole, url = padded(video), stopped.gateway_url
    with httpx.Client(base_url=url, timeout=60) as http:
        told = http.get(f"/v1/uploads/{left.upload}").json()
        size = told["part_bytes"]
        assert told["parts"] == [{"number": 1, "size": size}]
        rest = http.put(told["links"]["part"].format(number=2), content=whole[size:])
        assert rest.status_code == 204
        assert http.post(told["links"]["complete"]).status_code == 201
    wait_for(url, left.upload)
    with Client(url) as client:
        assert client.manifest(left.upload).frames == JOB_FRAMES


def test_results_survive_an_upgrade(stopped: Stack, left: Left) -> None:
    url = stopped.gateway_url
    with Client(url) as client, httpx.Client(base_url=url, timeout=60) as http:
        assert left.done in {listed.id for listed in client.jobs()}
        for name, link in client.job(left.done).links.items():
            assert http.get(link).status_code == 200, name


def test_a_newer_dispatcher_works_with_older_services(left: Left, undisturbed: bytes) -> None:
    assert_same(left.mixed, undisturbed, left)


def test_an_older_dispatcher_works_with_newer_services(
    stopped: Stack, old: Checkout, left: Left, undisturbed: bytes, video: bytes
) -> None:
    wait_for(stopped.gateway_url, left.job)
    with dispatcher(old.folder, {**stopped.env, **old.env}, stopped.pid("dispatcher")):
        job = finish(stopped.gateway_url, video)
    assert_same(stopped.store.get(Keys(job).keypoints)[0], undisturbed, left)


def test_a_job_resumes_after_the_older_version_was_killed(
    killed: Stack, left: Left, undisturbed: bytes
) -> None:
    assert_goes_on(killed, left, undisturbed)


def test_both_versions_give_the_same_result(left: Left, undisturbed: bytes) -> None:
    if not find_the_same(left, undisturbed):
        pytest.skip("they find other people, so that the tests above only counted frames")
