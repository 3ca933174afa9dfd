"""Sound in results: dropped by default if faces are blurred."""

from pathlib import Path

import av
import pytest

from poseway.client import Client
from poseway.formats.manifest import Manifest
from poseway.jobs import Audio, JobState, Overlay
from tests.support.videos import make_video


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short video with sound."""
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    path.write_bytes(make_video(8, sound=True))
    return path


def result(client: Client, video: Path, options: dict[str, object]) -> Manifest:
    *_, last = client.watch(client.submit(video, {**options, "background": True}).id)
    assert last.state is JobState.SUCCEEDED, last.error
    return client.manifest(last.id)


def streams(client: Client, manifest: Manifest, name: str, folder: Path) -> list[str]:
    client.download(f"/v1/jobs/{manifest.job}/{name}", folder / name)
    with av.open(folder / name) as container:
        return sorted(stream.type for stream in container.streams)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, True),
        ({"audio": "drop"}, False),
        ({"overlay": "faces_blurred"}, False),
        ({"overlay": "faces_blurred", "audio": "keep"}, True),
        ({"overlay": "blurred"}, True),
    ],
)
def test_sound_is_kept_where_chosen(
    client: Client, talk: Path, tmp_path: Path, options: dict[str, object], kept: bool
) -> None:
    manifest = result(client, talk, options)
    wanted = ["audio", "video"] if kept else ["video"]
    for name in ("video.mp4", "background.mp4"):
        assert streams(client, manifest, name, tmp_path) == wanted
    assert manifest.options.audio is (Audio.KEEP if kept else Audio.DROP)
    assert manifest.audio_codec == ("aac" if kept else None)
    assert manifest.warnings == []
    assert manifest.options.overlay is Overlay(str(options.get("overlay", "video")))
