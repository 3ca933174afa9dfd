"""Detects file types that FFmpeg misjudges, and chooses the demuxer for an upload."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from poseway.media import animated_image, heif, motion_jpeg

if TYPE_CHECKING:
    from poseway.isolation.files import SeekableFile

HEAD: Final = 1024
"""Bytes at the start of a file that detection needs."""

# Position of the flags in a WebP's ``VP8X`` chunk (RFC 9649, 2.7); the animation flag.
_WEBP_FLAGS: Final = 20
_ANIMATED: Final = 2


class Readable(Protocol):
    """A file for FFmpeg, which also seeks in it if it can."""

    def read(self, size: int = -1, /) -> bytes:
        """Returns up to `size` bytes."""


@dataclass(frozen=True, slots=True)
class DemuxerInput:
    """What FFmpeg's demuxer is given.

    Attributes:
        file: The upload, positioned at its start, or its conversion to a format that FFmpeg reads.
        format: FFmpeg's name of the demuxer; None lets FFmpeg detect it.
    """

    file: Readable
    format: str | None


def demuxer_input(file: "SeekableFile", max_pixels: int) -> DemuxerInput:
    """Detects the type of an upload and converts it if FFmpeg cannot read it.

    Args:
        file: The upload.
        max_pixels: Limit on the pixels of an image.

    Raises:
        VideoError: The file needs a conversion, and is damaged or too large.
    """
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if heif.is_heic(head):
        return DemuxerInput(heif.as_png(file, max_pixels), "png_pipe")
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and _is_animated(head):
        return DemuxerInput(animated_image.as_apng(file, max_pixels), "apng")
    name = _format(file, head)
    file.seek(0)
    return DemuxerInput(file, name)


def _is_animated(webp: bytes) -> bool:
    return len(webp) > _WEBP_FLAGS and bool(webp[_WEBP_FLAGS] & _ANIMATED)


def _format(file: "SeekableFile", head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "mjpeg" if motion_jpeg.is_motion_jpeg(file) else "jpeg_pipe"
    if motion_jpeg.is_multipart(head):
        # The demuxer skips whatever separates two JPEGs.
        return "mjpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "apng" if animated_image.is_animated(file, "PNG") else "png_pipe"
    if head.startswith(b"GIF8"):
        return "gif" if animated_image.is_animated(file, "GIF") else "gif_pipe"
    return None
