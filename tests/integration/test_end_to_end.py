"""A real video through the whole system, over HTTP, and a close look at what comes back."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from poseway.client import Client
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobState, Keys
from poseway.local.stack import Stack
from poseway.skeleton import COLOURS
from tests.support.videos import small_clip
from tests.support.waiting import until

FRAMES = 230
SMALL_FRAMES = 180
"""Of the clip that is processed several times: three segments."""
LOOKED_AT = (60, 120, 200)


@dataclass
class Result:
    """The sample, processed."""

    seen: list[Job]
    manifest: Manifest
    folder: Path

    @property
    def keypoints(self) -> list[dict[str, Any]]:
        lines = (self.folder / "keypoints.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines[1:]]


@pytest.fixture(scope="module")
def result(stack: Stack, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("result")
    with Client(stack.gateway_url) as client:
        job = client.submit(sample)
        seen = list(client.watch(job.id))
        assert seen[-1].state is JobState.SUCCEEDED, seen[-1].error
        manifest = client.manifest(job.id)
        for file in manifest.files:
            client.download(f"{job.links['self']}/{file.path}", folder / file.path)
    return Result(seen, manifest, folder)


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(path) as container:
        yield from container.decode(video=0)


def test_progress_grows_and_estimates_the_time_left(result: Result) -> None:
    fractions = [job.progress.fraction for job in result.seen]
    assert len(fractions) > 10
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert any(job.progress.eta_seconds for job in result.seen)
    assert {job.progress.frames_total for job in result.seen[3:]} == {FRAMES}


def test_browsers_can_play_the_video(result: Result) -> None:
    path = result.folder / "video.mp4"
    with av.open(path) as container:
        video = container.streams.video[0]
        assert video.codec_context.name == "h264"
        assert video.codec_context.profile == "High"
        assert video.codec_context.pix_fmt == "yuv420p"
        assert (video.width, video.height) == (1768, 994)
        assert container.streams.audio[0].codec_context.name == "aac"
    head = path.read_bytes()
    assert 0 < head.index(b"moov") < head.index(b"mdat")


def test_every_frame_keeps_its_presentation_time(result: Result, sample: Path) -> None:
    times = [frame.time for frame in decoded(result.folder / "video.mp4")]
    assert len(times) == FRAMES
    assert times == [frame.time for frame in decoded(sample)]
    with av.open(result.folder / "video.mp4") as container:
        video = container.streams.video[0]
        assert video.duration is not None
        assert video.time_base is not None
        assert float(video.duration * video.time_base) == pytest.approx(FRAMES / 30, abs=0.001)


def test_the_keypoints_cover_every_frame(result: Result, sample: Path) -> None:
    assert [record["frame"] for record in result.keypoints] == list(range(FRAMES))
    assert [record["pts"] for record in result.keypoints] == [f.pts for f in decoded(sample)]
    for record in result.keypoints:
        ids = [person["id"] for person in record["people"]]
        assert len(set(ids)) == len(ids)
        for person in record["people"]:
            points = np.array(person["keypoints"]).reshape(18, 3)
            assert np.isfinite(points).all()
            assert ((points[:, 2] >= 0) & (points[:, 2] <= 1)).all()
            assert (points[points[:, 2] == 0] == 0).all()


def test_two_people_are_tracked_throughout(result: Result) -> None:
    counts: dict[int, int] = {}
    for record in result.keypoints:
        for person in record["people"]:
            counts[person["id"]] = counts.get(person["id"], 0) + 1
    lasting = [track for track, frames in counts.items() if frames > FRAMES / 2]
    assert len(lasting) == 2
    assert min(counts) == 1
    assert result.manifest.people == 2
    assert result.manifest.tracks == len(counts)


def drawn_joints(frame: av.VideoFrame, people: list[dict[str, Any]]) -> list[bool]:
    """For each keypoint seen: whether the image has its colour at its smoothed position."""
    picture = frame.to_ndarray(format="rgb24")
    found = []
    for person in people:
        for index, (x, y, score) in enumerate(np.array(person["smoothed"]).reshape(18, 3)):
            if score > 0 and 2 <= x < picture.shape[1] - 2 and 2 <= y < picture.shape[0] - 2:
                patch = picture[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
                distance = np.abs(patch.reshape(-1, 3).mean(axis=0) - COLOURS[index]).max()
                found.append(bool(distance < 80))
    return found


def test_skeletons_are_drawn_at_the_keypoints(result: Result, sample: Path) -> None:
    pairs = zip(decoded(result.folder / "video.mp4"), decoded(sample), strict=True)
    for index, (after, before) in enumerate(pairs):
        if index not in LOOKED_AT:
            continue
        people = result.keypoints[index]["people"]
        assert len(people) >= 2
        drawn = drawn_joints(after, people)
        bare = drawn_joints(before, people)
        # A joint that lies under another has the other's colour.
        assert np.mean(drawn) > 0.9
        assert np.mean(bare) < 0.2


def test_screenshots_and_poster(result: Result) -> None:
    names = sorted(path.name for path in (result.folder / "screenshots").iterdir())
    assert names == [f"frame_{index:06d}.jpg" for index in range(0, FRAMES, 50)]
    for path in (result.folder / "poster.jpg", result.folder / "screenshots" / names[1]):
        picture = cv2.imread(str(path))
        assert picture is not None
        assert picture.shape == (994, 1768, 3)


def test_lasting_people_have_stills_and_screenshots_a_contact_sheet(result: Result) -> None:
    counts: dict[int, int] = {}
    for record in result.keypoints:
        for person in record["people"]:
            counts[person["id"]] = counts.get(person["id"], 0) + 1
    names = sorted(path.name for path in (result.folder / "stills").iterdir())
    lasting = [track for track, frames in counts.items() if frames >= 15]
    assert names == [f"person_{track:03d}.jpg" for track in sorted(lasting)]
    for name in names:
        still = cv2.imread(str(result.folder / "stills" / name))
        assert still is not None
        # Cut out around one person, not the whole picture.
        assert 100 < still.shape[0] < 994
        assert 50 < still.shape[1] < 1768 / 2
    assert cv2.imread(str(result.folder / "contact_sheet.jpg")) is not None


def test_the_manifest_describes_the_result(result: Result, stack: Stack) -> None:
    manifest = result.manifest
    assert manifest.frames == FRAMES
    assert manifest.segments == 4
    assert (manifest.video_width, manifest.video_height) == (1768, 994)
    assert manifest.duration_seconds == pytest.approx(FRAMES / 30, abs=0.001)
    assert manifest.source.codec == "vp9"
    assert manifest.source.frame_rate == "30"
    assert manifest.model.name == "openpose-mobilenet-thin"
    assert manifest.model.sha256.startswith("51f84ea8")
    assert manifest.model.precision in ("float32", "bfloat16", "float16")
    assert set(manifest.seconds) == {"decode", "inference", "tracking", "rendering", "total"}


def test_only_the_result_is_kept(result: Result, stack: Stack) -> None:
    keys = Keys(result.manifest.job)
    left = {item.key for item in stack.store.walk("") if result.manifest.job in item.key}
    assert left == {
        keys.request,
        keys.status,
        keys.manifest,
        *(keys.result + file.path for file in result.manifest.files),
    }


def test_options_take_effect(
    result: Result, client: Client, short_sample: Path, tmp_path: Path
) -> None:
    options = {
        "overlay": "black",
        "screenshot_seconds": "2",
        "max_people": "1",
        "max_resolution": "480",
        "crf": "40",
    }
    *_, job = client.watch(client.submit(short_sample, options).id)
    assert job.state is JobState.SUCCEEDED
    manifest = client.manifest(job.id)
    assert manifest.people == 1
    shots = [f.path for f in manifest.files if f.path.startswith("screenshots/")]
    assert shots == [f"screenshots/frame_{i:06d}.jpg" for i in (0, 60, 120)]
    client.download(job.links["video"], tmp_path / "small.mp4")
    with av.open(tmp_path / "small.mp4") as container:
        small = container.streams.video[0]
        assert (small.width, small.height) == (854, 480)
    assert (manifest.video_width, manifest.video_height) == (854, 480)
    whole = (result.folder / "video.mp4").stat().st_size
    assert (tmp_path / "small.mp4").stat().st_size < whole / 10


def test_the_background_is_the_video_without_drawings(
    result: Result, client: Client, stack: Stack, short_sample: Path, tmp_path: Path
) -> None:
    *_, job = client.watch(client.submit(short_sample, {"background": "true"}).id)
    assert job.state is JobState.SUCCEEDED
    sizes = {file.path: file.bytes for file in client.manifest(job.id).files}
    path = tmp_path / "background.mp4"
    client.download(job.links["background"], path)
    assert sizes["background.mp4"] == path.stat().st_size
    with av.open(path) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    for index, (bare, before) in enumerate(zip(decoded(path), decoded(short_sample), strict=True)):
        assert bare.time == before.time
        if index in LOOKED_AT:
            shown, source = (f.to_ndarray(format="rgb24").astype(int) for f in (bare, before))
            assert np.abs(shown - source).mean() < 3
            assert np.mean(drawn_joints(bare, result.keypoints[index]["people"])) < 0.2
    client.delete(job.id)
    assert not any(job.id in item.key for item in stack.store.walk(""))


def test_a_job_resumes_bit_exactly_after_a_killed_dispatcher(
    client: Client, stack: Stack, sample: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    small_clip(sample, clip, SMALL_FRAMES)
    # Trails and blurred faces depend on preceding frames, across segments too.
    options = {"trails": "true", "overlay": "faces_blurred", "background": "true"}
    *_, whole = client.watch(client.submit(clip, options).id)
    assert whole.state is JobState.SUCCEEDED
    names = ("keypoints.jsonl", "video.mp4", "background.mp4")
    for name in names:
        client.download(f"{whole.links['self']}/{name}", tmp_path / f"whole-{name}")
    job = client.submit(clip, options)
    checkpoint = Keys(job.id).segment(0, "checkpoint.json")
    until(lambda: stack.store.exists(checkpoint))
    killed = stack.pid("dispatcher")
    os.kill(killed, signal.SIGKILL)
    *_, last = client.watch(job.id)
    assert last.state is JobState.SUCCEEDED
    assert stack.pid("dispatcher") != killed
    assert (last.progress.frames_done, last.progress.frames_total) == (SMALL_FRAMES, SMALL_FRAMES)
    for name in names:
        client.download(f"{job.links['self']}/{name}", tmp_path / name)
        assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()
    for name in ("video.mp4", "background.mp4"):
        assert [f.time for f in decoded(tmp_path / name)] == [f.time for f in decoded(clip)]
