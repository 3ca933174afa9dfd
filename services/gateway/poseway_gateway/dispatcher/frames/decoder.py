"""Decodes an upload in a child process."""

import threading
from collections.abc import Callable, Iterator
from typing import Final

from poseway.errors import UnavailableError
from poseway.isolation import Isolated, Limits, Parent
from poseway.isolation.files import SeekableFile
from poseway.media.reader import VideoInfo, VideoReader
from poseway.read_options import AS_FOUND, Reading
from poseway_gateway.dispatcher.frames.batches import Batch, Position, batches
from poseway_gateway.dispatcher.settings import DispatcherSettings

_UPLOAD: Final = "upload"


class Decoder:
    """A video that a child process decodes."""

    def __init__(
        self,
        file: Callable[[], SeekableFile],
        settings: DispatcherSettings,
        reading: Reading = AS_FOUND,
    ) -> None:
        """Prepares a decoder without starting it.

        Args:
            file: Opens the upload, the only file that is read.
            settings: Limits of decoding.
            reading: The user's read options.
        """
        self._file = file
        self._settings = settings
        self._reading = reading
        self._calling = threading.Lock()
        self._process: Isolated | None = None
        self._closed = threading.Event()

    def open(self) -> VideoInfo:
        """Opens the video and returns its properties.

        Raises:
            VideoError: The file cannot be read as a video. The message says why.
            DecoderError: The file crashed its decoder or exceeded a limit.
            UnavailableError: The decoder was closed meanwhile.
        """
        settings = self._settings
        with self._calling:
            file = self._file()
            if self._closed.is_set():
                raise UnavailableError("Decoding the video was cancelled.")
            self._process = Isolated(
                _Work,
                settings.decode_threads,
                settings.max_frames,
                self._reading,
                limits=Limits(settings.decode_memory_mb << 20, settings.decode_seconds),
                files={_UPLOAD: file}.__getitem__,
            )
            if self._closed.is_set():
                self._process.kill()  # `close` was called before the process existed
            info: VideoInfo = self._process.call("open")
            return info

    def batches(
        self, segment: int, start: Position, memory: Position | None, max_height: int
    ) -> Iterator[Batch]:
        """Decodes from a frame on; see `poseway_gateway.dispatcher.frames.batches.batches`.

        Raises:
            DecoderError: The file crashed its decoder or exceeded a limit.
            UnavailableError: The decoder was closed meanwhile.
        """
        size, length = self._settings.batch_frames, self._settings.segment_seconds
        self._call("begin", segment, start, memory, size, length, max_height)
        while (batch := self._call("next")) is not None:
            yield batch

    def close(self) -> None:
        """Stops the child process. A thread that waits for a batch gets an error."""
        self._closed.set()
        process = self._process
        if process is not None:
            process.kill()
        with self._calling:
            if self._process is not None:
                self._process.close()
                self._process = None

    def _call(self, method: str, *args: object) -> Batch | None:
        with self._calling:
            if self._closed.is_set() or self._process is None:
                raise UnavailableError("Decoding the video was cancelled.")
            batch: Batch | None = self._process.call(method, *args)
            return batch


class _Work:
    """The decoder inside the child process."""

    def __init__(self, parent: Parent, threads: int, max_frames: int, reading: Reading) -> None:
        self._parent = parent
        self._threads = threads
        self._max_frames = max_frames
        self._reading = reading

    def open(self) -> VideoInfo:
        file = self._parent.file(_UPLOAD)
        self._reader = VideoReader(file, self._threads, self._parent.alive, self._reading)
        return self._reader.info

    def begin(
        self,
        segment: int,
        start: Position,
        memory: Position | None,
        batch_frames: int,
        segment_seconds: float,
        max_height: int,
    ) -> None:
        self._batches = batches(
            self._reader,
            segment,
            start,
            memory,
            batch_frames=batch_frames,
            segment_seconds=segment_seconds,
            max_height=max_height,
            max_frames=self._max_frames,
        )

    def next(self) -> Batch | None:
        return next(self._batches, None)
