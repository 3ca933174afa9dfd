"""The background: the video without people drawn, beside the drawn video."""

import io
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.jobs import Keys, Overlay
from poseway.local.stack import Stack
from poseway.media.reader import VideoReader
from poseway.v1 import renderer_pb2, renderer_pb2_grpc
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.drawing.style import Style
from poseway_renderer.media.encode import Encoding
from poseway_renderer.media.join import Joiner
from poseway_renderer.segment import SegmentOptions, render_segment
from tests.support.people_to_draw import Shots, standing
from tests.support.renderer_requests import segment, upload
from tests.support.segment_rendering import frames_of
from tests.support.videos import make_video, read_number

FRAMES = 40
# Area of the standing person's head.
HEAD = (slice(58, 84), slice(190, 210))


def striped(index: int, width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    """Stripes that any blur removes and H.264 keeps, below the frame number."""
    picture = np.where(np.arange(width) // 3 % 2, 180, 60).astype(np.uint8)
    picture = np.repeat(np.tile(picture, (height, 1))[..., None], 3, axis=2)
    for bit in range(8):
        picture[:16, bit * 16 : (bit + 1) * 16] = 255 if index >> bit & 1 else 0
    return picture


def both(data: bytes, style: Style, length: int = 11) -> tuple[bytes, bytes]:
    """Returns the drawn video and its background, rendered in segments and joined."""
    posed = [PosedFrame(f.index, f.pts, [standing(1, 200, 60, 150)]) for f in frames_of(data)]
    drawn, bare = [], []
    for start in range(0, len(posed), length):
        files = io.BytesIO(), io.BytesIO()
        render_segment(
            VideoReader(io.BytesIO(data), threads=1),
            posed[start : start + length],
            SegmentOptions(style),
            Encoding(threads=1, crf=18),
            files[0],
            Shots(),
            files[1],
        )
        drawn.append(files[0].getvalue())
        bare.append(files[1].getvalue())
    joiner = Joiner(io.BytesIO(data), len(posed))
    outputs = io.BytesIO(), io.BytesIO()
    for segments, output in zip((drawn, bare), outputs, strict=True):
        joined = joiner.write(map(io.BytesIO, segments), output, joiner.index_bytes)
        assert joined.audio_codec == "aac"
    return outputs[0].getvalue(), outputs[1].getvalue()


def edits(data: bytes) -> list[bytes]:
    """Returns the edit list of each stream of an MP4 (ISO/IEC 14496-12, 8.6.6)."""
    found, at = [], data.find(b"elst")
    while at >= 0:
        found.append(data[at - 4 : at - 4 + int.from_bytes(data[at - 4 : at])])
        at = data.find(b"elst", at + 1)
    return found


def detail(picture: NDArray[np.uint8]) -> float:
    return float(np.abs(np.diff(picture[HEAD].astype(int), axis=1)).mean())


def coloured(picture: NDArray[Any]) -> bool:
    """Whether the red neck is drawn; everything else is grey."""
    return bool(np.ptp(picture[90, 200].astype(int)) > 60)


def test_background_has_the_same_frames_and_times_without_people() -> None:
    times = [15 + 3 * index + index % 3 for index in range(FRAMES)]
    data = make_video(FRAMES, picture=striped, times=times, sound=True, sound_seconds=4)
    video, background = both(data, Style(boxes=True, trails=True))
    source, drawn, bare = (frames_of(each) for each in (data, video, background))
    assert [f.pts for f in bare] == [f.pts for f in drawn] == [f.pts for f in source]
    assert [f.duration for f in bare] == [f.duration for f in drawn]
    assert [read_number(f.bgr(320, 240)) for f in bare] == list(range(FRAMES))
    assert len(edits(video)) == 2
    assert edits(background) == edits(video)
    for frames in zip(bare, drawn, source, strict=True):
        shown, painted, before = (frame.bgr(320, 240).astype(int) for frame in frames)
        assert np.abs(shown - before).mean() < 3
        assert coloured(painted)
        assert not coloured(shown)


@pytest.mark.parametrize("hiding", [Overlay.FACES_BLURRED, Overlay.BLURRED])
def test_background_is_blurred_like_the_video(hiding: Overlay) -> None:
    data = make_video(FRAMES, picture=striped, sound=True)
    _, hidden = both(data, Style(hiding))
    _, plain = both(data, Style())
    for shown, open_ in zip(frames_of(hidden), frames_of(plain), strict=True):
        assert detail(shown.bgr(320, 240)) < 0.3 * detail(open_.bgr(320, 240))
        assert not coloured(shown.bgr(320, 240))


def test_service_stores_a_background_on_request(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    frames = upload(stack.store, job, make_video(20, rate=Fraction(30_000, 1001), sound=True))
    keys = Keys(job)
    for number, start in enumerate((0, 12)):
        part = frames[start : start + (12 if number == 0 else 8)]
        renderer.RenderSegment(iter(segment(job, number, part, background=True)))
    join = renderer_pb2.JoinSegmentsRequest(job_id=job, segments=2, frames=20)
    renderer.JoinSegments(join)
    assert not stack.store.exists(keys.background)
    join.background = True
    answer = renderer.JoinSegments(join)
    video, background = (stack.store.get(key)[0] for key in (keys.video, keys.background))
    assert answer.video_bytes == len(video)
    assert stack.store.head(keys.background).content_type == "video/mp4"
    assert edits(background) == edits(video)
    assert [f.pts for f in frames_of(background)] == [f.pts for f in frames]
    assert frames_of(background)[7].bgr(320, 240)[40, 80].max() < 110
