"""Renders segments and joins them, from object storage to object storage."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Final

import structlog

from poseway.errors import NotFoundError, VideoError
from poseway.isolation import Isolated, Limits
from poseway.isolation.files import SeekableFile
from poseway.jobs import Keys
from poseway.read_options import AS_FOUND, Reading
from poseway.storage import ObjectReader, ObjectStore, ObjectWriter
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.isolated import UPLOAD, IsolatedRenderer
from poseway_renderer.media.encode import Encoding
from poseway_renderer.media.join import MARGIN, AudioError, IndexTooLargeError, JoinedVideo
from poseway_renderer.pictures.contact_sheet import chosen, contact_sheet
from poseway_renderer.segment import RenderedSegment, SegmentOptions

log = structlog.get_logger(__name__)

_VIDEO: Final = "video.mp4"
_BACKGROUND: Final = "background.mp4"
_MP4: Final = "video/mp4"
_JPEG: Final = "image/jpeg"
# Enough for the index of a day of video and audio.
_MAX_INDEX_BYTES: Final = 64 << 20


class Renderer:
    """Renders from object storage to object storage. Safe to use from several threads.

    For every call, `IsolatedRenderer` reads the upload in a child process.
    """

    def __init__(self, store: ObjectStore, encoding: Encoding, limits: Limits) -> None:
        """Prepares a renderer.

        Args:
            store: Object storage.
            encoding: How videos are encoded.
            limits: Limits on the child process of a call.
        """
        self._store = store
        self._encoding = encoding
        self._limits = limits

    def render(
        self,
        job_id: str,
        segment: int,
        posed: Iterable[PosedFrame],
        options: SegmentOptions,
        *,
        background: bool = False,
    ) -> tuple[RenderedSegment, int]:
        """Renders one segment and stores its video, screenshots and stills.

        Args:
            job_id: Job of the segment.
            segment: Number of the segment, from 0.
            posed: Frames of the segment, in order.
            options: What to draw and to keep.
            background: Whether to store a second video, without people drawn.

        Returns:
            The properties of the segment, and the bytes of its video.

        Raises:
            NotFoundError: The upload is gone.
            InvalidRequestError: There are no frames, or the preceding frames or the stills do not
                match them.
            IncompatibleError: The upload lacks most of the frames.
            VideoError: The upload cannot be read.
            DecoderError: Reading the upload ended the child process.
            UnavailableError: Object storage cannot be reached.
        """
        keys, frames = Keys(job_id), iter(posed)
        answers: dict[str, Callable[..., object]] = {
            "frame": lambda: next(frames, None),
            "screenshot": lambda index, jpeg: self._store.put(keys.screenshot(index), jpeg, _JPEG),
            "still": lambda track_id, jpeg: self._store.put(
                keys.segment_still(segment, track_id), jpeg, _JPEG
            ),
        }
        with ExitStack() as open_:
            video = open_.enter_context(self._writer(keys.segment(segment, _VIDEO)))
            answers["video"] = partial(_write, video)
            if background:
                bare = open_.enter_context(self._writer(keys.segment(segment, _BACKGROUND)))
                answers["background"] = partial(_write, bare)
            with self._isolated(_Files(self._store, keys), answers) as isolated:
                rendered: RenderedSegment = isolated.call(
                    "render", options, self._encoding, background
                )
        return rendered, video.size

    def join(
        self,
        job_id: str,
        segments: int,
        frames: int,
        *,
        background: bool = False,
        reading: Reading = AS_FOUND,
        drop_audio: bool = False,
    ) -> tuple[JoinedVideo, int]:
        """Joins the segments of a job and stores its video.

        Args:
            job_id: The job.
            segments: Number of segments.
            frames: Total number of their frames.
            background: Whether to join the videos without people, too.
            reading: What the user stated about the upload.
            drop_audio: Whether to leave out the audio of the upload.

        Returns:
            The properties of the video, and its bytes.

        Raises:
            NotFoundError: A segment or the upload is gone.
            IncompatibleError: The segments do not fit together.
            VideoError: The video is too long.
            DecoderError: Reading the upload ended the child process.
            UnavailableError: Object storage cannot be reached.
        """
        keys, prepare = Keys(job_id), (frames, reading, drop_audio)
        if background:
            self._joined(keys, _BACKGROUND, keys.background, segments, prepare)
        return self._joined(keys, _VIDEO, keys.video, segments, prepare)

    def _joined(
        self, keys: Keys, part: str, target: str, segments: int, prepare: tuple[int, Reading, bool]
    ) -> tuple[JoinedVideo, int]:
        files, silent = _Files(self._store, keys, part), False
        answers: dict[str, Callable[..., object]] = {}
        with self._isolated(files, answers) as isolated:
            index_bytes: int = isolated.call("prepare_join", *prepare)
            while index_bytes <= _MAX_INDEX_BYTES:
                try:
                    with self._writer(target, index_bytes + MARGIN) as output:
                        answers["write"] = partial(_write, output)
                        joined: JoinedVideo = isolated.call("join", segments, index_bytes, silent)
                    if joined.sound_lost:
                        log.warning("audio is missing")
                    return joined, output.size
                except IndexTooLargeError:
                    index_bytes *= 2
                    log.warning("joining again with a larger index", bytes=index_bytes)
                except AudioError:
                    silent = True
                    log.warning("joining again without audio", exc_info=True)
        raise VideoError(
            "The video is too long for a single MP4. Split it and upload the parts.", "too_long"
        )

    def _writer(self, key: str, head_bytes: int = 0) -> ObjectWriter:
        return ObjectWriter(self._store, key, _MP4, head_bytes)

    def _isolated(self, files: "_Files", answers: dict[str, Callable[..., object]]) -> Isolated:
        return Isolated(IsolatedRenderer, limits=self._limits, files=files, answers=answers)

    def contact_sheet(self, job_id: str, indices: list[int]) -> None:
        """Makes a contact sheet of a job's screenshots and stores it.

        Leaves out missing screenshots. Stores nothing if all are missing.

        Args:
            job_id: The job.
            indices: Frame indices of the screenshots, in order.

        Raises:
            UnavailableError: Object storage cannot be reached.
        """
        keys = Keys(job_id)
        sheet = contact_sheet(self._screenshots(keys, chosen(indices)))
        if sheet:
            self._store.put(keys.contact_sheet, sheet, _JPEG)

    def _screenshots(self, keys: Keys, indices: list[int]) -> Iterator[tuple[int, bytes]]:
        for index in indices:
            try:
                yield index, self._store.get(keys.screenshot(index))[0]
            except NotFoundError:
                log.warning("screenshot missing in the contact sheet", frame=index)


def _write(output: ObjectWriter, position: int, data: bytes) -> None:
    output.seek(position)
    output.write(data)


class _Files:
    """Opens the upload and, one at a time, the segments of a job."""

    def __init__(self, store: ObjectStore, keys: Keys, part: str = _VIDEO) -> None:
        self._store = store
        self._keys = keys
        self._part = part
        self._upload = ObjectReader(store, keys.upload)
        self._open: tuple[str, ObjectReader] | None = None

    def __call__(self, name: str) -> SeekableFile:
        if name == UPLOAD:
            return self._upload
        if self._open is None or self._open[0] != name:
            self._open = name, ObjectReader(self._store, self._keys.segment(int(name), self._part))
        return self._open[1]
