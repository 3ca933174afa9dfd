"""A first look at the whole system: twelve cases on a clip of two seconds, without people."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from poseway.client import Client
from poseway.errors import InvalidRequestError, NotFoundError
from poseway.formats.exports import FORMATS
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobState, Keys
from poseway.local.stack import Stack
from tests.support.gateways import assert_problem
from tests.support.sse import events
from tests.support.videos import make_video, read_number
from tests.support.webhook_receiver import listening

FRAMES = 60


@dataclass
class Processed:
    """The clip and its result."""

    clip: Path
    seen: list[Job]
    manifest: Manifest
    folder: Path

    @property
    def video(self) -> Path:
        return self.folder / "video.mp4"

    @property
    def id(self) -> str:
        return self.seen[-1].id


@pytest.fixture(scope="module")
def processed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Processed:
    """320x240, 60 frames at 30 a second, with a tone; each frame has its number in its top row."""
    folder = tmp_path_factory.mktemp("smoke")
    clip = folder / "numbers.mp4"
    clip.write_bytes(make_video(FRAMES, sound=True))
    with Client(stack.gateway_url) as client:
        job = client.submit(clip, {"screenshot_frames": "20"})
        seen = list(client.watch(job.id))
        assert seen[-1].state is JobState.SUCCEEDED, seen[-1].error
        manifest = client.manifest(job.id)
        for file in manifest.files:
            client.download(f"{job.links['self']}/{file.path}", folder / file.path)
    return Processed(clip, seen, manifest, folder)


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        yield client


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(path) as container:
        yield from container.decode(video=0)


def test_progress_only_grows(processed: Processed) -> None:
    fractions = [job.progress.fraction for job in processed.seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert processed.seen[-1].progress.frames_done == FRAMES


def test_every_frame_keeps_its_image_and_its_time(processed: Processed) -> None:
    before, after = (list(decoded(path)) for path in (processed.clip, processed.video))
    assert [frame.time for frame in after] == [frame.time for frame in before]
    pictures = (frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in after)
    assert [read_number(picture) for picture in pictures] == list(range(FRAMES))


def test_the_sound_stays(processed: Processed) -> None:
    with av.open(processed.video) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


def test_keypoints_cover_every_frame(processed: Processed) -> None:
    header, *lines = (processed.folder / "keypoints.jsonl").read_text().splitlines()
    assert json.loads(header)["width"] == 320
    assert [json.loads(line)["frame"] for line in lines] == list(range(FRAMES))


def test_the_manifest_describes_the_clip(processed: Processed) -> None:
    manifest = processed.manifest
    assert (manifest.frames, manifest.video_width, manifest.video_height) == (FRAMES, 320, 240)
    assert (manifest.people, manifest.source.codec) == (0, "h264")
    shots = [file.path for file in manifest.files if file.path.startswith("screenshots/")]
    assert shots == [f"screenshots/frame_{index:06d}.jpg" for index in (0, 20, 40)]


def test_the_result_is_converted_to_every_export_format(
    http: httpx.Client, processed: Processed
) -> None:
    links = processed.seen[-1].links
    for name in (*(made.name for made in FORMATS), "zip"):
        answer = http.get(links[name])
        assert (answer.status_code, answer.content != b"") == (200, True), name


def test_a_range_of_the_video_is_served(http: httpx.Client, processed: Processed) -> None:
    whole = (processed.video).read_bytes()
    answer = http.get(processed.seen[-1].links["video"], headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer.content) == (206, whole[100:200])


def test_the_page_lists_the_job(http: httpx.Client, client: Client, processed: Processed) -> None:
    page = http.get("/")
    assert (page.status_code, "<title>" in page.text) == (200, True)
    assert processed.id in [job.id for job in client.jobs(search="numbers.mp4")]


def test_the_end_is_in_the_event_stream(stack: Stack, processed: Processed) -> None:
    async def last_event() -> str:
        async with (
            httpx.AsyncClient(base_url=stack.gateway_url, timeout=60) as http,
            events(http, f"/v1/jobs/{processed.id}/events") as stream,
        ):
            *_, last = [event async for event in stream if event.data]
            return last.data

    assert json.loads(asyncio.run(last_event()))["state"] == "succeeded"


def test_a_file_that_is_not_a_video_fails_with_a_code_and_a_webhook(
    http: httpx.Client, client: Client
) -> None:
    with listening() as receiver:
        form = {"webhook_url": receiver.url}
        answer = http.post("/v1/jobs", data=form, files={"video": ("a.mp4", b"no video")})
        body = json.loads(receiver.received.get(timeout=120)[2])
    job = client.job(answer.json()["id"])
    assert (body["type"], body["data"]["id"]) == ("job.failed", job.id)
    assert job.error is not None
    assert job.error.code == "video_unreadable"


def test_wrong_requests_are_refused(
    http: httpx.Client, client: Client, processed: Processed
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        client.submit(processed.clip, {"overlay": "rainbow"})
    assert refused.value.code == "invalid_options"
    assert_problem(http.get(f"/v1/jobs/{'f' * 32}"), 404, "job_not_found")


def test_a_deleted_job_leaves_nothing(stack: Stack, client: Client, processed: Processed) -> None:
    job = client.submit(processed.clip)
    client.cancel(job.id)
    *_, ended = client.watch(job.id)
    assert ended.state in (JobState.CANCELLED, JobState.SUCCEEDED)
    client.delete(job.id)
    with pytest.raises(NotFoundError):
        client.job(job.id)
    assert not [item.key for item in stack.store.walk("") if job.id in item.key]
    assert stack.store.exists(Keys(processed.id).manifest)
