"""Segments have the right frames at the right times, and the right screenshots."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from poseway.errors import IncompatibleError, InvalidRequestError
from poseway.jobs import Overlay
from poseway.media.reader import VideoReader
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.drawing.style import Style
from poseway_renderer.media.encode import Encoding
from poseway_renderer.segment import ScreenshotInterval, SegmentOptions, render_segment
from tests.support.people_to_draw import Shots, decoded, standing
from tests.support.segment_rendering import frames_of, posed, render
from tests.support.videos import make_video, numbered, read_number

QUARTER_CLOCKWISE = (0, 1 << 16, 0, -(1 << 16), 0, 0, 240 << 16, 0, 1 << 30)


@pytest.mark.parametrize(("first", "last"), [(0, 40), (0, 7), (13, 29), (39, 40)])
def test_renders_the_frames_that_were_sent(first: int, last: int) -> None:
    data = make_video(40, rate=Fraction(30_000, 1001))
    source = frames_of(data)[first:last]
    rendered, video, _ = render(data, posed(source))
    result = frames_of(video)
    assert rendered.frames == last - first == len(result)
    assert [read_number(frame.bgr(320, 240)) for frame in result] == list(range(first, last))
    assert [frame.pts for frame in result] == [frame.pts - source[0].pts for frame in source]


def test_draws_on_the_video_or_on_black() -> None:
    data = make_video(5)
    wanted = posed(frames_of(data))
    on_video, on_black = (
        frames_of(render(data, wanted, SegmentOptions(Style(background)))[1])[2]
        .bgr(320, 240)
        .astype(int)
        for background in (Overlay.VIDEO, Overlay.BLACK)
    )
    assert np.abs(on_video[200:, :80] - 96).max() < 6
    assert on_black[200:, :80].max() < 6
    # The neck is red on both.
    for picture in (on_video, on_black):
        blue, green, red = picture[90, 200]
        assert red > 180
        assert max(blue, green) < 80


def test_rotated_videos_are_drawn_upright() -> None:
    data = make_video(3, matrix=QUARTER_CLOCKWISE)
    source = frames_of(data)
    wanted = [PosedFrame(f.index, f.pts, [standing(1, 120, 100, 200)]) for f in source]
    result = frames_of(render(data, wanted)[1])
    assert (result[1].image.width, result[1].image.height) == (240, 320)
    upright = result[1].bgr(240, 320)
    assert read_number(np.rot90(upright)) == 1
    assert upright[140, 120, 2] > 180


def test_videos_of_odd_size_gain_a_row_and_a_column() -> None:
    options = {"deadline": "realtime"}
    data = make_video(
        3,
        picture=lambda index: numbered(index, 319, 239),
        codec="libvpx-vp9",
        container="webm",
        options=options,
    )
    result = frames_of(render(data, posed(frames_of(data)))[1])
    assert [(frame.image.width, frame.image.height) for frame in result] == [(320, 240)] * 3
    assert [read_number(frame.bgr(320, 240)) for frame in result] == [0, 1, 2]


def first_at_or_after(times: list[Fraction], seconds: Fraction) -> list[int]:
    """Returns the first frame and, for each multiple, the first frame at or after it."""
    found = {0}
    multiple = 1
    while multiple * seconds <= times[-1]:
        found.add(next(i for i, time in enumerate(times) if time >= multiple * seconds))
        multiple += 1
    return sorted(found)


@pytest.mark.parametrize(
    "interval",
    [
        ScreenshotInterval(frames=1),
        ScreenshotInterval(frames=7),
        ScreenshotInterval(frames=1000),
        ScreenshotInterval(seconds=Fraction(1, 10)),
        ScreenshotInterval(seconds=Fraction(1, 3)),
        ScreenshotInterval(seconds=Fraction(1, 1000)),
        ScreenshotInterval(seconds=Fraction(100)),
        ScreenshotInterval(),
    ],
)
@pytest.mark.parametrize("variable", [False, True])
def test_screenshots_do_not_depend_on_segments(
    interval: ScreenshotInterval, variable: bool
) -> None:
    steps = np.random.default_rng(3).integers(1, 9000, 36).cumsum().tolist()
    times = [0, *steps[:-1]] if variable else [3000 * index for index in range(36)]
    data = make_video(36, times=times, time_base=Fraction(1, 90_000))
    source = posed(frames_of(data))
    if interval.frames:
        expected = list(range(0, 36, interval.frames))
    elif interval.seconds:
        expected = first_at_or_after(
            [time * Fraction(1, 90_000) for time in times], interval.seconds
        )
    else:
        expected = []
    # Keyframes are 12 frames apart: segments start at one, before one, and after one.
    for length in (36, 12, 11, 1):
        taken: list[int] = []
        for start in range(0, 36, length):
            rendered, _, shots = render(
                data, source[start : start + length], SegmentOptions(screenshots=interval)
            )
            assert list(shots.screenshots) == rendered.screenshots
            taken += rendered.screenshots
        assert taken == expected, length


def test_a_screenshot_is_the_drawn_frame() -> None:
    data = make_video(10)
    _, _, shots = render(
        data, posed(frames_of(data)), SegmentOptions(screenshots=ScreenshotInterval(frames=4))
    )
    assert list(shots.screenshots) == [0, 4, 8]
    for index, shot in shots.screenshots.items():
        picture = decoded(shot)
        assert picture.shape == (240, 320, 3)
        assert read_number(picture) == index
        assert picture[90, 200, 2] > 180


def test_draws_each_frame_as_it_arrives() -> None:
    data = make_video(10)
    shots = Shots()
    sent: list[int] = []

    def arriving() -> Iterator[PosedFrame]:
        for frame in posed(frames_of(data)):
            # All frames before this one have been drawn.
            assert list(shots.screenshots) == sent
            sent.append(frame.index)
            yield frame

    render_segment(
        VideoReader(io.BytesIO(data)),
        arriving(),
        SegmentOptions(Style(Overlay.BLACK), ScreenshotInterval(frames=1)),
        Encoding(threads=1),
        io.BytesIO(),
        shots,
    )
    assert list(shots.screenshots) == sent == list(range(10))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frames: [], "no frames"),
        (lambda frames: frames[:3] + frames[4:], "frame 4 at 2048 does not follow frame 2"),
        (lambda frames: [frames[0], PosedFrame(1, 0, [])], "frame 1 at 0 does not follow"),
        (lambda frames: [PosedFrame(-1, 0, [])], "index -1 is negative"),
    ],
)
def test_frames_out_of_order_are_refused(
    change: Callable[[list[PosedFrame]], list[PosedFrame]], words: str
) -> None:
    data = make_video(10)
    with pytest.raises(InvalidRequestError, match=re.compile(words, re.IGNORECASE)):
        render(data, change(posed(frames_of(data))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frames: [PosedFrame(4, 1, [])], "has 0 of the 1 frames from frame 4 at 1"),
        (
            lambda frames: [frames[0], PosedFrame(1, 7, []), PosedFrame(2, 8, [])],
            "The video has 1 of the 3",
        ),
        (lambda frames: [PosedFrame(99, 50_688, [])], "The video has 0 of the 1"),
    ],
)
def test_frames_missing_in_the_video_are_incompatible(
    change: Callable[[list[PosedFrame]], list[PosedFrame]], words: str
) -> None:
    data = make_video(10)
    with pytest.raises(IncompatibleError, match=words):
        render(data, change(posed(frames_of(data))))


def test_surplus_or_missing_frames_do_not_shift_the_others() -> None:
    data = make_video(12)
    wanted = posed(frames_of(data))
    # The caller lacks frame 3, and has a frame between the times of frames 6 and 7.
    del wanted[3]
    wanted.insert(6, PosedFrame(6, (wanted[5].pts + wanted[6].pts) // 2, []))
    sent = [replace(frame, index=index) for index, frame in enumerate(wanted)]
    rendered, video, shots = render(
        data, sent, SegmentOptions(screenshots=ScreenshotInterval(frames=4))
    )
    result = frames_of(video)
    assert rendered.frames == len(result) == 12
    assert [frame.pts for frame in result] == [frame.pts for frame in sent]
    numbers = [read_number(frame.bgr(320, 240)) for frame in result]
    assert numbers == [0, 1, 2, 4, 5, 6, 6, 7, 8, 9, 10, 11]
    assert list(shots.screenshots) == rendered.screenshots == [0, 4, 8]
