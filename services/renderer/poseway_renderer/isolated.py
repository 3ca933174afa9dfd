"""The part of the renderer that reads the upload. It runs in a child process of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Final

import cv2

from poseway.isolation import Parent
from poseway.media.reader import VideoReader
from poseway.read_options import Reading
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.media.encode import Encoding
from poseway_renderer.media.join import JoinedVideo, Joiner
from poseway_renderer.segment import RenderedSegment, SegmentOptions, render_segment

UPLOAD: Final = "upload"
"""Name of the untrusted file. Segments are named by their numbers."""


class IsolatedRenderer:
    """Renders and joins in a child process, with files and frames from the parent process."""

    def __init__(self, parent: Parent) -> None:
        # Segments are rendered in parallel, so OpenCV's threads would only compete for cores.
        cv2.setNumThreads(1)
        self._parent = parent

    def render(
        self, options: SegmentOptions, encoding: Encoding, background: bool
    ) -> RenderedSegment:
        """Renders a segment; see `poseway_renderer.segment.render_segment`.

        Requests each ``frame`` of the segment from the parent, None at the end. Sends each
        ``screenshot`` and ``still``, and the bytes of ``video`` and, if wanted, ``background``.
        """
        upload, images = self._parent.file(UPLOAD), _ParentImages(self._parent)
        with ExitStack() as open_:
            video = open_.enter_context(self._parent.sink("video"))
            bare = open_.enter_context(self._parent.sink("background")) if background else None
            reader = VideoReader(upload, 1, self._parent.alive, options.reading)
            open_.enter_context(closing(reader))
            return render_segment(reader, self._posed(), options, encoding, video, images, bare)

    def prepare_join(self, frames: int, reading: Reading, drop_audio: bool) -> int:
        """Prepares to join segments, and returns the bytes to reserve for the index."""
        upload = self._parent.file(UPLOAD)
        self._joiner = Joiner(upload, frames, reading, drop_audio=drop_audio)
        return self._joiner.index_bytes

    def join(self, segments: int, index_bytes: int, silent: bool) -> JoinedVideo:
        """Joins segments; see `poseway_renderer.media.join`. Sends the bytes as ``write``."""
        files = (self._parent.file(str(number)) for number in range(segments))
        with self._parent.sink("write") as output:
            return self._joiner.write(files, output, index_bytes, silent=silent)

    def _posed(self) -> Iterator[PosedFrame]:
        while (frame := self._parent.ask("frame")) is not None:
            yield frame


class _ParentImages:
    """Sends the images of a segment to the parent process."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def screenshot(self, index: int, jpeg: bytes) -> None:
        self._parent.ask("screenshot", index, jpeg)

    def still(self, track_id: int, jpeg: bytes) -> None:
        self._parent.ask("still", track_id, jpeg)
