"""``python -m tests.system.upgrade.record``: what this version leaves behind, for later ones.

Writes ``recorded/`` anew. That is for a release: what a test then has to read is what installations
have. Between releases it stays as it is, and a change that cannot read it is no upgrade.
"""

import json
import os
import shutil
import signal
import tempfile
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from poseway.api_keys import given
from poseway.client import Client
from poseway.jobs import JobError, JobOptions, JobRequest, JobState, JobStatus, Keys, Smoothing
from poseway.local.downloads import fetch_sample
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway.paths import ROOT
from poseway_gateway.api.access.quotas import DailyUsage
from poseway_gateway.api.uploads.idempotency import IdempotencyRecord
from poseway_gateway.api.uploads.upload_record import UploadRecord
from poseway_tracker.session import Frame, VideoTracker
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers.sort import Sort
from tests.support.tracked_people import street
from tests.support.videos import make_video

RECORDED: Final = Path(__file__).parent / "recorded"
OPTIONS: Final = {"trails": "true", "crf": "30"}
FRAMES: Final = 50
"""In the video of the job; 25 of them are in its first segment."""

_RATE: Final = 10
_JOB: Final = "f" * 32
_WHEN: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY: Final = f"pw_0123abcd_{'5' * 40}"


def small(sample: Path, frames: int = FRAMES) -> bytes:
    """The beginning of the sample, small, with every third frame only."""
    pictures: list[NDArray[np.uint8]] = []
    with av.open(str(sample)) as source:
        for index, frame in enumerate(source.decode(video=0)):
            if index % 3 == 0 and len(pictures) < frames:
                pictures.append(frame.reformat(440, 248, "rgb24").to_ndarray().astype(np.uint8))
    return make_video(frames, picture=pictures.__getitem__, rate=Fraction(_RATE))


def jobs(stack: Stack, video: Path) -> None:
    """A job between its two segments, and the same job after its end."""
    with Client(stack.gateway_url) as client:
        job = client.submit(video, OPTIONS)
        while not stack.store.exists(Keys(job.id).segment(0, "checkpoint.json")):
            time.sleep(0.01)
        dispatcher = stack.pid("dispatcher")
        os.kill(dispatcher, signal.SIGSTOP)
        copy(stack, job.id, "half")
        os.kill(dispatcher, signal.SIGCONT)
        if client.wait(job.id).state is not JobState.SUCCEEDED:
            raise RuntimeError("The job failed.")
        copy(stack, job.id, "done")


def copy(stack: Stack, job_id: str, name: str) -> None:
    """Copies the objects of a job to files named after their keys without the job's id."""
    for item in stack.store.walk(""):
        if job_id in item.key:
            path = RECORDED / name / item.key.replace(f"{job_id}/", "")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stack.store.get(item.key)[0].replace(job_id.encode(), _JOB.encode()))


def records() -> dict[str, BaseModel]:
    """Makes each other kind of record, with all fields."""
    options = JobOptions(
        model="movenet-multipose",
        accurate=True,
        smoothing=Smoothing.STRONG,
        screenshot_seconds=1.5,
        max_people=3,
        line_width=4.5,
        max_resolution=720,
    )
    request = JobRequest(
        id=_JOB,
        name="a.mp4",
        size=5,
        sha256="0" * 64,
        created_at=_WHEN,
        options=options,
        owner="0123abcd",
        webhook_url="https://example.org/poseway",
    )
    pending = UploadRecord(
        **request.model_dump(include={"id", "name", "size", "owner", "webhook_url"}),
        options=options,
        claim="my run",
        part_bytes=8 << 20,
        storage_id="x",
        begun_at=_WHEN,
        completing_at=_WHEN,
        expires_at=_WHEN,
    )
    failed = JobStatus(
        state=JobState.FAILED,
        attempts=1,
        updated_at=_WHEN,
        started_at=_WHEN,
        finished_at=_WHEN,
        error=JobError(code="no_video", message="There is no video in the file."),
    )
    return {
        "request": request,
        "failed": failed,
        "pending": pending,
        "remembered": IdempotencyRecord(job=_JOB, fingerprint="0" * 64, at=_WHEN),
        "used": DailyUsage(day=_WHEN.date(), jobs=3, bytes=5),
        "key": given(KEY, "somebody"),
    }


def sort_state() -> bytes:
    """State of SORT after twelve frames of the street."""
    video = VideoTracker(Sort(1.0, 0, 0.2), Smoother(Strength.LIGHT))
    video.segment(
        [
            Frame(index, poses, np.full(len(poses), 0.5), index / 30)
            for index, poses in enumerate(street(12))
        ]
    )
    return video.save()


def main() -> None:
    """Records."""
    shutil.rmtree(RECORDED, ignore_errors=True)
    RECORDED.mkdir()
    for name, record in records().items():
        (RECORDED / f"{name}.json").write_text(json.dumps(record.model_dump(mode="json"), indent=1))
    (RECORDED / "sort.json").write_bytes(sort_state())
    env = {"POSEWAY_SEGMENT_SECONDS": "2.5"}
    with tempfile.TemporaryDirectory() as data, Stack(Path(data), free_ports(1)[0], env) as stack:
        video = Path(data) / "small.mp4"
        video.write_bytes(small(fetch_sample(ROOT / "build" / "sample")))
        jobs(stack, video)


if __name__ == "__main__":
    main()
