"""Opening an upload: the file, nothing but the file, and all of it."""

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Final, cast

import av
import av.error

from poseway.errors import UnavailableError, VideoError
from poseway.isolation.files import SeekableFile
from poseway.isolation.rlimits import raise_if_short
from poseway.media import raw_streams, still_image, unreadable
from poseway.media.file_type import DemuxerInput, Readable, demuxer_input
from poseway.media.heif import avif_as_png
from poseway.media.resize import MAX_PIXELS, MAX_SIDE

# Containers of uploads. Neither playlists (HLS, DASH, concat) are among them nor numbered pictures
# (image2): they name other files.
_FORMATS: Final = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf,nut,ivf,yuv4mpegpipe,gif,apng,"
    "wav,mp3,aac,flac," + raw_streams.FORMATS + "," + still_image.FORMATS
)

# What FFmpeg takes for raw JPEGs is believed only where we recognise it: archives and documents
# with pictures in them look like that, too.
_GUESSED: Final = ",".join(name for name in _FORMATS.split(",") if name != "mjpeg")

# In these, a stream is known from its first packets on; a picture may come minutes after the sound.
_WITHOUT_HEAD: Final = ("flv", "mpeg", "mpegts")
_PATIENT: Final = {"probesize": str(64 << 20), "analyzeduration": str(3600 * av.time_base)}


class _UnnamedFile:
    """A file without its name, in which FFmpeg would read % as the number of one of many."""

    def __init__(self, file: Readable) -> None:
        self.read = file.read
        if isinstance(file, SeekableFile):
            self.seek, self.tell = file.seek, file.tell


def open_container(file: SeekableFile) -> av.container.InputContainer:
    """Opens an upload, and never another file that it may name.

    Raises:
        VideoError: It cannot be read; the message says why.
    """
    upload = demuxer_input(file, still_image.MAX_PIXELS)
    container = _opened(file, upload)
    if container.format.name in _WITHOUT_HEAD and not _shows(container):
        container.close()
        file.seek(0)
        return _opened(file, upload, _PATIENT)
    if not still_image.is_in_tiles(container):
        return container
    container.close()
    file.seek(0)
    return _opened(file, DemuxerInput(avif_as_png(file, still_image.MAX_PIXELS), "png_pipe"))


def _shows(container: av.container.InputContainer) -> bool:
    """Whether the size of some video is known."""
    contexts = (
        cast("av.VideoCodecContext | None", s.codec_context) for s in container.streams.video
    )
    return any(context is not None and context.width > 0 for context in contexts)


def _opened(
    file: SeekableFile, upload: DemuxerInput, patience: Mapping[str, str] = MappingProxyType({})
) -> av.container.InputContainer:
    try:
        return av.open(
            _UnnamedFile(upload.file),
            mode="r",
            format=upload.format,
            options={
                **patience,
                "format_whitelist": _FORMATS if upload.format else _GUESSED,
                "protocol_whitelist": "",
                "max_pixels": str(
                    still_image.MAX_PIXELS
                ),  # a look at the first frames decodes them
            },
            metadata_errors="replace",  # old cameras and cutters do not write UTF-8
        )
    except UnavailableError:
        raise
    except av.error.FFmpegError as error:
        raise_if_short(error)
        if file.seek(0, 2) == 0:
            raise VideoError(
                "The file is empty. Upload a video or a picture.", "empty_file"
            ) from error
        file.seek(0)
        raise VideoError(unreadable.explain(file.read(unreadable.HEAD))) from error


def check_decodable(stream: av.VideoStream, file: SeekableFile) -> None:
    """Refuses a video stream that cannot be decoded, or not all of it.

    Args:
        stream: The stream.
        file: The upload.

    Raises:
        VideoError: It cannot be; the message says why.
    """
    _check_whole(stream, file)
    # There is no context for a codec that FFmpeg does not know, whatever the types say.
    if cast("object", stream.codec_context) is None:
        raise VideoError(
            "The file's video codec is not known. Convert it to MP4 (H.264).", "unknown_codec"
        )
    if stream.time_base is None or not stream.codec_context.width:
        raise VideoError("The file's video stream cannot be decoded. Convert it to MP4 (H.264).")
    _check_size(stream)


def length(container: av.container.InputContainer, stream: av.VideoStream) -> Fraction | None:
    """Seconds of the picture; of the whole file where that has nothing else."""
    if stream.duration:
        return Fraction(stream.duration * (stream.time_base or 0))
    if tagged := _seconds(stream.metadata.get("DURATION", "")):
        return tagged
    return whole_length(container) if len(container.streams) == 1 else None


def whole_length(container: av.container.InputContainer) -> Fraction | None:
    """Seconds of the file, whose sound may go on after the picture."""
    return Fraction(container.duration, av.time_base) if container.duration else None


def _seconds(text: str) -> Fraction | None:
    """What Matroska says of the length of a stream: hours:minutes:seconds."""
    try:
        hours, minutes, seconds = map(Fraction, text.split(":"))
    except (ValueError, ZeroDivisionError):
        return None
    return hours * 3600 + minutes * 60 + seconds


def _check_size(stream: av.VideoStream) -> None:
    """Refuses pictures that H.264 does not know and that nobody films."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise VideoError(
            f"The picture is {width} x {height}, more than 8K. Scale the video down, for example "
            "to 1920 x 1080, and upload that.",
            "picture_too_large",
        )


def _check_whole(stream: av.VideoStream, file: SeekableFile) -> None:
    """Refuses an MP4 whose index names frames beyond the end of the file."""
    if "mp4" not in stream.container.format.name:
        return
    end = max((e.pos + e.size for e in stream.index_entries), default=0)
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    if end > size:
        raise VideoError(
            f"The video is cut off: {end - size} bytes are missing at its end. "
            "Upload the whole file again.",
            "video_truncated",
        )
