"""What of a running job can be looked at already: its finished segments."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from poseway.errors import ConflictError, NotFoundError
from poseway.jobs import Keys, Stretch
from poseway.storage import ObjectInfo, ObjectStore
from poseway_gateway.api.jobs.mp4_edit_list import from_zero

_KEPT: Final = 20_000
_KEPT_CHANGES: Final = 256
_MOST: Final = 100_000


class Previews:
    """Finds finished segments. Safe to use from several threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._readers = ThreadPoolExecutor(8, thread_name_prefix="preview")
        # What is told of a segment changes only where a job is begun again, and a file has another
        # ETag then.
        self._stretch = lru_cache(_KEPT)(self._read)
        self._change = lru_cache(_KEPT_CHANGES)(self._compute)

    def segments(self, job_id: str, restarts: int) -> dict[int, Stretch]:
        """When each finished segment of a job is, by its number, in order.

        Args:
            job_id: The job.
            restarts: How often it was begun again, with other segments.
        """
        folders = self._store.folders(Keys(job_id).segments, "", _MOST)
        numbers = [int(name) for name in folders]

        def stretch(number: int) -> Stretch | None:
            try:
                return self._stretch(job_id, restarts, number)
            except NotFoundError:
                return None  # in the making, or gone since it was listed

        found = zip(numbers, self._readers.map(stretch, numbers), strict=True)
        return {number: when for number, when in found if when is not None}

    def change(self, video: ObjectInfo) -> tuple[int, bytes]:
        """What has to be changed in the video of a segment so that it begins at 0.

        Args:
            video: The segment's ``video.mp4`` as it is now.

        Returns:
            A position in the file, and the bytes to be there.

        Raises:
            NotFoundError: There is no such file any more.
        """
        return self._change(video)

    def _compute(self, video: ObjectInfo) -> tuple[int, bytes]:
        def read(start: int, end: int) -> bytes:
            return b"".join(self._store.stream(video.key, start, end, if_match=video.etag))

        try:
            return from_zero(read, video.size)
        except ConflictError:  # it was made again since
            raise NotFoundError(f"There is no {video.key} as it was.") from None

    def _read(self, job_id: str, _restarts: int, number: int) -> Stretch:
        data, _ = self._store.get(Keys(job_id).segment(number, "preview.json"))
        return Stretch.model_validate_json(data)
