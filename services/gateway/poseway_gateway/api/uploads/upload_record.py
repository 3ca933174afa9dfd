"""The record of a multipart upload."""

from datetime import datetime, timedelta
from typing import Final

from poseway.errors import InvalidRequestError
from poseway.jobs import JobId, JobOptions, JobRequest, Record, now
from poseway.storage import ArrivedPart

# One write separates the record's `completing_at` from the job's record. After this time, the
# request that completed the upload has failed.
_COMPLETION_TIMEOUT: Final = timedelta(seconds=60)


class UploadRecord(Record):
    """A multipart upload.

    Attributes:
        id: Id of the upload, and later of its job.
        name: Name of the file.
        size: Size of the file in bytes.
        options: Options of the job.
        owner: Owner of the job.
        webhook_url: Webhook that is notified when the job ends, if any.
        claim: ``Idempotency-Key`` of the request that began the upload, if any.
        part_bytes: Size in bytes of every part except the last.
        storage_id: Id of the upload in object storage; empty once the upload is a job.
        begun_at: Time at which the upload was begun; absent from older records.
        completing_at: Time of the latest request to complete the upload.
        thrown_away: Whether the upload is discarded and its parts are yet to be deleted.
        expires_at: Time until which parts are accepted.
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
        """Whether the upload counts towards today's quota, by UTC date."""
        return self.begun_at is not None and self.begun_at.date() == now().date()

    @property
    def completing(self) -> bool:
        """Whether a request is completing the upload."""
        return self.completing_at is not None and now() - self.completing_at < _COMPLETION_TIMEOUT

    @property
    def parts(self) -> int:
        """Number of parts; they are numbered from 1."""
        return -(-self.size // self.part_bytes)

    def bytes_of(self, number: int) -> int:
        """Returns the size of a part in bytes.

        Raises:
            InvalidRequestError: There is no such part.
        """
        if not 1 <= number <= self.parts:
            raise InvalidRequestError(f"Parts are numbered 1 to {self.parts}.", "wrong_part")
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)

    def fits(self, part: ArrivedPart) -> bool:
        """Returns whether a part has the expected size."""
        return part.size == self.bytes_of(part.number)

    def job(self) -> JobRequest:
        """Returns the request of the job that the upload becomes."""
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
