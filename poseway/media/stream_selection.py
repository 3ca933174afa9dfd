"""Lists the streams of an upload, and selects those that a player would show and play."""

from collections import Counter
from typing import Final, TypeVar, cast

import av
import av.error
from av.stream import Disposition

from poseway.errors import VideoError
from poseway.formats.manifest import SourceStream
from poseway.read_options import Reading

# Images that accompany a video and are never the video itself.
_ACCOMPANYING: Final = (
    Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent
)
# Audio for few listeners: commentary, audio description, music without vocals.
_SPECIAL: Final = (
    Disposition.comment
    | Disposition.visual_impaired
    | Disposition.descriptions
    | Disposition.clean_effects
    | Disposition.karaoke
)
# Image codecs, in which cameras store previews.
_IMAGE_CODECS: Final = ("bmp", "jpeg2000", "mjpeg", "png", "tiff", "webp")
_PREVIEW_SHARE: Final = 4
# Limits on reading a file to see which of its streams move.
_PROBE_PACKETS: Final = 48
_PROBE_BYTES: Final = 16 << 20
_MAX_TEXT: Final = 100
_MAX_LISTED: Final = 20

_Stream = TypeVar("_Stream", av.VideoStream, av.AudioStream)


def can_be_decoded(stream: av.VideoStream | av.AudioStream) -> bool:
    """Whether FFmpeg has a decoder for a stream and has read enough of it to configure that."""
    # PyAV has no context for an unknown codec, whatever its stubs say.
    if cast("object", stream.codec_context) is None:
        return False
    if isinstance(stream, av.VideoStream):
        return stream.codec_context.width > 0
    return stream.codec_context.sample_rate > 0


def video_stream(
    container: av.container.InputContainer, reading: Reading
) -> tuple[av.VideoStream, bool]:
    """Selects the video stream that a player would show, or the one that the user chose.

    A player shows the default stream, otherwise the largest. MP4 flags all streams as default and
    MPEG-TS none, so size decides there too. Moving video wins over covers, previews and stills;
    decodable streams win over others.

    Args:
        container: The open upload, at its start.
        reading: What the user stated about the upload.

    Returns:
        The stream, and whether the container is still at its start.

    Raises:
        VideoError: The file has no video, or lacks the stream that the user chose.
    """
    if reading.video_stream is not None:
        return _chosen_stream(container, container.streams.video, reading.video_stream), True
    videos = [s for s in container.streams.video if not s.disposition & _ACCOMPANYING]
    if not videos:
        raise _no_video(container)
    videos = [stream for stream in videos if can_be_decoded(stream)] or videos
    if len(videos) == 1:
        return videos[0], True
    frames = {stream.index: stream.frames for stream in videos}
    counted, whole = all(frames.values()), True
    if not counted:
        frames, whole = _packets(container, videos)
    moving = [stream for stream in videos if _moves(stream, frames, whole=whole)]

    def rank(stream: av.VideoStream) -> tuple[int, ...]:
        context = stream.codec_context
        pixels = context.width * context.height if can_be_decoded(stream) else 0
        return _is_default(stream), pixels, frames[stream.index], -stream.index

    return max(moving or videos, key=rank), counted


def audio_stream(
    container: av.container.InputContainer, reading: Reading, video: av.VideoStream | None = None
) -> av.AudioStream | None:
    """Selects the audio stream that a player would play, or the one that the user chose.

    A player plays the default stream, otherwise the first one with the most channels. In a
    transport stream with several programs, it plays the audio of the program on screen.

    Args:
        container: The open upload.
        reading: What the user stated about the upload.
        video: The video stream on screen, if known.

    Returns:
        The stream; None if no audio can be decoded.

    Raises:
        VideoError: The file lacks the stream that the user chose.
    """
    if reading.audio_stream is not None:
        asked = _chosen_stream(container, container.streams.audio, reading.audio_stream)
        return asked if can_be_decoded(asked) else None

    if video is not None and _has_programmes(container):
        related = container.streams.best("audio", related=video)
        if isinstance(related, av.AudioStream) and can_be_decoded(related):
            return related

    def rank(stream: av.AudioStream) -> tuple[int, ...]:
        special = bool(stream.disposition & _SPECIAL)
        channels = stream.codec_context.layout.nb_channels
        return _is_default(stream), not special, channels, -stream.index

    good = (stream for stream in container.streams.audio if can_be_decoded(stream))
    return max(good, key=rank, default=None)


