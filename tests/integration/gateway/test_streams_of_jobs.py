"""Files with several streams, from upload to manifest, and jobs of older versions."""

from pathlib import Path

import pytest
from av.stream import Disposition

from poseway.client import Client
from poseway.errors import IncompatibleError
from poseway.formats.manifest import Manifest
from poseway.jobs import JobState
from poseway.media.reader import VideoInfo, VideoReader
from poseway_gateway.dispatcher.checkpoint import Checkpoint, check_resumable
from tests.support.multi_stream_files import Sound, Video, multi_stream_file

SMALL = (160, 96)
OPTIONS = {"audio_stream": 2}


def recorded(path: Path) -> Path:
    preview = Video("mjpeg", SMALL, frames=3, rate=2)
    commentary = Sound(300, language="eng")
    good = Sound(1000, layout="stereo", flags=Disposition.default)
    path.write_bytes(multi_stream_file("matroska", preview, Video(), commentary, good))
    return path


def test_manifest_lists_all_streams_and_the_ones_used(client: Client, tmp_path: Path) -> None:
    job = client.wait(client.submit(recorded(tmp_path / "two.mkv"), OPTIONS).id)
    assert job.state is JobState.SUCCEEDED
    client.fetch(job, tmp_path / "result")
    text = (tmp_path / "result" / "manifest.json").read_text()
    manifest = Manifest.model_validate_json(text)
    source = manifest.source
    assert (manifest.frames, source.width, source.codec) == (30, 320, "h264")
    assert (source.video_stream, source.audio_stream) == (1, 2)
    assert [stream.type for stream in source.streams] == ["video", "video", "audio", "audio"]
    assert [stream.default for stream in source.streams] == [False, False, False, True]
    assert (source.streams[2].language, source.streams[3].channels) == ("eng", 2)
    assert manifest.warnings == []


def test_missing_stream_fails_the_job(client: Client, tmp_path: Path) -> None:
    job = client.submit(recorded(tmp_path / "two.mkv"), {"video_stream": 3})
    *_, last = client.watch(job.id)
    assert last.error is not None
    assert last.error.code == "no_such_stream"
    assert "0 video, mjpeg, 160 x 96; 1 video, h264, 320 x 240; 2 audio" in last.error.message


def checkpoint(video_stream: int | None) -> Checkpoint:
    return Checkpoint(
        segment=0,
        frames=1,
        end=1,
        following=(1, 1),
        tracker="",
        people=0,
        tracks=[],
        screenshots={},
        seconds={},
        video_stream=video_stream,
    )


def info(path: Path) -> VideoInfo:
    with path.open("rb") as file:
        return VideoReader(file, 1).info


def test_job_begun_on_another_stream_restarts(tmp_path: Path) -> None:
    video = info(recorded(tmp_path / "two.mkv"))
    check_resumable([], video)
    check_resumable([checkpoint(1)], video)
    with pytest.raises(IncompatibleError, match="stream 0 of the upload, not 1"):
        check_resumable([checkpoint(0)], video)
    # Older versions did not record the stream, and used the first.
    with pytest.raises(IncompatibleError, match="stream 0"):
        check_resumable([checkpoint(None)], video)
    alone = tmp_path / "one.mp4"
    cover = Video("png", frames=1, flags=Disposition.attached_pic)
    alone.write_bytes(multi_stream_file("mp4", cover, Video(), Sound(1000)))
    check_resumable([checkpoint(None)], info(alone))
