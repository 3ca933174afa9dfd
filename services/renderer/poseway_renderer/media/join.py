"""Joins segments to one MP4 with the upload's audio, without encoding the video again."""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import ceil
from typing import Final, TypeAlias

import av
import av.error

from poseway.errors import IncompatibleError, PosewayError
from poseway.isolation.files import SeekableFile
from poseway.media.container import open_container
from poseway.media.reader import VideoReader
from poseway.read_options import AS_FOUND, Reading
from poseway_renderer.media.audio import add_audio
from poseway_renderer.media.encode import Sink, mp4_options

# Interval at which video and audio chunks alternate in the file: long, since every chunk takes
# space in the index, yet short enough for a player that reads from a network.
_CHUNK_MICROSECONDS: Final = 500_000
# Size of the index in bytes: per packet, 4 for its size, and 8 for its duration if that differs
# from the preceding one, which it rarely does in audio. The rest is for keyframes and chunks.
_INDEX_BYTES: Final = 1 << 13
_INDEX_BYTES_PER_FRAME: Final = 14
_INDEX_BYTES_PER_SOUND: Final = 6
_SOUND_PACKETS_PER_SECOND: Final = 50
_SOUND_PACKET_BYTES: Final = 16

MARGIN: Final = 4096
"""Bytes at the start of the file, besides the index, that change until the end."""

# Quoted: the class takes type parameters in its stub only.
_Packet: TypeAlias = "av.Packet[av.VideoStream] | av.Packet[av.AudioStream]"


class IndexTooLargeError(PosewayError):
    """The index does not fit into the bytes reserved for it."""


class AudioError(PosewayError):
    """MP4 cannot hold the upload's audio."""


@dataclass(frozen=True, slots=True)
class JoinedVideo:
    """Properties of a joined video.

    Attributes:
        duration: Seconds from the start of the video to the end of its last frame.
        audio_codec: Codec of the audio, empty without audio.
        sound_lost: Whether audio of the upload is missing.
    """

    duration: Fraction
    audio_codec: str
    sound_lost: bool = False


class Joiner:
    """Joins the segments of one video.

    Attributes:
        index_bytes: Bytes to reserve for the index, enough for most videos.
    """

    def __init__(
        self,
        upload: SeekableFile,
        frames: int,
        reading: Reading = AS_FOUND,
        *,
        drop_audio: bool = False,
    ) -> None:
        """Reads what it needs from the upload.

        Args:
            upload: The video that the segments show.
            frames: Total number of frames in the segments.
            reading: What the user stated about the upload.
            drop_audio: Whether to leave out the audio.
        """
        with closing(VideoReader(upload, threads=1, reading=reading)) as reader:
            self._time_base = reader.info.time_base
            self._zero = reader.start * reader.info.time_base
            # The audio may be much longer than the video.
            seconds = max(
                frames / reader.info.frame_rate,
                Fraction(reader.container.duration or 0, av.time_base),
            )
            # A file may declare any duration, but every packet takes some of its bytes.
            most = upload.seek(0, 2) // _SOUND_PACKET_BYTES
            sounds = min(ceil(_SOUND_PACKETS_PER_SECOND * seconds), most)
        self._upload = upload
        self._reading = reading
        self._frames = frames
        self._drop_audio = drop_audio
        self.index_bytes = (
            _INDEX_BYTES + _INDEX_BYTES_PER_FRAME * frames + _INDEX_BYTES_PER_SOUND * sounds
        )

    def write(
        self,
        segments: Iterable[SeekableFile],
        output: Sink,
        index_bytes: int,
        *,
        silent: bool = False,
    ) -> JoinedVideo:
        """Writes one MP4 with the packets of all segments and of the upload's audio.

        The index (the ``moov`` box) comes first, so that a browser can start playing while it
        downloads. Space is reserved for it at the start and filled at the end. Presentation times
        do not change.

        Args:
            segments: MP4 files of `SegmentEncoder` in order, each taken when its turn comes.
            output: Destination; must seek within its first `index_bytes` + `MARGIN` bytes.
            index_bytes: Bytes to reserve for the index.
            silent: Whether to leave out audio that cannot be written.

        Returns:
            The properties of the video.

        Raises:
            IncompatibleError: The segments do not fit together.
            IndexTooLargeError: `index_bytes` is too small.
            AudioError: There is audio that cannot be written.
        """
        pictures = _SegmentPackets(segments)
        with closing(open_container(self._upload)) as source:
            target = av.open(output, "w", format="mp4", options=self._options(index_bytes))
            video = target.add_stream_from_template(pictures.stream)
            streams: list[Iterator[_Packet]] = [pictures.packets(video)]
            audio = None
            if not (silent or self._drop_audio):
                audio = add_audio(target, source, self._zero, self._reading)
            unread = audio is None and not self._drop_audio and bool(source.streams.audio)
            if audio:
                streams.append(audio.packets)
            lost = _mux(target, heapq.merge(*streams, key=_seconds))
            if pictures.frames != self._frames:
                raise IncompatibleError(
                    f"The segments hold {pictures.frames} frames instead of {self._frames}."
                )
            try:
                target.close()
            except av.error.ArgumentError as error:
                raise IndexTooLargeError("The index exceeds its reserved bytes.") from error
            except av.error.InvalidDataError as error:
                raise AudioError(str(error)) from error
        return JoinedVideo(
            pictures.end, audio.codec if audio else "", sound_lost=unread or lost > 0
        )

    def _options(self, index_bytes: int) -> dict[str, str]:
        return {
            **mp4_options(self._time_base),
            "moov_size": str(index_bytes),
            "chunk_duration": str(_CHUNK_MICROSECONDS),
        }


