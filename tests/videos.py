"""Small videos, made when a test needs them."""

import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.stream import VideoStream

Picture = Callable[[int], NDArray[np.uint8]]


def numbered(index: int, width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    """A grey picture with the frame's index in its top row, eight bits of 16 pixels each."""
    picture = np.full((height, width, 3), 96, np.uint8)
    for bit in range(8):
        picture[:16, bit * 16 : (bit + 1) * 16] = 255 if index >> bit & 1 else 0
    return picture


def read_number(picture: NDArray[np.uint8]) -> int:
    """The index that `numbered` drew."""
    cells = (picture[4:12, bit * 16 + 4 : bit * 16 + 12] for bit in range(8))
    return sum(1 << bit for bit, cell in enumerate(cells) if cell.mean() > 128)


def make_video(
    frames: int = 30,
    *,
    picture: Picture = numbered,
    rate: Fraction = Fraction(30),
    codec: str = "libx264",
    container: str = "mp4",
    sound: bool = False,
    sound_seconds: float | None = None,
    times: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    options: dict[str, str] | None = None,
    matrix: Sequence[int] | None = None,
) -> bytes:
    """Encodes a video.

    Args:
        frames: Number of frames.
        picture: Makes the picture of a frame, uint8 (height, width, 3) RGB.
        rate: Frames per second.
        codec: FFmpeg's name of the encoder.
        container: FFmpeg's name of the format.
        sound: Whether to add a tone.
        sound_seconds: Length of the tone; None for that of the picture.
        times: Presentation times of the frames in ticks; None for one after the other.
        time_base: Seconds per tick; None for the time of one frame.
        options: The encoder's options.
        matrix: Display matrix, nine numbers as in ISO/IEC 14496-12, 8.5.2.
    """
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        every = {"g": "12", **(options or {})}
        stream = cast("VideoStream", output.add_stream(codec, rate=rate, options=every))
        stream.height, stream.width = picture(0).shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = time_base or 1 / rate
        if matrix is not None:
            stream.set_display_matrix(matrix)
        tone = output.add_stream("aac", rate=48000) if sound else None
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.pts = index if times is None else times[index]
            frame.time_base = time_base or 1 / rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        if tone is not None:
            length = int(48000 * (sound_seconds or frames / rate))
            wave = np.sin(np.arange(length) * (2 * np.pi * 440 / 48000)).astype(np.float32)
            audio = av.AudioFrame.from_ndarray(wave[np.newaxis], format="fltp", layout="mono")
            audio.sample_rate = 48000
            output.mux(tone.encode(audio))
            output.mux(tone.encode())
    return file.getvalue()
