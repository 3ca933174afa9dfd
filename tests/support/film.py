"""Synthetic videos of every kind: numbered frames, and a flash in sync with a click."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import av
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

from poseway.media.orientation import Orientation
from tests.support.videos import default_scheduling, numbered

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

CLAP: Final = 13
UPRIGHT: Final = Orientation()
SQUARE: Final = Fraction(1)
HEVC: Final = {"preset": "ultrafast", "x265-params": "log-level=none"}
_RATE: Final = 48_000
_BLOCK: Final = 1152
# Display matrices (ISO/IEC 14496-12, 8.5.2) by the transformation that they apply.
_ONE: Final = 1 << 16
_MATRICES: Final = {
    Orientation(turns=1): (0, -_ONE, 0, _ONE, 0, 0, 0, 0, 1 << 30),
    Orientation(turns=2): (-_ONE, 0, 0, 0, -_ONE, 0, 0, 0, 1 << 30),
    Orientation(turns=3): (0, _ONE, 0, -_ONE, 0, 0, 0, 0, 1 << 30),
    Orientation(mirrored=True): (-_ONE, 0, 0, 0, _ONE, 0, 0, 0, 1 << 30),
}


@dataclass(frozen=True)
class Film:
    """Properties of a synthetic video.

    Attributes:
        container: FFmpeg's name of the format.
        codec: FFmpeg's name of the video encoder.
        sound: FFmpeg's name of the audio encoder; empty for none.
        pixels: FFmpeg's name of the pixel format.
        options: Options of the video encoder.
        size: Pixels of the upright frame.
        rate: Frames per second.
        times: Presentation times in seconds; None for even ones.
        turned: Transformation that a player must apply to stored frames.
        aspect: Width of a stored pixel divided by its height.
        interlaced: Whether frames are encoded as two fields.
        colours: Range, matrix, primaries, transfer, as numbered by ITU-T H.273.
        frames: Number of frames.
    """

    container: str = "mp4"
    codec: str = "libx264"
    sound: str = "aac"
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (256, 144)
    rate: Fraction = Fraction(25)
    times: list[Fraction] | None = None
    turned: Orientation = UPRIGHT
    aspect: Fraction = SQUARE
    interlaced: bool = False
    colours: tuple[int, int, int, int] = (1, 6, 6, 6)
    frames: int = 30

    def seconds(self) -> list[Fraction]:
        """Presentation time of each frame."""
        return self.times or [index / self.rate for index in range(self.frames)]

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Returns an upright frame: its number at the top, a white lower left during the flash."""
        width, height = self.size
        picture = numbered(index, width, height)
        picture[height // 2 :, : width // 2] = 255 if index == CLAP else 0
        return picture

    def make(self) -> bytes:
        """Encodes the video."""
        file = io.BytesIO()
        with default_scheduling(), av.open(file, "w", format=self.container) as output:
            stream = self._video(output)
            tone = (
                cast("AudioStream", output.add_stream(self.sound, rate=_RATE))
                if self.sound
                else None
            )
            sounds = self._sounds(tone) if tone else iter(())
            heard = next(sounds, None)
            for index, time in enumerate(self.seconds()):
                while tone and heard and (heard.pts or 0) <= time * _RATE:
                    output.mux(tone.encode(heard))
                    heard = next(sounds, None)
                output.mux(stream.encode(self._image(index, time, stream)))
            output.mux(stream.encode())
            while tone and heard:
                output.mux(tone.encode(heard))
                heard = next(sounds, None)
            if tone:
                output.mux(tone.encode())
        return file.getvalue()

    def _video(self, output: av.container.OutputContainer) -> "VideoStream":
        options = {"g": "12", **self.options}
        stream = cast("VideoStream", output.add_stream(self.codec, rate=self.rate, options=options))
        stored = self._stored(self.picture(0))
        stream.height, stream.width = stored.shape[:2]
        stream.pix_fmt = self.pixels
        context = stream.codec_context
        context.time_base = Fraction(1, 90_000) if self.times else 1 / self.rate
        context.sample_aspect_ratio = self.aspect
        context.color_range, context.colorspace, *others = self.colours
        context.color_primaries, context.color_trc = others
        if self.interlaced:
            context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        if self.turned in _MATRICES:
            stream.set_display_matrix(_MATRICES[self.turned])
        return stream

    def _stored(self, upright: NDArray[np.uint8]) -> NDArray[np.uint8]:
        turned = np.rot90(upright, -self.turned.turns)
        return np.ascontiguousarray(turned[:, ::-1] if self.turned.mirrored else turned)

    def _image(self, index: int, time: Fraction, stream: "VideoStream") -> av.VideoFrame:
        rgb = av.VideoFrame.from_ndarray(self._stored(self.picture(index)), format="rgb24")
        full, matrix, primaries, transfer = self.colours
        image = rgb.reformat(format=self.pixels, dst_colorspace=matrix, dst_color_range=full)
        image.color_primaries, image.color_trc = primaries, transfer
        image.time_base = Fraction(stream.codec_context.time_base or 0)
        image.pts = round(time / image.time_base)
        return image

    def _sounds(self, tone: "AudioStream") -> Iterator[av.AudioFrame]:
        """Yields soft noise for the duration of the video, with a click during the flash."""
        seconds = self.seconds()
        length = round((seconds[-1] + 1 / self.rate) * _RATE)
        wave = np.random.default_rng(0).uniform(-0.01, 0.01, (2, length)).astype(np.float32)
        click = round(seconds[CLAP] * _RATE)
        wave[:, click : click + 48] = 0.9
        resampler = av.AudioResampler(tone.codec_context.format.name, "stereo", _RATE)
        for start in range(0, length, _BLOCK):
            block = np.ascontiguousarray(wave[:, start : start + _BLOCK])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = _RATE, start, Fraction(1, _RATE)
            for part in resampler.resample(frame):
                part.pts, part.time_base = start, Fraction(1, _RATE)
                yield part
