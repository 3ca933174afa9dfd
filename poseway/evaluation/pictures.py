"""Reads labelled images and scales them like the frames of a video."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from poseway.errors import NotFoundError, PosewayError
from poseway.evaluation.coco_metrics import Image
from poseway.media.frame import SourceFrame
from poseway.media.orientation import Orientation
from poseway.media.resize import fit

# Labels refer to the image as stored, whatever its EXIF orientation.
_AS_STORED: Final = Orientation()
# FFmpeg would also render text as an image, and follow lists of other files.
_FORMATS: Final = "jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe"
_UNREADABLE: Final = "is not an image that can be read (JPEG, PNG, WebP, BMP, TIFF)"
# Largest frame that the inference service accepts.
_MAX_SIDE: Final = 8192


class ImageError(PosewayError):
    """An image cannot be read, or its size differs from the labelled one."""

    code = "image_unreadable"


def check(directory: Path, images: Sequence[Image]) -> None:
    """Checks the header of every image.

    Raises:
        NotFoundError: An image is missing.
        ImageError: An image cannot be read, is too large, or has another size than its labels.
    """
    for image in images:
        path = directory / image.file_name
        with _open(path, image):
            if max(image.width, image.height) > _MAX_SIDE:
                raise ImageError(
                    f"{path} is {image.width} x {image.height} pixels; the service takes at most "
                    f"{_MAX_SIDE} a side."
                )


def read(directory: Path, image: Image, max_height: int) -> NDArray[np.uint8]:
    """Reads an image and scales it like a frame for the network.

    Args:
        directory: Folder of the images.
        image: The image.
        max_height: Height to scale the image down to, keeping its aspect; it is never scaled up.

    Returns:
        uint8 (height, width, 3), blue first.

    Raises:
        NotFoundError: The image is missing.
        ImageError: The image cannot be read, or has another size than its labels.
    """
    path = directory / image.file_name
    with _open(path, image) as container:
        picture = next(container.decode(video=0), None)
    if picture is None:
        raise ImageError(f"{path} has no picture that can be read.")
    return SourceFrame(0, 0, 1, picture, _AS_STORED, None).bgr(
        *fit(image.width, image.height, max_height)
    )


@contextmanager
def _open(path: Path, image: Image) -> Iterator[av.container.InputContainer]:
    try:
        # Reading a device or a pipe may never end.
        if not path.is_file():
            if path.exists():
                raise ImageError(f"{path} is not a file.")
            raise NotFoundError(f"There is no image {path}, which the annotations name.")
        # By content: in a name, FFmpeg takes % for a pattern that numbers many files.
        file = io.BytesIO(path.read_bytes())
        options = {"format_whitelist": _FORMATS, "protocol_whitelist": ""}
        with av.open(file, mode="r", options=options) as container:
            context = container.streams.video[0].codec_context
            # Otherwise the missing part of a truncated image would be filled with grey.
            context.options = {"err_detect": "explode"}
            size = (context.width, context.height)
            if not all(size):
                raise ImageError(f"{path} {_UNREADABLE}.")
            if size != (image.width, image.height):
                raise ImageError(
                    f"{path} is {size[0]} x {size[1]} pixels; the annotations say "
                    f"{image.width} x {image.height}."
                )
            yield container
    except (OSError, av.error.FFmpegError) as error:
        raise ImageError(f"{path} {_UNREADABLE}: {error.strerror}.") from error
