"""What a job requests of inference: its model, its accuracy and the size of its frames."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from poseway.client import Client
from poseway.formats.manifest import Manifest
from poseway.jobs import JobOptions, JobRequest, JobState, Keys, new_job_id, now
from poseway.local.stack import Stack
from poseway.messaging.job_queue import JobQueue
from poseway.v1 import inference_pb2
from poseway_gateway.dispatcher.clients import frame_height
from tests.support.queues import queue_settings
from tests.support.videos import make_video

POSEWAY = [sys.executable, "-c", "from poseway.cli import app; app()"]
FRAMES = 3


@pytest.fixture(scope="module")
def clip(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of the sample, in which a person walks."""
    with av.open(sample) as video:
        first = [frame for frame, _ in zip(video.decode(video=0), range(FRAMES), strict=False)]
    pictures = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in first]
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    path.write_bytes(make_video(FRAMES, picture=lambda index: pictures[index]))
    return path


def process(stack: Stack, clip: Path, folder: Path, *options: str) -> tuple[str, Path]:
    """Runs `poseway run`; returns its output and the folder of the result."""
    command = [*POSEWAY, "run", str(clip), *options]
    command += ["--data-dir", str(stack.data_dir), "--output", str(folder)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return " ".join(run.stdout.split()), folder / clip.stem


def people(result: Path) -> list[list[dict[str, Any]]]:
    lines = (result / "keypoints.jsonl").read_text().splitlines()
    return [json.loads(line)["people"] for line in lines[1:]]


def test_accurate_run_gives_other_keypoints(stack: Stack, clip: Path, tmp_path: Path) -> None:
    said, plain = process(stack, clip, tmp_path / "plain")
    said_accurate, accurate = process(stack, clip, tmp_path / "accurate", "--accurate")
    assert "thin on" in said
    assert "thin, accurate, on" in said_accurate
    manifests = [
        Manifest.model_validate_json((result / "manifest.json").read_text())
        for result in (plain, accurate)
    ]
    assert [manifest.options.accurate for manifest in manifests] == [False, True]
    assert all(people(accurate))
    assert people(plain) != people(accurate)


@pytest.mark.parametrize(
    ("accurate", "accurate_height", "expected"),
    [(False, 736, 368), (True, 736, 736), (True, 0, 368)],
)
def test_frames_are_sent_in_the_size_that_inference_uses(
    accurate: bool, accurate_height: int, expected: int
) -> None:
    model = inference_pb2.Model(input_height=368, accurate_height=accurate_height)
    assert frame_height(model, JobOptions(accurate=accurate)) == expected


def recorded(stack: Stack, client: Client, options: dict[str, Any]) -> str:
    """Runs a job whose options bypass the api; returns once it has finished."""
    job_id, video = new_job_id(), make_video(FRAMES)
    request = JobRequest(
        id=job_id,
        name="recorded.mp4",
        size=len(video),
        sha256="0" * 64,
        created_at=now(),
        options=JobOptions(),
    ).model_dump(mode="json")
    stack.store.put(Keys(job_id).upload, video, "video/mp4")
    data = json.dumps({**request, "options": options}).encode()
    stack.store.put(Keys(job_id).request, data, "application/json")
    asyncio.run(publish(stack, job_id))
    for _ in client.watch(job_id):
        pass
    return job_id


async def publish(stack: Stack, job_id: str) -> None:
    queue = await JobQueue.connect(queue_settings(stack))
    await queue.publish(job_id)
    await queue.close()


def test_model_unknown_to_inference_is_named(stack: Stack, client: Client) -> None:
    job = client.job(recorded(stack, client, {"model": "retired"}))
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == "unknown_model"
    assert "'retired'" in job.error.message
    assert "openpose-mobilenet-thin" in job.error.message


def test_older_job_without_the_option_is_not_accurate(stack: Stack, client: Client) -> None:
    job_id = recorded(stack, client, {"model": "openpose-mobilenet-thin", "overlay": "video"})
    assert client.job(job_id).state is JobState.SUCCEEDED
    manifest, _ = stack.store.get(Keys(job_id).manifest)
    assert json.loads(manifest)["options"]["accurate"] is False
