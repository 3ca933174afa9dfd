"""Memory exhausted anywhere in the renderer's child process is reported as such."""

import io
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import DecoderError
from poseway.isolation import Isolated, Limits, prepare
from poseway_renderer import isolated
from poseway_renderer.isolated import IsolatedRenderer
from poseway_renderer.media.encode import Encoding
from poseway_renderer.segment import ScreenshotInterval, SegmentOptions
from tests.support.segment_rendering import frames_of, posed
from tests.support.videos import make_video

FRAMES = 6


def wide(index: int) -> NDArray[np.uint8]:
    return np.full((2160, 3840, 3), 40 * index, np.uint8)


@pytest.fixture(scope="module")
def video() -> bytes:
    prepare(isolated.__name__)
    return make_video(FRAMES, picture=wide, options={"preset": "ultrafast"})


def render(video: bytes, memory_mb: int) -> int:
    """Number of frames rendered within a memory limit."""
    frames = iter(posed(frames_of(video)))
    answers = {
        "frame": lambda: next(frames, None),
        **dict.fromkeys(("screenshot", "still", "video", "background"), lambda *_: None),
    }
    limits = Limits(memory_mb << 20, 120)
    files = {"upload": io.BytesIO(video)}.__getitem__
    with Isolated(IsolatedRenderer, limits=limits, files=files, answers=answers) as guest:
        options = SegmentOptions(screenshots=ScreenshotInterval(seconds=Fraction(1)))
        return int(guest.call("render", options, Encoding(threads=2), True).frames)


@pytest.mark.parametrize("memory_mb", [256, 320, 384, 448, 512, 640, 768, 896])
def test_exhausted_memory_is_reported(video: bytes, memory_mb: int) -> None:
    with pytest.raises(DecoderError) as raised:
        render(video, memory_mb)
    assert raised.value.code == "out_of_memory"


def test_sufficient_memory_renders_the_video(video: bytes) -> None:
    assert render(video, 2240) == FRAMES
