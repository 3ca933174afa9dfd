"""Services drain when they are stopped during a job: nothing is lost or cut."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from poseway.client import Client
from poseway.jobs import JobState, Keys
from poseway.local.ports import free_ports, is_free
from poseway.local.stack import Stack
from poseway.paths import ROOT
from tests.support.paths import python_path
from tests.support.videos import small_clip
from tests.support.waiting import first_answer, until


class Second:
    """A second replica of a service."""

    def __init__(self, stack: Stack, name: str, ports: tuple[int, int], log: Path) -> None:
        self.log = log
        self._ports = ports
        env = {
            **os.environ,
            **stack.env,
            "POSEWAY_PORT": str(ports[0]),
            "POSEWAY_METRICS_PORT": str(ports[1]),
            "PYTHONPATH": python_path(ROOT),
            "PYTHONFAULTHANDLER": "1",
        }
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"poseway_{name}"], env=env, stderr=output
            )
        until(lambda: not is_free(ports[0]))

    def ended(self) -> int:
        """Waits for its exit status. If it does not end, fails with its log and stack traces."""
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(10)
            pytest.fail(f"It does not end:\n{self.log.read_text()}")

    def counted(self, metric: str) -> float:
        """Current value of a counter."""
        url = f"http://127.0.0.1:{self._ports[1]}/metrics"
        answer = first_answer(lambda: httpx.get(url, timeout=60, trust_env=False))
        lines = answer.text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(metric))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, dict[str, Second]]]:
    """A system with two replicas of inference and of the renderer."""
    folder = tmp_path_factory.mktemp("wide")
    ports = free_ports(5)
    settings = {"POSEWAY_SEGMENT_SECONDS": "0.5"}
    stack = Stack(folder, ports[4], settings)
    settings["POSEWAY_INFERENCE_ADDRESS"] = f"{stack.inference_address},127.0.0.1:{ports[0]}"
    settings["POSEWAY_RENDERER_ADDRESS"] = f"{stack.renderer_address},127.0.0.1:{ports[1]}"
    with stack:
        seconds: dict[str, Second] = {}
        try:
            for number, name in enumerate(("inference", "renderer")):
                place = (ports[number], ports[2 + number])
                seconds[name] = Second(stack, name, place, folder / f"{name}-2.log")
            yield stack, seconds
        finally:
            for second in seconds.values():
                second.process.kill()
                second.process.wait()


@pytest.fixture(scope="module")
def clip(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of the sample, scaled down."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    small_clip(sample, path, 90)
    return path


@contextmanager
def job(client: Client, video: Path) -> Iterator[str]:
    submitted = client.submit(video)
    yield submitted.id
    client.delete(submitted.id)


def files(client: Client, job_id: str, folder: Path) -> dict[str, bytes]:
    """Waits for a job and returns its keypoints and its video."""
    *_, last = client.watch(job_id)
    assert last.state is JobState.SUCCEEDED, last.error
    found = {}
    for name in ("keypoints.jsonl", "video.mp4"):
        client.download(f"{last.links['self']}/{name}", folder / name)
        found[name] = (folder / name).read_bytes()
    return found


def logged(stack: Stack, event: str, **fields: str | bool) -> list[dict[str, Any]]:
    lines = (stack.data_dir / "logs" / "dispatcher.log").read_text().splitlines()
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    wanted = {"event": event, **fields}.items()
    return [entry for entry in entries if wanted <= entry.items()]


@pytest.mark.essential
def test_stopping_replicas_and_dispatchers_cost_nothing(
    wide: tuple[Stack, dict[str, Second]], clip: Path, tmp_path: Path
) -> None:
    stack, seconds = wide
    with Client(stack.gateway_url) as client:
        with job(client, clip) as whole:
            expected = files(client, whole, tmp_path)

        with job(client, clip) as disturbed:
            for name, metric in (
                ("inference", "poseway_inference_frames_total"),
                ("renderer", "poseway_renderer_frames_total"),
            ):
                second = seconds[name]
                before = second.counted(metric)
                until(lambda s=second, m=metric, b=before: s.counted(m) > b)  # type: ignore[misc]
                second.process.send_signal(signal.SIGTERM)
            assert files(client, disturbed, tmp_path) == expected
        for second in seconds.values():
            # Within its grace period, without being killed.
            assert second.ended() == 0
            log = second.log.read_text()
            assert "stopping" in log
            assert "call failed" not in log
            assert "Traceback" not in log
        assert not logged(stack, "repeating", job=disturbed, try_counts=True)

        with job(client, clip) as handed_back:
            checkpoint = Keys(handed_back).segment(1, "checkpoint.json")
            until(lambda: stack.store.exists(checkpoint))
            os.kill(stack.pid("dispatcher"), signal.SIGTERM)
            assert files(client, handed_back, tmp_path) == expected
        begun = logged(stack, "begun", job=handed_back)
        assert [entry["attempt"] for entry in begun] == [1, 1]
        done = [entry["segment"] for entry in logged(stack, "segment done", job=handed_back)]
        # Segments with a checkpoint were not repeated.
        assert done == sorted(set(done))
