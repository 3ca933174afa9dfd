"""The streams of an upload, and which of them a player would show and play."""

from collections import Counter
from typing import Final, TypeVar, cast

import av
import av.error
from av.stream import Disposition

from poseway.errors import VideoError
from poseway.formats.manifest import SourceStream
from poseway.read_options import Reading

# Pictures that go with the video, never the video itself.
_BESIDE: Final = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent
# Sound for few: comments, descriptions of the picture, music without the singer.
_SPECIAL: Final = (
    Disposition.comment
    | Disposition.visual_impaired
    | Disposition.descriptions
    | Disposition.clean_effects
    | Disposition.karaoke
)
# Codecs of pictures, in which cameras store previews.
_PICTURES: Final = ("bmp", "jpeg2000", "mjpeg", "png", "tiff", "webp")
_PREVIEW_SHARE: Final = 4
# How far to read to see which of several streams move.
_LOOK_PACKETS: Final = 48
_LOOK_BYTES: Final = 16 << 20
_MOST_TEXT: Final = 100
_MOST_LISTED: Final = 20

_Stream = TypeVar("_Stream", av.VideoStream, av.AudioStream)


def can_be_decoded(stream: av.VideoStream | av.AudioStream) -> bool:
    """Whether FFmpeg has a decoder for a stream, and has seen enough of it to set that up."""
    # There is no context for an unknown codec, whatever the types say.
    if cast("object", stream.codec_context) is None:
        return False
    if isinstance(stream, av.VideoStream):
        return stream.codec_context.width > 0
    return stream.codec_context.sample_rate > 0


def video_stream(
    container: av.container.InputContainer, reading: Reading
) -> tuple[av.VideoStream, bool]:
    """The video stream that a player would show, or the one that the user asked for.

    That is the stream flagged as default, otherwise the largest. MP4 flags every stream as default,
    MPEG-TS none: then size decides, too. Covers, previews and stills lose to everything that moves,
    and what cannot be decoded to what can.

    Args:
        container: The upload, open and at its start.
        reading: What the user said about the upload.

    Returns:
        The stream, and whether the container is still at its start.

    Raises:
        VideoError: There is none, or not the one that the user asked for.
    """
    if reading.video_stream is not None:
        return _asked_for(container, container.streams.video, reading.video_stream), True
    films = [s for s in container.streams.video if not s.disposition & _BESIDE]
    if not films:
        raise _no_video(container)
    films = [stream for stream in films if can_be_decoded(stream)] or films
    if len(films) == 1:
        return films[0], True
    frames = {stream.index: stream.frames for stream in films}
    counted, whole = all(frames.values()), True
    if not counted:
        frames, whole = _packets(container, films)
    moving = [stream for stream in films if _moves(stream, frames, whole=whole)]

    def rank(stream: av.VideoStream) -> tuple[int, ...]:
        context = stream.codec_context
        pixels = context.width * context.height if can_be_decoded(stream) else 0
        return _is_default(stream), pixels, frames[stream.index], -stream.index

    return max(moving or films, key=rank), counted


def audio_stream(
    container: av.container.InputContainer, reading: Reading, video: av.VideoStream | None = None
) -> av.AudioStream | None:
    """The audio stream that a player would play, or the one that the user asked for.

    That is the stream flagged as default, otherwise the first of those with the most channels; in
    a transport stream with several programmes, the sound of the one that is shown.

    Args:
        container: The upload, open.
        reading: What the user said about the upload.
        video: The video stream that is shown, if that is known.

    Returns:
        The stream; None if there is none that can be decoded.

    Raises:
        VideoError: There is no such stream as the user asked for.
    """
    if reading.audio_stream is not None:
        asked = _asked_for(container, container.streams.audio, reading.audio_stream)
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
    """All streams of an upload, as the manifest has them."""
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
    return stream.metadata.get(name, "")[:_MOST_TEXT] or None


def _is_default(stream: av.stream.Stream) -> bool:
    return bool(stream.disposition & Disposition.default)


def _asked_for(
    container: av.container.InputContainer, streams: tuple[_Stream, ...], index: int
) -> _Stream:
    for stream in streams:
        if stream.index == index:
            return stream
    kind = "video" if streams is container.streams.video else "audio"
    raise VideoError(
        f"The file has no {kind} stream {index}. Its streams: {_listed(container)}. Choose one of "
        "them, or none.",
        "no_such_stream",
    )


def _listed(container: av.container.InputContainer) -> str:
    streams = source_streams(container)
    names = [stream.line() for stream in streams[:_MOST_LISTED]]
    if len(streams) > _MOST_LISTED:
        names.append(f"and {len(streams) - _MOST_LISTED} more")
    return "; ".join(names)


def _no_video(container: av.container.InputContainer) -> VideoError:
    cover = bool(container.streams.video)
    if container.streams.audio:
        has = "sound and a cover picture, but no video" if cover else "sound but no picture"
    elif cover:
        has = "a cover picture, but no video"
    else:
        has = "neither video nor sound"
    return VideoError(f"The file has {has}. Upload a video or a picture.", "no_video_stream")


def _packets(
    container: av.container.InputContainer, streams: list[av.VideoStream]
) -> tuple[dict[int, int], bool]:
    """Packets of each stream as far as it takes to see which of them move.

    Returns:
        The packets by the index of the stream, and whether the file has no more.
    """
    counts, size = Counter({stream.index: 0 for stream in streams}), 0
    try:
        for packet in container.demux(streams):
            counts[packet.stream_index] += packet.size > 0
            size += packet.size
            # A stream may begin late, or be slow.
            enough = counts[packet.stream_index] >= _LOOK_PACKETS and min(counts.values()) > 1
            if enough or size >= _LOOK_BYTES:
                return counts, False
    except (av.error.FFmpegError, IndexError):
        pass  # what was seen until here must do
    return counts, True


def _moves(stream: av.VideoStream, frames: dict[int, int], *, whole: bool) -> bool:
    """Whether a stream is more than a still, or a preview that changes now and then."""
    count = frames[stream.index]
    context = stream.codec_context
    if can_be_decoded(stream) and context.name in _PICTURES:
        return count > 1 and count * _PREVIEW_SHARE > max(frames.values())
    return count > 1 or not whole
