"""Opens an upload with FFmpeg: this file, all of it, and never another one."""

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

# Demuxers that uploads may use. Playlists (HLS, DASH, concat) and numbered images (image2) are left
# out because they name other files.
_FORMATS: Final = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf,nut,ivf,yuv4mpegpipe,gif,apng,"
    "wav,mp3,aac,flac," + raw_streams.FORMATS + "," + still_image.FORMATS
)

# FFmpeg also detects raw MJPEG in archives and documents that contain JPEGs, so only `file_type`
# may choose that demuxer.
_DETECTED: Final = ",".join(name for name in _FORMATS.split(",") if name != "mjpeg")

# These formats announce a stream only by its first packets, and video may start minutes after
# audio.
_HEADERLESS: Final = ("flv", "mpeg", "mpegts")
_DEEP_PROBE: Final = {"probesize": str(64 << 20), "analyzeduration": str(3600 * av.time_base)}


class _UnnamedFile:
    """A file without a name, because FFmpeg takes a ``%`` in a name for a list of files."""

    def __init__(self, file: Readable) -> None:
        self.read = file.read
        if isinstance(file, SeekableFile):
            self.seek, self.tell = file.seek, file.tell


def open_container(file: SeekableFile) -> av.container.InputContainer:
    """Opens an upload. Files that it names are never opened.

    Args:
        file: The upload.

    Returns:
        The open container. HEIC images, tiled AVIF images and animated WebP images come as PNG.

    Raises:
        VideoError: The file cannot be read. The message says what it is and what to do.
        UnavailableError: Object storage cannot be reached.
    """
    upload = demuxer_input(file, still_image.MAX_PIXELS)
    container = _opened(file, upload)
    if container.format.name in _HEADERLESS and not _shows(container):
        container.close()
        file.seek(0)
        return _opened(file, upload, _DEEP_PROBE)
    if not still_image.is_in_tiles(container):
        return container
    container.close()
    file.seek(0)
    return _opened(file, DemuxerInput(avif_as_png(file, still_image.MAX_PIXELS), "png_pipe"))


def _shows(container: av.container.InputContainer) -> bool:
    """Whether the size of a video stream is known."""
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
                "format_whitelist": _FORMATS if upload.format else _DETECTED,
                "protocol_whitelist": "",
                "max_pixels": str(
                    still_image.MAX_PIXELS
                ),  # FFmpeg decodes the first frames while it probes the file
            },
            metadata_errors="replace",  # old cameras and editors do not write UTF-8
        )
    except UnavailableError:
        raise
    except av.error.FFmpegError as error:
        raise_if_short(error)
        if file.seek(0, 2) == 0:
            raise VideoError(
                "The file is empty. Upload a video or an image.", "empty_file"
            ) from error
        file.seek(0)
        raise VideoError(unreadable.explain(file.read(unreadable.HEAD))) from error


def check_decodable(stream: av.VideoStream, file: SeekableFile) -> None:
    """Raises an error if a video stream cannot be decoded completely.

    Args:
        stream: The stream.
        file: The upload.

    Raises:
        VideoError: The codec is unknown, the stream is damaged, its frames exceed 8K, or the file
            is cut off.
    """
    _check_whole(stream, file)
    # PyAV has no context for a codec that FFmpeg does not know, whatever its stubs say.
    if cast("object", stream.codec_context) is None:
        raise VideoError(
            "The video codec of this file is unknown. Convert the video to MP4 (H.264).",
            "unknown_codec",
        )
    if stream.time_base is None or not stream.codec_context.width:
        raise VideoError(
            "The video stream of this file cannot be decoded. Convert the video to MP4 (H.264)."
        )
    _check_size(stream)


def length(container: av.container.InputContainer, stream: av.VideoStream) -> Fraction | None:
    """Returns the seconds of a video stream, or those of the file if it holds nothing else."""
    if stream.duration:
        return Fraction(stream.duration * (stream.time_base or 0))
    if tagged := _seconds(stream.metadata.get("DURATION", "")):
        return tagged
    return whole_length(container) if len(container.streams) == 1 else None


def whole_length(container: av.container.InputContainer) -> Fraction | None:
    """Returns the seconds of the file, whose audio may last longer than its video."""
    return Fraction(container.duration, av.time_base) if container.duration else None


def _seconds(text: str) -> Fraction | None:
    """Parses Matroska's ``DURATION`` tag of a stream, ``hours:minutes:seconds``."""
    try:
        hours, minutes, seconds = map(Fraction, text.split(":"))
    except (ValueError, ZeroDivisionError):
        return None
    return hours * 3600 + minutes * 60 + seconds


def _check_size(stream: av.VideoStream) -> None:
    """Rejects frames larger than the highest level of H.264 allows."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise VideoError(
            f"The frames are {width} x {height}, larger than 8K. Scale the video down, for example "
            "to 1920 x 1080, and upload it again.",
            "picture_too_large",
        )


def _check_whole(stream: av.VideoStream, file: SeekableFile) -> None:
    """Rejects an MP4 whose index names frames beyond the end of the file."""
    if "mp4" not in stream.container.format.name:
        return
    end = max((e.pos + e.size for e in stream.index_entries), default=0)
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    if end > size:
        raise VideoError(
            f"The file is incomplete: {end - size} bytes are missing at its end. "
            "Upload the complete file again.",
            "video_truncated",
        )
