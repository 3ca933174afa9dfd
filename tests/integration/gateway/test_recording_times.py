"""Irregular timestamps, as phones record them, in the running system."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from poseway.client import Client
from poseway.formats import keypoints
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, Progress
from tests.support.videos import make_video, numbered_people

_FRAMES = 40


class Result(NamedTuple):
    """The result of a recording.

    Attributes:
        progress: Its last progress.
        manifest: Its manifest.
        tracks: The tracks of tracks.json.
        frames: The frames of keypoints.jsonl.
    """

    progress: Progress
    manifest: Manifest
    tracks: list[Any]
    frames: list[Any]


@pytest.fixture(scope="module")
def pictures(sample: Path) -> Any:  # noqa: ANN401 # of `make_video`
    """Frames with people, at half the size of the sample."""
    return numbered_people(sample, _FRAMES)


def process(client: Client, video: bytes, folder: Path) -> Result:
    folder.mkdir(exist_ok=True)
    path = folder / "recording.mkv"
    path.write_bytes(video)
    job: Job = client.wait(client.submit(path).id)
    client.fetch(job, folder / "result")
    result = folder / "result"
    with (result / "keypoints.jsonl").open("rb") as lines:
        frames = list(keypoints.read(lines)[1])
    tracks = json.loads((result / "tracks.json").read_text())["tracks"]
    manifest = Manifest.model_validate_json((result / "manifest.json").read_bytes())
    return Result(job.progress, manifest, tracks, frames)


def recorded(picture: Any, milliseconds: Sequence[float]) -> bytes:  # noqa: ANN401
    """A recording whose container claims a thousand frames per second."""
    return make_video(
        len(milliseconds),
        picture=picture,
        container="matroska",
        rate=Fraction(1000),
        times=[round(time) for time in milliseconds],
        # The content of an image does not depend on its time.
        options={"qp": "20", "preset": "veryfast"},
    )


def test_irregular_times_give_the_same_people_as_regular_ones(
    client: Client,
    pictures: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    even = np.arange(_FRAMES) * 1000 / 30
    wandering = even + np.random.default_rng(5).uniform(-6, 6, _FRAMES) + 6
    first, second = (
        process(client, recorded(pictures, times.tolist()), tmp_path / name)
        for name, times in (("even", even), ("wandering", wandering))
    )
    for result in (first, second):
        assert 29 < Fraction(result.manifest.source.frame_rate) < 31
        assert result.manifest.tracks >= 1
        assert result.progress.frames_done == result.progress.frames_total == _FRAMES
    names = ("id", "frames", "spans")
    assert [[track[name] for name in names] for track in first.tracks] == [
        [track[name] for name in names] for track in second.tracks
    ]
    for one, other in zip(first.frames, second.frames, strict=True):
        assert [p["filled"] for p in one["people"]] == [p["filled"] for p in other["people"]]


def test_frame_every_ten_seconds(client: Client, pictures: Any, tmp_path: Path) -> None:  # noqa: ANN401
    video = recorded(lambda _: pictures(0), [10_000.0 * index for index in range(6)])
    result = process(client, video, tmp_path)
    assert float(Fraction(result.manifest.source.frame_rate)) == pytest.approx(0.1, rel=0.2)
    assert (result.manifest.frames, result.progress.frames_total) == (6, 6)
    assert result.tracks
    assert {track["frames"] for track in result.tracks} == {6}


def test_clock_jump_of_an_hour_ends_tracks(
    client: Client,
    pictures: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    even = np.arange(20) * 40.0
    times = even + np.where(np.arange(20) >= 10, 3_600_000.0, 0.0)
    video = recorded(lambda _: pictures(0), times.tolist())
    result = process(client, video, tmp_path)
    assert result.manifest.frames == 20
    half = len(result.tracks) // 2
    assert half
    spans = [track["spans"] for track in result.tracks]
    assert spans == [[[0, 9]]] * half + [[[10, 19]]] * half
    assert {track["times"][0][0] for track in result.tracks[half:]} == {3600.4}
