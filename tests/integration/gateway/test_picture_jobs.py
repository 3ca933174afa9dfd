"""Jobs with a still image: a result like that of a video, with one frame."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.client import Client
from poseway.jobs import Job, JobState
from poseway.skeleton import COLOURS
from tests.support.still_images import encoded, held, tagged

SIZE: Final = (1768, 994)
# A frame of the sample in which both people are fully visible.
FRAME: Final = 100


@pytest.fixture(scope="module")
def scene(sample: Path) -> NDArray[np.uint8]:
    """Two people, (height, width, 3), RGB."""
    with av.open(sample) as container:
        for index, image in enumerate(container.decode(video=0)):
            if index == FRAME:
                return np.asarray(image.to_ndarray(format="rgb24"), np.uint8)
    raise AssertionError


def cut_out(scene: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Adds a transparent border, whose colours must not matter."""
    alpha = np.full(scene.shape[:2], 255, np.uint8)
    alpha[:, :40] = alpha[:40] = 0
    return np.dstack((scene, alpha))


FORMATS: Final[dict[str, Callable[[NDArray[np.uint8]], bytes]]] = {
    "upright.jpg": lambda scene: encoded(scene, "jpg"),
    "of a phone.jpg": lambda scene: tagged(encoded(held(scene, 6), "jpg"), 6),
    "cut out.png": lambda scene: encoded(cut_out(scene), "png"),
    "lossy.webp": lambda scene: encoded(scene, "webp"),
    "old.bmp": lambda scene: encoded(scene, "bmp"),
    "scanned.tiff": lambda scene: encoded(scene, "tiff"),
}


def done(client: Client, path: Path, data: bytes, **options: str) -> Job:
    path.write_bytes(data)
    *_, job = client.watch(client.submit(path, options).id)
    return job


def joints(picture: NDArray[np.uint8], people: list[dict[str, Any]]) -> float:
    """Returns the share of keypoints that are drawn in their RGB colour at their position."""
    found = []
    for person in people:
        for index, (x, y, score) in enumerate(np.array(person["smoothed"]).reshape(18, 3)):
            if score > 0:
                patch = picture[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
                colour = patch.reshape(-1, 3).mean(axis=0)
                found.append(bool(np.abs(colour - COLOURS[index]).max() < 80))
    return float(np.mean(found))


@pytest.mark.parametrize("name", FORMATS)
def test_image_becomes_a_result_of_one_frame(
    client: Client, scene: NDArray[np.uint8], tmp_path: Path, name: str
) -> None:
    job = done(client, tmp_path / name, FORMATS[name](scene), background="true")
    assert job.state is JobState.SUCCEEDED, job.error
    manifest = client.manifest(job.id)
    assert (manifest.frames, manifest.people, manifest.segments) == (1, 2, 1)
    assert manifest.duration_seconds == 0.04
    assert (manifest.source.width, manifest.source.height) == SIZE
    assert manifest.warnings == []
    paths = {file.path for file in manifest.files}
    assert paths == {
        *("video.mp4", "background.mp4", "poster.jpg", "contact_sheet.jpg", "keypoints.jsonl"),
        *("tracks.json", "screenshots/frame_000000.jpg"),
        *(f"stills/person_{number:03d}.jpg" for number in range(1, manifest.tracks + 1)),
    }
    for path in ("poster.jpg", "video.mp4", "background.mp4", "keypoints.jsonl"):
        client.download(f"{job.links['self']}/{path}", tmp_path / path)
    _, line = (tmp_path / "keypoints.jsonl").read_text().splitlines()
    people = json.loads(line)["people"]
    poster = cv2.imread(str(tmp_path / "poster.jpg"))
    assert poster is not None
    assert poster.shape == (SIZE[1], SIZE[0], 3)
    shown: list[NDArray[Any]] = [poster[..., ::-1]]
    for path in ("video.mp4", "background.mp4"):
        with av.open(tmp_path / path) as video:
            (frame,) = video.decode(video=0)
            assert frame.time == 0
            shown.append(frame.to_ndarray(format="rgb24"))
    assert [joints(picture, people) > 0.85 for picture in shown] == [True, True, False]
    if name == "cut out.png":
        assert shown[0][:30].min() > 240
    else:
        assert np.abs(shown[2].astype(int) - scene).mean() < 4


def test_large_image_is_scaled_in_the_video_only(
    client: Client, scene: NDArray[np.uint8], tmp_path: Path
) -> None:
    large = np.asarray(cv2.resize(scene, (8000, 6000)), np.uint8)
    job = done(client, tmp_path / "large.jpg", encoded(large, "jpg"))
    assert job.state is JobState.SUCCEEDED, job.error
    manifest = client.manifest(job.id)
    assert (manifest.source.width, manifest.source.height) == (8000, 6000)
    assert (manifest.video_width, manifest.video_height) == (2880, 2160)
    client.download(job.links["keypoints"], tmp_path / "keypoints.jsonl")
    _, line = (tmp_path / "keypoints.jsonl").read_text().splitlines()
    highest = max(max(person["keypoints"][::3]) for person in json.loads(line)["people"])
    assert highest > 3000


@pytest.mark.parametrize("size", [(1, 1), (30_000, 60), (9, 4000)])
def test_images_of_odd_shapes_work(client: Client, tmp_path: Path, size: tuple[int, int]) -> None:
    data = encoded(np.full((size[1], size[0], 3), 90, np.uint8), "png")
    job = done(client, tmp_path / "strange.png", data)
    assert job.state is JobState.SUCCEEDED, job.error
    client.download(job.links["video"], tmp_path / "video.mp4")
    with av.open(tmp_path / "video.mp4") as video:
        assert len(list(video.decode(video=0))) == 1


def test_truncated_image_fails_or_warns(client: Client, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    for kind, state in (("jpg", JobState.SUCCEEDED), ("png", JobState.FAILED)):
        data = encoded(noise, kind)
        job = done(client, tmp_path / f"cut.{kind}", data[: len(data) // 2])
        assert job.state is state
        if job.error:
            assert job.error.code == "picture_unreadable"
        else:
            (warning,) = client.manifest(job.id).warnings
            assert warning == "The image is damaged or truncated: part of it is missing."
