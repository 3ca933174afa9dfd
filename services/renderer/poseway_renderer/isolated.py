"""What of the renderer's work touches the upload's own bytes: done in a process of its own."""

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
"""The file that nobody trusts; segments are named by their numbers."""


class IsolatedRenderer:
    """Renders and joins, of what the outside has."""

    def __init__(self, parent: Parent) -> None:
        # Segments are rendered side by side: OpenCV's own threads would only fight for the cores.
        cv2.setNumThreads(1)
        self._parent = parent

    def render(
        self, options: SegmentOptions, encoding: Encoding, background: bool
    ) -> RenderedSegment:
        """Renders a segment; see `poseway_renderer.segment`.

        Asks the outside for each ``frame`` of the segment, None at its end, to take ``screenshot``
        and ``still``, and to write the ``video`` and, if that is wanted, the ``background``.
        """
        upload, images = self._parent.file(UPLOAD), _ParentImages(self._parent)
        with ExitStack() as open_:
            video = open_.enter_context(self._parent.sink("video"))
            bare = open_.enter_context(self._parent.sink("background")) if background else None
            reader = VideoReader(upload, 1, self._parent.alive, options.reading)
            open_.enter_context(closing(reader))
            return render_segment(reader, self._posed(), options, encoding, video, images, bare)

    def prepare_join(self, frames: int, reading: Reading, drop_audio: bool) -> int:
        """Gets ready to join segments of so many frames; returns the room for their index."""
        upload = self._parent.file(UPLOAD)
        self._joiner = Joiner(upload, frames, reading, drop_audio=drop_audio)
        return self._joiner.index_bytes

    def join(self, segments: int, index_bytes: int, silent: bool) -> JoinedVideo:
        """Joins segments; see `poseway_renderer.media.join`. Asks the outside to ``write``."""
        files = (self._parent.file(str(number)) for number in range(segments))
        with self._parent.sink("write") as output:
            return self._joiner.write(files, output, index_bytes, silent=silent)

    def _posed(self) -> Iterator[PosedFrame]:
        while (frame := self._parent.ask("frame")) is not None:
            yield frame


class _ParentImages:
    """Hands out the pictures of a segment."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def screenshot(self, index: int, jpeg: bytes) -> None:
        self._parent.ask("screenshot", index, jpeg)

    def still(self, track_id: int, jpeg: bytes) -> None:
        self._parent.ask("still", track_id, jpeg)
