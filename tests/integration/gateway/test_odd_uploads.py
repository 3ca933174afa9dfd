"""Streams without timestamps, animated and tiled images, in the running system."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.client import Client
from poseway.jobs import JobState
from tests.support.heif import heic
from tests.support.still_images import encoded
from tests.support.videos import make_video, numbered_people
from tests.unit.poseway.media.test_animated_image import animated

FRAMES: Final = 12

Pictures = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def pictures(sample: Path) -> Pictures:
    """Frames with people, in a size that is a multiple of the tiles."""
    get = numbered_people(sample, FRAMES)
    return [np.ascontiguousarray(get(index)[:448, :832]) for index in range(FRAMES)]


def video(pictures: Pictures, codec: str, container: str, **options: str) -> bytes:
    return make_video(
        FRAMES,
        picture=pictures.__getitem__,
        codec=codec,
        container=container,
        options={"bf": "2", **options},
    )


def tiled(pictures: Pictures) -> bytes:
    return heic([pictures[0][:, left : left + 416] for left in (0, 416)], grid=True)


# The upload, its frames, and the duration of the first.
UPLOADS: Final[dict[str, tuple[Callable[[Pictures], bytes], int, float]]] = {
    "pi.h264": (lambda pictures: video(pictures, "libx264", "h264"), FRAMES, 1 / 30),
    "cam.mjpeg": (
        lambda pictures: b"".join(encoded(picture, "jpg") for picture in pictures),
        FRAMES,
        1 / 25,
    ),
    "tall.y4m": (
        lambda pictures: video(pictures, "wrapped_avframe", "yuv4mpegpipe"),
        FRAMES,
        1 / 30,
    ),
    "dance.webp": (lambda pictures: animated("webp", pictures, [80] * FRAMES), FRAMES, 0.08),
    "dance.gif": (lambda pictures: animated("gif", pictures, [80] * FRAMES), FRAMES, 0.08),
    "IMG_0001.HEIC": (tiled, 1, 1 / 25),
}


@pytest.mark.parametrize("name", UPLOADS)
def test_odd_upload_becomes_a_result_with_its_people(
    client: Client, pictures: Pictures, tmp_path: Path, name: str
) -> None:
    make, frames, shown = UPLOADS[name]
    job = client.wait(client.submit(make(pictures), name=name).id)
    assert job.state is JobState.SUCCEEDED, job.error
    manifest = client.manifest(job.id)
    assert manifest.frames == frames
    assert manifest.people >= 1
    assert manifest.duration_seconds == pytest.approx(frames * shown, abs=1e-4)
    assert any("assume_frame_rate" in words for words in manifest.warnings) == (name == "cam.mjpeg")
    client.download(job.links["video"], tmp_path / "video.mp4")
    with av.open(tmp_path / "video.mp4") as made:
        times = [float(frame.time or 0) for frame in made.decode(video=0)]
    assert times == pytest.approx([index * shown for index in range(frames)], abs=1e-4)


def test_job_may_set_the_frame_rate(client: Client, pictures: Pictures, tmp_path: Path) -> None:
    data = io.BytesIO(video(pictures, "libx264", "h264"))
    job = client.wait(client.submit(data, {"assume_frame_rate": 12.5}, name="pi.h264").id)
    manifest = client.manifest(job.id)
    assert (manifest.source.frame_rate, manifest.warnings) == ("25/2", [])
    client.download(job.links["keypoints"], tmp_path / "keypoints.jsonl")
    _, *lines = (tmp_path / "keypoints.jsonl").read_text().splitlines()
    assert [json.loads(line)["time"] for line in lines] == [i / 12.5 for i in range(FRAMES)]