def _has_programmes(container: av.container.InputContainer) -> bool:
    return container.format.name == "mpegts" and len(container.streams.video) > 1


def source_streams(container: av.container.InputContainer) -> tuple[SourceStream, ...]:
    """Returns all streams of an upload as the manifest lists them."""
    return tuple(_described(stream) for stream in container.streams)


def _described(stream: av.stream.Stream) -> SourceStream:
    facts: dict[str, int | str | None] = {}
    if isinstance(stream, av.VideoStream | av.AudioStream) and can_be_decoded(stream):
        context = stream.codec_context
        facts["codec"] = context.name
        if isinstance(context, av.AudioCodecContext):
            facts |= {"channels": context.layout.nb_channels, "sample_rate": context.sample_rate}
        else:
            facts |= {"width": context.width, "height": context.height}
    return SourceStream(
        index=stream.index,
        type=stream.type,
        language=_text(stream, "language"),
        title=_text(stream, "title"),
        default=_is_default(stream),
        cover=bool(stream.disposition & Disposition.attached_pic),
        **facts,
    )


def _text(stream: av.stream.Stream, name: str) -> str | None:
    return stream.metadata.get(name, "")[:_MAX_TEXT] or None


def _is_default(stream: av.stream.Stream) -> bool:
    return bool(stream.disposition & Disposition.default)


def _chosen_stream(
    container: av.container.InputContainer, streams: tuple[_Stream, ...], index: int
) -> _Stream:
    for stream in streams:
        if stream.index == index:
            return stream
    kind = "video" if streams is container.streams.video else "audio"
    raise VideoError(
        f"The file has no {kind} stream {index}. Its streams are: {_listed(container)}. Choose "
        "one of them, or leave the option out.",
        "no_such_stream",
    )


def _listed(container: av.container.InputContainer) -> str:
    streams = source_streams(container)
    names = [stream.line() for stream in streams[:_MAX_LISTED]]
    if len(streams) > _MAX_LISTED:
        names.append(f"and {len(streams) - _MAX_LISTED} more")
    return "; ".join(names)


def _no_video(container: av.container.InputContainer) -> VideoError:
    cover = bool(container.streams.video)
    if container.streams.audio:
        has = "audio and a cover image, but no video" if cover else "audio, but no video"
    elif cover:
        has = "a cover image, but no video"
    else:
        has = "neither video nor audio"
    return VideoError(f"The file has {has}. Upload a video or an image.", "no_video_stream")


def _packets(
    container: av.container.InputContainer, streams: list[av.VideoStream]
) -> tuple[dict[int, int], bool]:
    """Counts the packets of each stream until it is clear which of them move.

    Returns:
        The number of packets by stream index, and whether the file was read to its end.
    """
    counts, size = Counter({stream.index: 0 for stream in streams}), 0
    try:
        for packet in container.demux(streams):
            counts[packet.stream_index] += packet.size > 0
            size += packet.size
            # A stream may start late or have few frames.
            enough = counts[packet.stream_index] >= _PROBE_PACKETS and min(counts.values()) > 1
            if enough or size >= _PROBE_BYTES:
                return counts, False
    except (av.error.FFmpegError, IndexError):
        pass  # the packets before the damage have to suffice
    return counts, True


def _moves(stream: av.VideoStream, frames: dict[int, int], *, whole: bool) -> bool:
    """Whether a stream is more than a still image or a preview that changes now and then."""
    count = frames[stream.index]
    context = stream.codec_context
    if can_be_decoded(stream) and context.name in _IMAGE_CODECS:
        return count > 1 and count * _PREVIEW_SHARE > max(frames.values())
    return count > 1 or not whole
