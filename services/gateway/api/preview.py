"""What of a running job can be looked at already: its finished segments."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from poseway.errors import NotFoundError
from poseway.jobs import Keys, Stretch
from poseway.storage import ObjectStore
from services.gateway.api.mp4 import from_zero

_KEPT: Final = 20_000
_KEPT_CHANGES: Final = 256
_MOST: Final = 100_000


class Previews:
    """Finds finished segments. Safe to use from several threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._readers = ThreadPoolExecutor(8, thread_name_prefix="preview")
        # What is told of a segment does not change.
        self._stretch = lru_cache(_KEPT)(self._read)
        self._change = lru_cache(_KEPT_CHANGES)(self._compute)

    def segments(self, job_id: str) -> dict[int, Stretch]:
        """When each finished segment of a job is, by its number, in order."""
        folders = self._store.folders(Keys(job_id).segments, "", _MOST)
        numbers = [int(name) for name in folders]

        def stretch(number: int) -> Stretch | None:
            try:
                return self._stretch(job_id, number)
            except NotFoundError:
                return None  # in the making, or gone since it was listed

        found = zip(numbers, self._readers.map(stretch, numbers), strict=True)
        return {number: when for number, when in found if when is not None}

    def change(self, job_id: str, number: int) -> tuple[int, bytes]:
        """What has to be changed in the video of a segment so that it begins at 0.

        Returns:
            A position in the file, and the bytes to be there.

        Raises:
            NotFoundError: There is no such segment any more.
        """
        return self._change(job_id, number)

    def _compute(self, job_id: str, number: int) -> tuple[int, bytes]:
        key = Keys(job_id).segment(number, "video.mp4")

        def read(start: int, end: int) -> bytes:
            return b"".join(self._store.stream(key, start, end))

        return from_zero(read, self._store.head(key).size)

    def _read(self, job_id: str, number: int) -> Stretch:
        data, _ = self._store.get(Keys(job_id).segment(number, "preview.json"))
        return Stretch.model_validate_json(data)
