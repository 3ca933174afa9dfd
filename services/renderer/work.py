"""The renderer's work on the objects of a job."""

import io
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Final

import structlog

from poseway.errors import NotFoundError, VideoError
from poseway.jobs import Keys
from poseway.storage import ObjectReader, ObjectStore, ObjectWriter
from poseway.video import VideoReader
from services.renderer.contact_sheet import chosen, contact_sheet
from services.renderer.encode import Encoding
from services.renderer.join import MARGIN, IndexRoomError, Joined, Joiner, SoundError
from services.renderer.people import PosedFrame
from services.renderer.segment import Order, Rendered, render_segment

log = structlog.get_logger(__name__)

_VIDEO: Final = "video.mp4"
_BACKGROUND: Final = "background.mp4"
_MP4: Final = "video/mp4"
_JPEG: Final = "image/jpeg"
# The index of a day of picture and sound fits.
_MAX_INDEX_BYTES: Final = 64 << 20


class Renderer:
    """Renders from object storage to object storage. Safe to use from several threads."""

    def __init__(self, store: ObjectStore, encoding: Encoding) -> None:
        self._store = store
        self._encoding = encoding

    def render(
        self,
        job_id: str,
        segment: int,
        posed: Iterable[PosedFrame],
        order: Order,
        *,
        background: bool = False,
    ) -> tuple[Rendered, int]:
        """Renders one segment and stores its video, its screenshots and its stills.

        Args:
            job_id: Job that it belongs to.
            segment: Its number, from 0.
            posed: Its frames, in order.
            order: What is wanted.
            background: Whether to store, besides, its video before anybody is drawn.

        Returns:
            What became of the segment, and the bytes of its video.

        Raises:
            NotFoundError: The upload is gone.
            InvalidRequestError: There are no frames, or the upload does not have them; the frames
                before or the stills do not fit them.
            VideoError: The upload cannot be read.
            UnavailableError: Object storage cannot be reached.
        """
        keys = Keys(job_id)
        album = _StoredAlbum(self._store, keys, segment)
        video, bare = io.BytesIO(), io.BytesIO() if background else None
        upload = ObjectReader(self._store, keys.upload)
        with closing(VideoReader(upload, threads=1)) as reader:
            rendered = render_segment(reader, posed, order, self._encoding, video, album, bare)
        if bare is not None:
            self._store.put(keys.segment(segment, _BACKGROUND), bare.getvalue(), _MP4)
        self._store.put(keys.segment(segment, _VIDEO), video.getvalue(), _MP4)
        return rendered, video.getbuffer().nbytes

    def join(
        self, job_id: str, segments: int, frames: int, *, background: bool = False
    ) -> tuple[Joined, int]:
        """Joins a job's segments and stores its video.

        Args:
            job_id: The job.
            segments: How many segments there are.
            frames: Frames that they hold together.
            background: Whether to join, besides, the videos before anybody was drawn.

        Returns:
            What became of the segments, and the bytes of the video.

        Raises:
            NotFoundError: A segment, or the upload, is gone.
            IncompatibleError: The segments do not fit together.
            VideoError: The video is too long.
            UnavailableError: Object storage cannot be reached.
        """
        keys = Keys(job_id)
        joiner = Joiner(ObjectReader(self._store, keys.upload), frames)
        if background:
            parts = [keys.segment(number, _BACKGROUND) for number in range(segments)]
            self._joined(joiner, parts, keys.background)
        parts = [keys.segment(number, _VIDEO) for number in range(segments)]
        return self._joined(joiner, parts, keys.video)

    def _joined(self, joiner: Joiner, parts: list[str], target: str) -> tuple[Joined, int]:
        room, silent = joiner.room, False
        while room <= _MAX_INDEX_BYTES:
            files = (ObjectReader(self._store, part) for part in parts)
            try:
                with ObjectWriter(self._store, target, _MP4, room + MARGIN) as output:
                    joined = joiner.write(files, output, room, silent=silent)
                return joined, output.size
            except IndexRoomError:
                room *= 2
                log.warning("joining again with more room for the index", bytes=room)
            except SoundError:
                silent = True
                log.warning("joining again without the sound", exc_info=True)
        raise VideoError(
            "The video is too long for one MP4. Cut it, and upload the parts.", "too_long"
        )

    def contact_sheet(self, job_id: str, indices: list[int]) -> None:
        """Makes a job's contact sheet of its screenshots and stores it.

        Screenshots that are missing are left out; if all are, there is no sheet.

        Args:
            job_id: The job.
            indices: The frames of the screenshots, in order.

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


class _StoredAlbum:
    """Stores the pictures of a segment."""

    def __init__(self, store: ObjectStore, keys: Keys, segment: int) -> None:
        self._store = store
        self._keys = keys
        self._segment = segment

    def screenshot(self, index: int, jpeg: bytes) -> None:
        self._store.put(self._keys.screenshot(index), jpeg, _JPEG)

    def still(self, track_id: int, jpeg: bytes) -> None:
        self._store.put(self._keys.segment_still(self._segment, track_id), jpeg, _JPEG)