def _mux(target: av.container.OutputContainer, packets: Iterable[_Packet]) -> int:
    """Writes packets except damaged audio, and returns the number of audio packets left out.

    Raises:
        AudioError: No audio can be written at all.
    """
    written = lost = 0
    for packet in packets:
        audio = packet.stream.type == "audio"
        try:
            target.mux_one(packet)
            written += 1
        except av.error.FFmpegError as error:
            if not audio:
                raise
            # The first packet writes the file header, which describes the audio.
            if not written:
                raise AudioError(str(error)) from error
            lost += 1
    return lost


class _SegmentPackets:
    """Packets of all segments, one segment after the other.

    Attributes:
        stream: Video stream of the first segment.
        frames: Number of frames so far.
        end: Seconds from the start of the video to the end of the last of them.
    """

    def __init__(self, segments: Iterable[SeekableFile]) -> None:
        """Opens the first segment.

        Raises:
            IncompatibleError: There is none, or it is not a video.
        """
        self.frames = 0
        self.end = Fraction(0)
        self._containers = (_open(file) for file in segments)
        first = next(self._containers, None)
        if first is None:
            raise IncompatibleError("There are no segments to join.")
        self._first = first
        self.stream = first.streams.video[0]

    def packets(self, target: av.VideoStream) -> Iterator[_Packet]:
        """Yields the packets of all segments, assigned to a stream of another container."""
        kind = _kind(self.stream)
        last = -1
        for number, container in enumerate(chain([self._first], self._containers)):
            with container:
                stream = container.streams.video[0]
                if _kind(stream) != kind:
                    raise IncompatibleError(f"Segment {number} has other encoding parameters.")
                for packet in container.demux(stream):
                    if packet.pts is None:
                        continue
                    if packet.pts <= last:
                        raise IncompatibleError(
                            f"Segment {number} starts before the preceding one ends."
                        )
                    last = packet.pts
                    self.frames += 1
                    self.end = (packet.pts + (packet.duration or 0)) * packet.time_base
                    packet.stream = target
                    yield packet


def _kind(stream: av.VideoStream) -> tuple[object, ...]:
    """Returns what all segments must share, because a player sets up its decoder once."""
    context = stream.codec_context
    return context.name, context.width, context.height, context.extradata, stream.time_base


def _open(file: SeekableFile) -> av.container.InputContainer:
    try:
        return av.open(file, "r", metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise IncompatibleError("A segment is not a video.") from error


def _seconds(packet: _Packet) -> float:
    return (packet.dts or 0) * float(packet.time_base)
