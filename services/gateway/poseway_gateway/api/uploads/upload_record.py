"""The record of an upload in parts."""

from datetime import datetime, timedelta
from typing import Final

from poseway.errors import InvalidRequestError
from poseway.jobs import JobId, JobOptions, JobRequest, Record, now
from poseway.storage import ArrivedPart

# Between saying that an upload becomes a job and the job's record there is one write; after this
# long nobody is at it any more.
_BUSY: Final = timedelta(seconds=60)


class UploadRecord(Record):
    """An upload.

    Attributes:
        id: Becomes the job's.
        name: Of the file.
        size: Of the file in bytes.
        options: Of the job.
        owner: Whose it is.
        webhook_url: Is told when the job ends.
        part_bytes: Bytes of every part but the last.
        claim: The ``Idempotency-Key`` under which it was begun, if any.
        storage_id: The object storage's own name for it; empty once it is a job.
        begun_at: When it was begun; not in older records.
        completing_at: When somebody last began to make it a job.
        thrown_away: Whether it only waits for its parts to be deleted.
        expires_at: Parts are taken until then.
    """

    id: JobId
    name: str
    size: int
    options: JobOptions
    owner: str
    webhook_url: str | None
    claim: str | None = None
    part_bytes: int
    storage_id: str
    begun_at: datetime | None = None
    completing_at: datetime | None = None
    thrown_away: bool = False
    expires_at: datetime

    @property
    def begun_today(self) -> bool:
        """Whether it counts among the uploads of this day, in UTC."""
        return self.begun_at is not None and self.begun_at.date() == now().date()

    @property
    def completing(self) -> bool:
        """Whether somebody is at making it a job."""
        return self.completing_at is not None and now() - self.completing_at < _BUSY

    @property
    def parts(self) -> int:
        """How many parts there are, numbered from 1."""
        return -(-self.size // self.part_bytes)

    def bytes_of(self, number: int) -> int:
        """Bytes of a part.

        Raises:
            InvalidRequestError: There is no such part.
        """
        if not 1 <= number <= self.parts:
            raise InvalidRequestError(f"The parts are 1 to {self.parts}.", "wrong_part")
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)

    def fits(self, part: ArrivedPart) -> bool:
        """Whether a part has the size that it must have."""
        return part.size == self.bytes_of(part.number)

    def job(self) -> JobRequest:
        """The job that it becomes."""
        return JobRequest(
            id=self.id,
            name=self.name,
            size=self.size,
            sha256=None,
            created_at=now(),
            options=self.options,
            owner=self.owner,
            webhook_url=self.webhook_url,
        )
