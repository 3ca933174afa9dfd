"""Videos with cuts or with changing frame shapes, in the running system."""

import itertools
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.client import Client
from poseway.formats.manifest import Manifest
from tests.support.shape_changes import Part, film

FRAMES = 20


@pytest.fixture(scope="module")
def people(sample: Path) -> list[NDArray[np.uint8]]:
    """Frames of the sample, 1768x994: a man on the left, a woman on the right."""
    with av.open(str(sample)) as video:
        frames = itertools.islice(video.decode(video=0), 2 * FRAMES)
        return [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in frames]


def scaled(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    return frame.reformat(width, height, interpolation="AREA").to_ndarray().astype(np.uint8)


def done(client: Client, path: Path, data: bytes) -> tuple[Manifest, list[dict[str, Any]]]:
    path.write_bytes(data)
    job = client.wait(client.submit(path).id)
    assert job.error is None
    client.download(f"{job.links['self']}/keypoints.jsonl", path.with_suffix(".jsonl"))
    lines = path.with_suffix(".jsonl").read_text().splitlines()[1:]
    return client.manifest(job.id), [json.loads(line) for line in lines]


def test_people_are_found_after_the_phone_was_rotated(
    client: Client, people: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    wide = [scaled(picture, 640, 360) for picture in people[:FRAMES]]
    high = [scaled(picture[:, 346:906], 360, 640) for picture in people[FRAMES:]]
    data = film([Part(wide), Part(high)], "libvpx", "webm")
    manifest, frames = done(client, tmp_path / "turned.webm", data)
    assert (manifest.source.width, manifest.source.height) == (640, 360)
    assert [w for w in manifest.warnings if "frame size or aspect ratio changes once" in w]
    found = [frame["people"] for frame in frames[FRAMES:]]
    assert sum(map(bool, found)) >= FRAMES - 2
    xs = np.array([person["keypoints"] for people_ in found for person in people_])[:, ::3]
    assert xs[xs > 0].min() >= 219
    assert xs.max() <= 421


def test_no_track_crosses_a_cut(
    client: Client, people: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    man = [scaled(picture[0:560, 346:906], 480, 480) for picture in people[:FRAMES]]
    woman = [scaled(picture[434:994, 1150:1710], 480, 480) for picture in people[FRAMES:]]
    manifest, frames = done(client, tmp_path / "cut.mkv", film([Part(man + woman)]))
    assert manifest.cuts == [FRAMES / 25]
    before, after = (
        {person["id"] for frame in part for person in frame["people"]}
        for part in (frames[:FRAMES], frames[FRAMES:])
    )
    assert before
    assert after
    assert not before & after
