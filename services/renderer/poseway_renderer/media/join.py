"""Joining segments to one MP4 that plays while it loads, with the upload's sound, not encoding."""

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

# Pictures and sound take turns this often in the file: rarely, since every turn costs space in the
# index, yet often enough for a player that reads from a network.
_TURN_MICROSECONDS: Final = 500_000
# Bytes in the index: 4 for the size of a packet, 8 for its time unless that is as far from the last
# one's as all are, which it is in most sound, and some for keyframes and turns.
_INDEX_BYTES: Final = 1 << 13
_INDEX_BYTES_PER_FRAME: Final = 14
_INDEX_BYTES_PER_SOUND: Final = 6
_SOUND_PACKETS_PER_SECOND: Final = 50
_SOUND_PACKET_BYTES: Final = 16

MARGIN: Final = 4096
"""Bytes at the start of the file, besides the index, that change until the end."""

# Quoted, since the classes have no type parameters when the program runs.
_Packet: TypeAlias = "av.Packet[av.VideoStream] | av.Packet[av.AudioStream]"


class IndexTooLargeError(PosewayError):
    """The room that was left for the index did not suffice."""


class AudioError(PosewayError):
    """The sound of the upload does not go into an MP4."""


@dataclass(frozen=True, slots=True)
class JoinedVideo:
    """What became of the segments.

    Attributes:
        duration: Seconds from the start of the video to the end of its last frame.
        audio_codec: Codec of the sound, empty if there is none.
        sound_lost: Whether sound is missing that the upload has.
    """

    duration: Fraction
    audio_codec: str
    sound_lost: bool = False


class Joiner:
    """Joins the segments of one video.

    Attributes:
        index_bytes: Bytes to leave for the index: more than most videos need.
    """

    def __init__(
        self,
        upload: SeekableFile,
        frames: int,
        reading: Reading = AS_FOUND,
        *,
        drop_audio: bool = False,
    ) -> None:
        """Looks at the upload.

        Args:
            upload: The video that the segments show.
            frames: Frames that the segments hold together.
            reading: What the user said about the upload.
            drop_audio: Whether the user wants no sound.
        """
        with closing(VideoReader(upload, threads=1, reading=reading)) as reader:
            self._time_base = reader.info.time_base
            self._zero = reader.start * reader.info.time_base
            # The sound may be much longer than the picture.
            seconds = max(
                frames / reader.info.frame_rate,
                Fraction(reader.container.duration or 0, av.time_base),
            )
            # A file may claim any length, but its packets take some of its bytes.
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
        """Writes one MP4 with the packets of all segments and of the upload's sound.

        The index (the box ``moov``) comes first, so that a browser can begin before it has
        everything: room is left for it at the start and filled at the end. Pictures keep their
        presentation times.

        Args:
            segments: MP4 files of `SegmentEncoder`, in order; each is taken as its turn comes.
            output: Must write, and seek within its first `index_bytes` + `MARGIN` bytes.
            index_bytes: Bytes to leave for the index.
            silent: Whether to leave out sound that cannot be written.

        Raises:
            IncompatibleError: The segments do not fit together.
            IndexTooLargeError: `index_bytes` is too little.
            AudioError: There is sound, and it cannot be written.
        """
        pictures = _SegmentPackets(segments)
        with closing(open_container(self._upload)) as source:
            target = av.open(output, "w", format="mp4", options=self._options(index_bytes))
            video = target.add_stream_from_template(pictures.stream)
            streams: list[Iterator[_Packet]] = [pictures.packets(video)]
            sound = None
            if not (silent or self._drop_audio):
                sound = add_audio(target, source, self._zero, self._reading)
            unread = sound is None and not self._drop_audio and bool(source.streams.audio)
            if sound:
                streams.append(sound.packets)
            lost = _mux(target, heapq.merge(*streams, key=_seconds))
            if pictures.frames != self._frames:
                raise IncompatibleError(
                    f"The segments hold {pictures.frames} frames instead of {self._frames}."
                )
            try:
                target.close()
            except av.error.ArgumentError as error:
                raise IndexTooLargeError("The index is larger than its room.") from error
            except av.error.InvalidDataError as error:
                raise AudioError(str(error)) from error
        return JoinedVideo(
            pictures.end, sound.codec if sound else "", sound_lost=unread or lost > 0
        )

    def _options(self, index_bytes: int) -> dict[str, str]:
        return {
            **mp4_options(self._time_base),
            "moov_size": str(index_bytes),
            "chunk_duration": str(_TURN_MICROSECONDS),
        }


def _mux(target: av.container.OutputContainer, packets: Iterable[_Packet]) -> int:
    """Writes packets, but for sound that is damaged; returns how much of that there was.

    Raises:
        AudioError: AudioTrack cannot be written at all.
    """
    written = lost = 0
    for packet in packets:
        sound = packet.stream.type == "audio"
        try:
            target.mux_one(packet)
            written += 1
        except av.error.FFmpegError as error:
            if not sound:
                raise
            # The first packet writes what the file begins with, of which the sound is a part.
            if not written:
                raise AudioError(str(error)) from error
            lost += 1
    return lost


class _SegmentPackets:
    """The pictures of all segments, one after the other.

    Attributes:
        stream: Video stream of the first segment.
        frames: Frames handed out so far.
        end: Seconds from the start of the video to the end of the last of them.
    """

    def __init__(self, segments: Iterable[SeekableFile]) -> None:
        """Opens the first segment.

        Raises:
            IncompatibleError: There is none, or it is no video.
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
        """Packets of all segments, for a stream of another container."""
        kind = _kind(self.stream)
        last = -1
        for number, container in enumerate(chain([self._first], self._containers)):
            with container:
                stream = container.streams.video[0]
                if _kind(stream) != kind:
                    raise IncompatibleError(f"Segment {number} was encoded in another way.")
                for packet in container.demux(stream):
                    if packet.pts is None:
                        continue
                    if packet.pts <= last:
                        raise IncompatibleError(f"Segment {number} begins before the last ends.")
                    last = packet.pts
                    self.frames += 1
                    self.end = (packet.pts + (packet.duration or 0)) * packet.time_base
                    packet.stream = target
                    yield packet


def _kind(stream: av.VideoStream) -> tuple[object, ...]:
    """What must be the same in all segments: decoders are set up once."""
    context = stream.codec_context
    return context.name, context.width, context.height, context.extradata, stream.time_base


def _open(file: SeekableFile) -> av.container.InputContainer:
    try:
        return av.open(file, "r", metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise IncompatibleError("A segment is not a video.") from error


def _seconds(packet: _Packet) -> float:
    return (packet.dts or 0) * float(packet.time_base)
