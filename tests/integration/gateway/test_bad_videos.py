"""Files that users upload by mistake: each fails with a code and a helpful message."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from poseway.client import Client
from poseway.jobs import JobState
from poseway.local.stack import Stack
from tests.support.videos import make_video, numbered


def sound_only(path: Path) -> None:
    with av.open(path, "w", format="mp4") as output:
        tone = output.add_stream("aac", rate=48000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 48000), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 48000
        output.mux(tone.encode(silence))
        output.mux(tone.encode())


@pytest.fixture
def bad_video(request: pytest.FixtureRequest, tmp_path: Path, sample: Path) -> Path:
    path = tmp_path / "bad.mp4"
    match request.param:
        case "text":
            path.write_text("This is the text of a letter.\n" * 50)
        case "cut off":
            path.write_bytes(sample.read_bytes()[: sample.stat().st_size // 2])
        case "cut off in its header":
            path.write_bytes(sample.read_bytes()[:1000])
        case "sound only":
            sound_only(path)
        case "playlist":
            path.write_text("#EXTM3U\n#EXTINF:10,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    return path


@pytest.mark.parametrize(
    ("bad_video", "code", "words"),
    [
        ("text", "video_unreadable", "not a readable video"),
        ("cut off", "video_truncated", "Upload the complete file again"),
        ("cut off in its header", "video_unreadable", "incomplete"),
        ("sound only", "no_video_stream", "no video"),
        ("playlist", "video_unreadable", "not a readable video"),
    ],
    indirect=["bad_video"],
)
def test_bad_videos_fail_with_a_reason(
    client: Client, stack: Stack, bad_video: Path, code: str, words: str
) -> None:
    *_, last = client.watch(client.submit(bad_video).id)
    assert last.state is JobState.FAILED
    assert last.error is not None
    assert last.error.code == code
    assert words in last.error.message
    assert not stack.store.exists(f"uploads/{last.id}/source")
    assert list(stack.store.walk(f"results/{last.id}/")) == []


def damaged() -> bytes:
    """A video with an overwritten middle, in the codec on which decoders disagree most."""
    data = bytearray(make_video(60, codec="libsvtav1", options={"preset": "12"}))
    frames = data.index(b"mdat") + 8
    for offset in range(frames + 3000, len(data) - 2000, 1500):
        data[offset : offset + 4] = b"\xff\x00\xff\x00"
    return bytes(data)


STRANGE: dict[str, tuple[Callable[[], bytes], int, float]] = {
    "damaged": (damaged, 0, 0),
    "sound longer than the picture": (lambda: make_video(6, sound=True, sound_seconds=600), 6, 0.2),
    "one frame": (lambda: make_video(1), 1, 1 / 30),
    "odd size": (
        lambda: make_video(6, picture=lambda i: numbered(i, 255, 97), codec="mpeg4"),
        6,
        0.2,
    ),
    "mirrored": (
        lambda: make_video(6, matrix=(-65536, 0, 0, 0, 65536, 0, 320 << 16, 0, 1 << 30)),
        6,
        0.2,
    ),
    "Matroska": (lambda: make_video(6, container="matroska", codec="libvpx-vp9"), 6, 0.2),
}


@pytest.mark.parametrize("name", STRANGE)
def test_unusual_videos_work(client: Client, tmp_path: Path, name: str) -> None:
    make, frames, seconds = STRANGE[name]
    path = tmp_path / "strange"
    path.write_bytes(make())
    *_, last = client.watch(client.submit(path).id)
    assert last.state is JobState.SUCCEEDED, last.error
    manifest = client.manifest(last.id)
    client.download(last.links["video"], tmp_path / "video.mp4")
    with av.open(tmp_path / "video.mp4") as video:
        assert len(list(video.decode(video=0))) == manifest.frames
    if frames:
        assert manifest.frames == frames
        assert manifest.duration_seconds == pytest.approx(seconds, abs=0.002)


def test_truncated_video_is_reported(client: Client, tmp_path: Path) -> None:
    data = make_video(90, container="matroska")
    path = tmp_path / "cut.mkv"
    path.write_bytes(data[: len(data) // 2])
    *_, last = client.watch(client.submit(path).id)
    assert last.state is JobState.SUCCEEDED
    manifest = client.manifest(last.id)
    assert manifest.frames < 90
    assert "the file declares 3.0 s" in " ".join(manifest.warnings)


def test_video_without_people_succeeds(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "empty-room.mp4"
    path.write_bytes(make_video(12))
    *_, last = client.watch(client.submit(path).id)
    assert last.state is JobState.SUCCEEDED
    manifest = client.manifest(last.id)
    assert (manifest.people, manifest.tracks, manifest.frames) == (0, 0, 12)
