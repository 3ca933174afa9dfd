"""Deinterlaces frames whose odd and even lines were captured at two times."""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph


def deinterlaced(images: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Deinterlaces the frames that are flagged as interlaced; their number and times do not change.

    A deinterlaced frame depends on itself and on its two neighbours only. It is therefore the same
    wherever decoding started before them. Progressive frames pass unchanged.
    """
    previous: av.VideoFrame | None = None
    weaver: _Deinterlacer | None = None
    for image in images:
        if weaver and not weaver.takes(image):
            yield from weaver.finish()
            weaver = None
        if weaver is None and image.interlaced_frame:
            weaver = _Deinterlacer(image)
            if previous and weaver.takes(previous):
                weaver.prime(previous)
        if weaver:
            yield from weaver.add(image)
        else:
            yield image
        previous = image
    if weaver:
        yield from weaver.finish()


class _Deinterlacer:
    """FFmpeg's filter ``bwdif``, whose output is one frame late."""

    def __init__(self, image: av.VideoFrame) -> None:
        """Configures the filter for frames of this size and format."""
        self._kind = _kind(image)
        self._waiting: deque[av.VideoFrame] = deque()
        self._count = 0
        self._primed = False
        graph = Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=image.width,
            height=image.height,
            format=image.format,
            time_base=Fraction(1, 25),
        )
        weave = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        graph.link_nodes(source, weave, graph.add("buffersink")).configure()
        self._graph = graph

    def takes(self, image: av.VideoFrame) -> bool:
        """Whether a frame has the size and format that the filter was configured for."""
        return _kind(image) == self._kind

    def prime(self, image: av.VideoFrame) -> None:
        """Gives the filter the frame before the first one, whose own output is dropped."""
        self._primed = True
        self._push(image)

    def add(self, image: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Pushes the next frame and returns the finished ones."""
        self._waiting.append(image)
        self._push(image)
        return self._done()

    def finish(self) -> Iterator[av.VideoFrame]:
        """Ends the input and returns the last frame."""
        self._graph.vpush(None)
        return self._done()

    def _push(self, image: av.VideoFrame) -> None:
        # The filter needs rising times, and those of damaged videos do not always rise.
        pts, image.pts = image.pts, self._count
        self._graph.vpush(image)
        image.pts = pts
        self._count += 1

    def _done(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                woven = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if self._primed:
                self._primed = False
                continue
            image = self._waiting.popleft()
            woven.pts, woven.dts, woven.time_base = image.pts, image.dts, image.time_base
            woven.duration = image.duration
            yield woven


def _kind(image: av.VideoFrame) -> tuple[object, ...]:
    return image.format.name, image.width, image.height
