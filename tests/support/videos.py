"""Small synthetic videos, made on demand."""

import io
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import av
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

Picture = Callable[[int], NDArray[np.uint8]]


class Tags(NamedTuple):
    """Colour description, in numbers of ITU-T H.273; the range is FFmpeg's, 2 for full."""

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    range: int = 1


@contextmanager
def default_scheduling() -> Iterator[None]:
    """Restores the scheduling policy: as root, SVT-AV1 sets a real-time policy for the process."""
    yield
    if hasattr(os, "sched_setscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def numbered(index: int, width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    """Returns a grey frame with its index in the top row, eight bits of 16 pixels each."""
    picture = np.full((height, width, 3), 96, np.uint8)
    for bit in range(8):
        picture[:16, bit * 16 : (bit + 1) * 16] = 255 if index >> bit & 1 else 0
    return picture


def read_number(picture: NDArray[np.uint8]) -> int:
    """Reads the index that `numbered` drew."""
    cells = (picture[4:12, bit * 16 + 4 : bit * 16 + 12] for bit in range(8))
    return sum(1 << bit for bit, cell in enumerate(cells) if cell.mean() > 128)


def numbered_people(sample: Path, frames: int) -> Picture:
    """Returns frames of half the video's size, each with its index as in `numbered`."""
    pictures: list[NDArray[np.uint8]] = []
    with av.open(str(sample)) as source:
        for frame in itertools.islice(source.decode(video=0), frames):
            width, height = (size // 4 * 2 for size in (frame.width, frame.height))
            small = frame.reformat(width, height, "rgb24").to_ndarray().astype(np.uint8)
            small[:16, :128] = numbered(len(pictures), 128, 16)
            pictures.append(small)
    return pictures.__getitem__


def make_video(
    frames: int = 30,
    *,
    picture: Picture = numbered,
    rate: Fraction = Fraction(30),
    codec: str = "libx264",
    container: str = "mp4",
    sound: bool = False,
    sound_seconds: float | None = None,
    sound_codec: str = "aac",
    wave: NDArray[np.float32] | None = None,
    times: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    options: dict[str, str] | None = None,
    matrix: Sequence[int] | None = None,
    pix_fmt: str = "yuv420p",
    pixel_aspect: Fraction = Fraction(1),
    tags: Tags | None = None,
    interlaced: bool = False,
) -> bytes:
    """Encodes a video.

    Args:
        frames: Number of frames.
        picture: Returns a frame by index, uint8 (height, width, 3) RGB.
        rate: Frames per second.
        codec: FFmpeg's name of the encoder.
        container: FFmpeg's name of the format.
        sound: Whether to add a tone.
        sound_seconds: Duration of the tone; None for that of the video.
        sound_codec: FFmpeg's name of the audio encoder.
        wave: Samples to play instead of the tone, 48,000 per second.
        times: Presentation times of the frames in ticks; None for even ones.
        time_base: Seconds per tick; None for the duration of one frame.
        options: Options of the encoder.
        matrix: Display matrix, nine numbers (ISO/IEC 14496-12, 8.5.2).
        pix_fmt: FFmpeg's name of the coded pixel format.
        pixel_aspect: Width of a pixel divided by its height.
        tags: Colour description; None leaves it unspecified.
        interlaced: Whether frames are flagged as interlaced, top field first.
    """
    file = io.BytesIO()
    with default_scheduling(), av.open(file, "w", format=container) as output:
        every = {"g": "12", **(options or {})}
        stream = cast("VideoStream", output.add_stream(codec, rate=rate, options=every))
        stream.height, stream.width = picture(0).shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base or 1 / rate
        stream.codec_context.sample_aspect_ratio = pixel_aspect
        if interlaced:
            stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        if tags:
            context = stream.codec_context
            context.colorspace, context.color_primaries = tags.matrix, tags.primaries
            context.color_trc, context.color_range = tags.transfer, tags.range
        if matrix is not None:
            stream.set_display_matrix(matrix)
        sounds = sound or wave is not None
        tone = cast("AudioStream", output.add_stream(sound_codec, rate=48000)) if sounds else None
        if tone is not None:
            tone.codec_context.layout = "mono"
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            if tags:
                frame = frame.reformat(
                    format=pix_fmt, dst_colorspace=tags.matrix, dst_color_range=tags.range
                )
                frame.color_trc, frame.color_primaries = tags.transfer, tags.primaries
            frame.pts = index if times is None else times[index]
            frame.time_base = time_base or 1 / rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        if tone is not None:
            if wave is None:
                length = int(48000 * (sound_seconds or frames / rate))
                wave = np.sin(np.arange(length) * (2 * np.pi * 440 / 48000)).astype(np.float32)
            audio = av.AudioFrame.from_ndarray(wave[np.newaxis], format="fltp", layout="mono")
            audio.sample_rate = 48000
            output.mux(tone.encode(audio))
            output.mux(tone.encode())
    return file.getvalue()


def remuxed(
    data: bytes, container: str, options: dict[str, str], times: list[int] | None = None
) -> bytes:
    """Remuxes packets into another container, optionally at other times in milliseconds."""
    target = io.BytesIO()
    with (
        av.open(io.BytesIO(data), "r") as source,
        av.open(target, "w", format=container, options=options) as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.dts is not None]
        for index, packet in enumerate(packets):
            packet.stream = stream
            if times is not None:
                packet.duration = round((packet.duration or 0) * packet.time_base * 1000)
                packet.time_base = Fraction(1, 1000)
                packet.pts = packet.dts = times[index]
            output.mux(packet)
    return target.getvalue()


def small_clip(source: Path, target: Path, frames: int) -> None:
    """Returns the start of a video, 480x270 at 30 frames per second."""
    with av.open(source) as video, av.open(target, "w") as output:
        stream = output.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 480, 270, "yuv420p"
        for number, frame in enumerate(itertools.islice(video.decode(video=0), frames)):
            small = frame.reformat(480, 270, "yuv420p")
            small.pts, small.time_base = number, Fraction(1, 30)
            output.mux(stream.encode(small))
        output.mux(stream.encode(None))


def shorten(source: Path, target: Path, seconds: Fraction) -> None:
    """Returns the start of a video without encoding it again."""
    with av.open(source) as video, av.open(target, "w") as short:
        streams = {s.index: short.add_stream_from_template(s) for s in video.streams}
        for packet in video.demux():
            if packet.dts is not None and packet.dts * packet.time_base < seconds:
                packet.stream = streams[packet.stream.index]
                short.mux(packet)
