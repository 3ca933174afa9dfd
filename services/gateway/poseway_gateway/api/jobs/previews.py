"""Finished segments of running jobs."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from poseway.errors import ConflictError, NotFoundError
from poseway.jobs import Keys, TimeSpan
from poseway.storage import ObjectInfo, ObjectStore
from poseway_gateway.api.jobs.mp4_edit_list import from_zero

_CACHED_SEGMENTS: Final = 20_000
_CACHED_PATCHES: Final = 256
_MAX_SEGMENTS: Final = 100_000


class Previews:
    """Finds finished segments. Thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._readers = ThreadPoolExecutor(8, thread_name_prefix="preview")
        # A segment changes only if the job restarts, and then its file has another ETag.
        self._stretch = lru_cache(_CACHED_SEGMENTS)(self._read)
        self._change = lru_cache(_CACHED_PATCHES)(self._compute)

    def segments(self, job_id: str, restarts: int) -> dict[int, TimeSpan]:
        """Returns the time range of each finished segment of a job, by number, in order.

        Args:
            job_id: Id of the job.
            restarts: How often the job has restarted, which changes its segments.
        """
        folders = self._store.folders(Keys(job_id).segments, "", _MAX_SEGMENTS)
        numbers = [int(name) for name in folders]

        def stretch(number: int) -> TimeSpan | None:
            try:
                return self._stretch(job_id, restarts, number)
            except NotFoundError:
                return None  # unfinished, or removed since it was listed

        found = zip(numbers, self._readers.map(stretch, numbers), strict=True)
        return {number: when for number, when in found if when is not None}

    def change(self, video: ObjectInfo) -> tuple[int, bytes]:
        """Returns the patch that makes the video of a segment begin at 0.

        Args:
            video: The segment's current ``video.mp4``.

        Returns:
            Position in the file, and the bytes that replace those at this position.

        Raises:
            NotFoundError: The file was replaced or removed.
        """
        return self._change(video)

    def _compute(self, video: ObjectInfo) -> tuple[int, bytes]:
        def read(start: int, end: int) -> bytes:
            return b"".join(self._store.stream(video.key, start, end, if_match=video.etag))

        try:
            return from_zero(read, video.size)
        except ConflictError:  # replaced since it was listed
            raise NotFoundError(f"{video.key} was replaced or removed.") from None

    def _read(self, job_id: str, _restarts: int, number: int) -> TimeSpan:
        data, _ = self._store.get(Keys(job_id).segment(number, "preview.json"))
        return TimeSpan.model_validate_json(data)
