"""What an upload is, where FFmpeg would not tell, and in which form it is handed to FFmpeg."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from poseway.media import animated_image, heif, motion_jpeg

if TYPE_CHECKING:
    from poseway.isolation.files import SeekableFile

HEAD: Final = 1024
"""Bytes at the start of a file that are enough to tell what to look for."""

# Flags in the head of a WebP (RFC 9649, 2.7): whether it is animated.
_WEBP_FLAGS: Final = 20
_ANIMATED: Final = 2


class Readable(Protocol):
    """What FFmpeg reads; it may also seek and tell."""

    def read(self, size: int = -1, /) -> bytes:
        """Reads up to `size` bytes."""


@dataclass(frozen=True, slots=True)
class DemuxerInput:
    """An upload as FFmpeg is to read it.

    Attributes:
        file: The upload at its start, or what it was rewritten to.
        format: FFmpeg's name of the format; None for it to find out.
    """

    file: Readable
    format: str | None


def demuxer_input(file: "SeekableFile", most_pixels: int) -> DemuxerInput:
    """Looks at what an upload is.

    Args:
        file: The upload.
        most_pixels: Pixels of the largest picture that is decoded.

    Raises:
        VideoError: It is what FFmpeg cannot read, and damaged.
    """
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if heif.is_heic(head):
        return DemuxerInput(heif.as_png(file, most_pixels), "png_pipe")
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and _is_animated(head):
        return DemuxerInput(animated_image.as_apng(file, most_pixels), "apng")
    name = _format(file, head)
    file.seek(0)
    return DemuxerInput(file, name)


def _is_animated(webp: bytes) -> bool:
    return len(webp) > _WEBP_FLAGS and bool(webp[_WEBP_FLAGS] & _ANIMATED)


def _format(file: "SeekableFile", head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "mjpeg" if motion_jpeg.is_motion_jpeg(file) else "jpeg_pipe"
    if motion_jpeg.is_multipart(head):
        # Its demuxer passes over whatever is between two JPEGs.
        return "mjpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "apng" if animated_image.is_animated(file, "PNG") else "png_pipe"
    if head.startswith(b"GIF8"):
        return "gif" if animated_image.is_animated(file, "GIF") else "gif_pipe"
    return None
