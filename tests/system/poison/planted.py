"""Decoders with planted defects, standing in for unknown ones in FFmpeg that a file may trigger."""

import ctypes
import io
import os
import struct
from typing import Final

import numpy as np

from poseway.isolation import Parent
from poseway.media.reader import VideoInfo
from poseway_gateway.dispatcher.frames import decoder
from poseway_renderer import isolated
from poseway_renderer.media.encode import Encoding
from poseway_renderer.media.join import JoinedVideo
from poseway_renderer.segment import RenderedSegment, SegmentOptions


def poisoned(video: bytes, place: str, defect: str) -> bytes:
    """A video that triggers a defect: the last box of the file names it and its place."""
    word = f"{place} {defect}".encode().rjust(_WORD)
    return video + struct.pack(">I", 8 + _WORD) + b"free" + word


_WORD: Final = 16


class Work(decoder._Work):
    """The dispatcher's decoder, with defects."""

    def open(self) -> VideoInfo:
        _suffer(self._parent, "open")
        return super().open()


class IsolatedRenderer(isolated.IsolatedRenderer):
    """The renderer's child, with defects."""

    def render(
        self, options: SegmentOptions, encoding: Encoding, background: bool
    ) -> RenderedSegment:
        _suffer(self._parent, "render")
        return super().render(options, encoding, background)

    def join(self, segments: int, room: int, silent: bool) -> JoinedVideo:
        _suffer(self._parent, "join")
        return super().join(segments, room, silent)


def _suffer(parent: Parent, place: str) -> None:
    file = parent.file("upload")
    file.seek(-_WORD, io.SEEK_END)
    found, _, defect = file.read().decode(errors="replace").strip().partition(" ")
    if found != place:
        return
    if defect == "crash":
        ctypes.string_at(0)
    eaten = []
    while defect == "hunger":
        eaten.append(np.ones(1 << 21))
    while defect == "thirst":  # reads forever
        file.seek(0)
        file.read()
    while defect == "hang":
        os.getpid()
