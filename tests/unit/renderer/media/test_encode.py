"""Encoded segments play in browsers and keep exact presentation times."""

import io
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from poseway.media.reader import VideoInfo
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.media.encode import Encoding, SegmentEncoder, jpeg
from poseway_renderer.pictures.crops import to_image
from tests.support.people_to_draw import decoded

SPACE = ColourSpace(1, 1, 1, False, 1)
DEFAULT = Encoding()


def info(
    width: int = 64,
    height: int = 48,
    time_base: Fraction = Fraction(1, 90_000),
    rate: Fraction = Fraction(30),
    aspect: Fraction = Fraction(1),
) -> VideoInfo:
    return VideoInfo("h264", width, height, time_base, rate, aspect, None, None)


def encode(
    video: VideoInfo,
    times: list[int],
    last: int = 3000,
    space: ColourSpace = SPACE,
    encoding: Encoding = DEFAULT,
    *,
    moving: bool = True,
) -> av.container.InputContainer:
    file = io.BytesIO()
    encoder = SegmentEncoder(file, video, space, encoding)
    for index, pts in enumerate(times):
        canvas = Canvas(video.width, video.height, space)
        canvas.blacken()
        canvas.luma[index % video.height if moving else 0] = 200
        duration = times[index + 1] - pts if index + 1 < len(times) else last
        encoder.write(canvas, pts, duration)
    encoder.finish()
    file.seek(0)
    return av.open(file, "r")


def test_segment_is_h264_that_browsers_play() -> None:
    container = encode(info(), [3000 * index for index in range(150)])
    stream = container.streams.video[0]
    assert stream.codec_context.name == "h264"
    assert stream.profile == "High"
    assert stream.codec_context.pix_fmt == "yuv420p"
    assert not stream.codec_context.has_b_frames


@pytest.mark.parametrize(
    "space", [SPACE, ColourSpace(6, 6, 6, False, 6), ColourSpace(5, 1, 13, True, 5)]
)
def test_segment_declares_its_colours(space: ColourSpace) -> None:
    context = encode(info(), [0, 3000], space=space).streams.video[0].codec_context
    assert (context.colorspace, context.color_primaries, context.color_trc) == (
        space.matrix,
        space.primaries,
        space.transfer,
    )
    assert context.color_range == space.range


@pytest.mark.parametrize("start", [0, 12_345_678])
@pytest.mark.parametrize(
    "time_base",
    [
        Fraction(1, 15_360),
        Fraction(1, 90_000),
        Fraction(1, 1000),
        Fraction(1001, 30_000),
        Fraction(1, 1_000_000),
        Fraction(33_367, 1_000_000),
    ],
)
def test_presentation_times_are_exact(time_base: Fraction, start: int) -> None:
    steps = np.random.default_rng(2).integers(1, 400, 50).cumsum()
    times = [start + int(step) for step in steps]
    container = encode(info(time_base=time_base), times, last=777)
    stream = container.streams.video[0]
    packets = [packet for packet in container.demux(stream) if packet.pts is not None]
    assert [(packet.pts or 0) * packet.time_base for packet in packets] == [
        pts * time_base for pts in times
    ]
    assert all(packet.pts == packet.dts for packet in packets)
    assert (packets[-1].duration or 0) * packets[-1].time_base == 777 * time_base


def test_keyframes_are_at_most_two_seconds_apart() -> None:
    container = encode(info(), [3000 * index for index in range(200)])
    packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    keys = [index for index, packet in enumerate(packets) if packet.is_keyframe]
    assert keys[0] == 0
    assert max(np.diff([*keys, len(packets)])) <= 60


@pytest.mark.parametrize(("width", "height"), [(63, 47), (1, 1), (2, 300)])
def test_odd_sizes_become_even(width: int, height: int) -> None:
    stream = encode(info(width, height), [0, 3000]).streams.video[0]
    assert (stream.width, stream.height) == (width + width % 2, height + height % 2)


def test_non_square_pixels_are_kept() -> None:
    stream = encode(info(aspect=Fraction(4, 3)), [0, 3000]).streams.video[0]
    assert stream.sample_aspect_ratio == Fraction(4, 3)


@pytest.mark.parametrize("preset", ["superfast", "medium"])
def test_segments_have_the_same_parameters(preset: str) -> None:
    encoding = Encoding(preset, 23, threads=2)
    first = encode(info(), [0, 3000], encoding=encoding)
    second = encode(info(), [3000 * index for index in range(40, 100)], encoding=encoding)
    extradata = [c.streams.video[0].codec_context.extradata for c in (first, second)]
    assert extradata[0]
    assert extradata[0] == extradata[1]


def test_lower_crf_makes_larger_files() -> None:
    def size(crf: int) -> int:
        container = encode(info(320, 240), [0, 3000, 6000], encoding=Encoding(crf=crf))
        return container.size

    assert size(10) > size(40)


@pytest.mark.parametrize("space", [SPACE, ColourSpace(5, 5, 5, False, 5)])
def test_jpeg_has_the_colours_of_the_frame(space: ColourSpace) -> None:
    canvas = Canvas(64, 48, space)
    values = space.yuv((200, 100, 50))
    for plane, value in zip((canvas.luma, *canvas.chroma), values, strict=True):
        plane[:] = value
    data = jpeg(to_image(canvas, Fraction(1)))
    shown = decoded(data)
    assert data[:3] == b"\xff\xd8\xff"
    assert shown.shape == (48, 64, 3)
    assert np.abs(shown.astype(int) - (50, 100, 200)).max() <= 4


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(30), Fraction(1000)])
@pytest.mark.parametrize(
    "times",
    [
        [33 * index for index in range(200)],
        [4 * index for index in range(1500)],
        [10_000 * index for index in range(6)],
        [*range(0, 1900, 100), 9000, *range(9033, 12_000, 33)],
    ],
    ids=["30 a second", "250 a second", "one in 10 seconds", "with a pause"],
)
def test_keyframes_depend_on_time_not_on_the_declared_rate(
    rate: Fraction, times: list[int]
) -> None:
    container = encode(info(time_base=Fraction(1, 1000), rate=rate), times, last=33, moving=False)
    packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    shown = [(packet.pts or 0) * packet.time_base * 1000 for packet in packets]
    keys = [time for time, packet in zip(shown, packets, strict=True) if packet.is_keyframe]
    assert shown == times
    last: Fraction | int = keys[0]
    for time, end in pairwise([*times, times[-1] + 33]):
        last = time if time in keys else last
        assert end - last <= 2000 or last == time
    # Keyframes are large, so there are hardly more than needed.
    assert len(keys) <= min(len(times), 2 + (times[-1] - times[0]) // 1900)


def test_segments_of_different_rates_join() -> None:
    setups = {
        encode(info(time_base=Fraction(1, 1000), rate=Fraction(30)), times)
        .streams.video[0]
        .codec_context.extradata
        for times in ([0, 33, 66], [0, 10_000, 20_000], [0, 1, 2, 3])
    }
    assert len(setups) == 1
