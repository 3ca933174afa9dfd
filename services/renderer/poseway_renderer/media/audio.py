"""Copies or transcodes the audio of an upload into an MP4."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

import av
import av.error
from av.stream import Discard

from poseway.media.stream_selection import audio_stream
from poseway.read_options import AS_FOUND, Reading

# Codecs that MP4 supports are copied. Others are transcoded to AAC.
_COPIED: Final = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "alac", "flac"})
_AAC_RATE: Final = 48_000
_AAC_BITS_PER_CHANNEL: Final = 96_000


# Quoted: the classes take type parameters in their stubs only.
_Packets: TypeAlias = "Iterator[av.Packet[av.AudioStream]]"


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """Audio to be muxed into an MP4.

    Attributes:
        codec: FFmpeg's name of its codec in the MP4.
        packets: Its packets in order, on the clock of the video.
    """

    codec: str
    packets: _Packets


def add_audio(
    output: av.container.OutputContainer,
    source: av.container.InputContainer,
    zero: Fraction,
    reading: Reading = AS_FOUND,
) -> AudioTrack | None:
    """Adds the audio of an upload to an MP4 whose header is not written yet.

    Args:
        output: The MP4.
        source: The upload, at its start.
        zero: Seconds from the upload's zero to the start of its video.
        reading: What the user stated about the upload.

    Returns:
        The audio, whose packets are yet to be muxed; None without decodable audio.
    """
    stream = audio_stream(source, reading)
    if stream is None:
        return None
    # Discarded streams need not be downloaded.
    for other in source.streams:
        if other is not stream:
            other.discard = Discard.all
    codec = stream.codec_context.codec.canonical_name
    if codec in _COPIED:
        target = output.add_stream_from_template(stream)
        return AudioTrack(codec, _timed(_copied(source, stream), target, zero))
    target = _add_aac(output, stream)
    return AudioTrack("aac", _timed(_encoded(source, stream, target), target, zero))


def _timed(packets: _Packets, target: av.AudioStream, zero: Fraction) -> _Packets:
    """Shifts packets to the clock of the video, and drops those out of order, which MP4 rejects."""
    last: int | None = None
    for packet in packets:
        shift = round(zero / packet.time_base)
        pts = packet.dts if packet.pts is None else packet.pts
        if pts is None or (last is not None and pts - shift <= last):
            continue
        packet.pts = packet.dts = last = pts - shift
        packet.stream = target
        yield packet


def _copied(source: av.container.InputContainer, stream: av.AudioStream) -> _Packets:
    packets = source.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, IndexError, MemoryError):
            # The packets before the damage are good.
            return
        if packet is None:
            return
        if packet.size:
            yield packet


def _add_aac(output: av.container.OutputContainer, stream: av.AudioStream) -> av.AudioStream:
    """Adds a mono or stereo AAC stream, with the same sampling rate if AAC supports it."""
    rate = stream.codec_context.sample_rate
    if rate not in (av.Codec("aac", "w").audio_rates or ()):
        rate = _AAC_RATE
    channels = min(2, stream.codec_context.layout.nb_channels)
    target = output.add_stream("aac", rate=rate)
    target.codec_context.layout = "mono" if channels == 1 else "stereo"
    target.codec_context.bit_rate = channels * _AAC_BITS_PER_CHANNEL
    return target


def _encoded(
    source: av.container.InputContainer, stream: av.AudioStream, target: av.AudioStream
) -> _Packets:
    encoder = target.codec_context
    for frame in _resampled(source, stream, encoder):
        yield from target.encode(frame)
    yield from target.encode(None)


def _resampled(
    source: av.container.InputContainer,
    stream: av.AudioStream,
    encoder: av.AudioCodecContext,
) -> Iterator[av.AudioFrame]:
    """Yields the audio in the encoder's format, with gaps filled by silence."""
    resampler, kind = None, None
    for packet in _copied(source, stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            if resampler is None or kind != (frame.format.name, frame.layout, frame.sample_rate):
                kind = frame.format.name, frame.layout, frame.sample_rate
                if resampler is not None:
                    yield from resampler.resample(None)
                resampler = av.AudioResampler(
                    encoder.format, encoder.layout, encoder.rate, options={"async": "1"}
                )
            yield from resampler.resample(frame)
    if resampler is not None:
        yield from resampler.resample(None)
