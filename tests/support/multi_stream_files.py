"""Files with several streams, made on demand."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import av
import numpy as np
from av.stream import Disposition

from tests.support.videos import numbered

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

_RATE: Final = 48_000
_NONE: Final = Disposition(0)


@dataclass(frozen=True)
class Video:
    """A video stream of numbered frames that starts `late` seconds after zero."""

    codec: str = "libx264"
    size: tuple[int, int] = (320, 240)
    frames: int = 30
    rate: int = 30
    flags: Disposition = _NONE
    title: str = ""
    late: Fraction = Fraction(0)
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sound:
    """An audio stream: a tone in hertz."""

    hertz: int
    codec: str = "aac"
    layout: str = "mono"
    flags: Disposition = _NONE
    language: str = ""
    seconds: int = 1


def multi_stream_file(
    container: str, *kinds: Video | Sound, options: dict[str, str] | None = None
) -> bytes:
    """Muxes these streams in this order; `options` are the muxer's."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as output:
        streams = [_added(output, kind) for kind in kinds]
        packets = [
            packet
            for kind, stream in zip(kinds, streams, strict=True)
            for packet in _encoded(kind, stream)
        ]
        for packet in sorted(packets, key=lambda p: (p.dts or 0) * (p.time_base or 0)):
            output.mux(packet)
    return file.getvalue()


def _added(
    output: av.container.OutputContainer, kind: Video | Sound
) -> "VideoStream | AudioStream":
    stream: VideoStream | AudioStream
    if isinstance(kind, Video):
        options = {"g": "12", **dict(kind.options)}
        stream = cast("VideoStream", output.add_stream(kind.codec, rate=kind.rate, options=options))
        stream.width, stream.height = kind.size
        formats = {"mjpeg": "yuvj420p", "png": "rgb24"}
        stream.pix_fmt = formats.get(kind.codec, "yuv420p")
        if kind.title:
            stream.metadata["title"] = kind.title
    else:
        stream = cast("AudioStream", output.add_stream(kind.codec, rate=_RATE))
        stream.codec_context.layout = kind.layout
        if kind.language:
            stream.metadata["language"] = kind.language
    stream.disposition = kind.flags
    return stream


def _encoded(
    kind: Video | Sound, stream: "VideoStream | AudioStream"
) -> "Iterator[av.Packet[av.stream.Stream]]":
    if isinstance(kind, Video):
        video = cast("VideoStream", stream)
        for index in range(kind.frames):
            frame = av.VideoFrame.from_ndarray(numbered(index, *kind.size), format="rgb24")
            frame.time_base = Fraction(1, kind.rate)
            frame.pts = index + round(kind.late * kind.rate)
            yield from video.encode(frame)
        yield from video.encode()
        return
    audio = cast("AudioStream", stream)
    wave = np.sin(np.arange(kind.seconds * _RATE) * (2 * np.pi * kind.hertz / _RATE)).astype(
        np.float32
    )
    channels = audio.codec_context.layout.nb_channels
    data = np.ascontiguousarray(np.tile(wave, (channels, 1)))
    sound = av.AudioFrame.from_ndarray(data, format="fltp", layout=kind.layout)
    sound.sample_rate = _RATE
    yield from audio.encode(sound)
    yield from audio.encode()
