"""Opening an upload: the file and nothing but the file, and the stream of pictures in it."""

from typing import Final, Protocol

import av
import av.error
from av.stream import Disposition

from poseway.errors import UnavailableError, VideoError

# Containers of uploads. Playlists (HLS, DASH, concat) are not among them: they name other files.
_FORMATS: Final = "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf,gif,wav,mp3,aac,flac"
_MAX_SIDE: Final = 8192
_MAX_PIXELS: Final = 8192 * 4352
_UNREADABLE: Final = (
    "The file is not a video that can be read, or it is cut off. Play it on your computer; if it "
    "plays there, convert it to MP4 (H.264), else record or download it again."
)


class SeekableFile(Protocol):
    """What a video is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Reads up to `size` bytes."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Moves to a position."""

    def tell(self) -> int:
        """The current position."""


def open_container(file: SeekableFile) -> av.container.InputContainer:
    """Opens an upload, and never another file that it may name.

    Raises:
        VideoError: It cannot be read; the message says why.
    """
    try:
        return av.open(
            file,
            mode="r",
            options={"format_whitelist": _FORMATS, "protocol_whitelist": ""},
            metadata_errors="replace",  # old cameras and cutters do not write UTF-8
        )
    except UnavailableError:
        raise
    except av.error.FFmpegError as error:
        if file.seek(0, 2) == 0:
            raise VideoError("The file is empty. Upload a video.", "empty_file") from error
        raise VideoError(_UNREADABLE) from error


def picture_stream(container: av.container.InputContainer) -> av.VideoStream:
    """The first video stream that is not the cover of a sound file.

    Raises:
        VideoError: There is none.
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    if container.streams.audio:
        raise VideoError(
            "The file has sound but no picture. Upload a video file.", "no_video_stream"
        )
    raise VideoError(_UNREADABLE)


def check_size(stream: av.VideoStream) -> None:
    """Refuses pictures that H.264 does not know and that nobody films.

    Raises:
        VideoError: They are too large.
    """
    width, height = stream.codec_context.width, stream.codec_context.height
    if max(width, height) > _MAX_SIDE or width * height > _MAX_PIXELS:
        raise VideoError(
            f"The picture is {width} x {height}, more than 8K. Scale the video down, for example "
            "to 1920 x 1080, and upload that.",
            "picture_too_large",
        )


def check_whole(stream: av.VideoStream, file: SeekableFile) -> None:
    """Refuses an MP4 whose index names frames beyond the end of the file.

    Raises:
        VideoError: The file is cut off.
    """
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
