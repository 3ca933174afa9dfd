"""Multipart uploads: a broken connection costs one part, not the whole video.

Each upload is a multipart upload of object storage. Its parts arrive in any order, several at a
time, through the gateway or directly from the client. The record, ``pending/{id}.json``, holds
what becomes of the upload; object storage knows which parts have arrived. The upload's id becomes
the id of its job.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from poseway.errors import ConflictError, NotFoundError
from poseway.jobs import JobOptions, JobRequest, Keys, now
from poseway.storage import ArrivedPart, MultipartUpload, ObjectStore
from poseway_gateway.api.errors import too_large
from poseway_gateway.api.uploads.upload_record import UploadRecord

log = structlog.get_logger(__name__)

PART_BYTES: Final = 8 << 20
_MAX_PARTS: Final = 10_000  # the limit of S3
_LISTED: Final = 10


class MultipartUploads:
    """All multipart uploads. Thread-safe."""

    def __init__(self, store: ObjectStore, max_bytes: int, seconds: int) -> None:
        """Uses the uploads in a bucket.

        Args:
            store: Object storage.
            max_bytes: Size limit of a file in bytes.
            seconds: Time in seconds in which all parts of an upload must arrive.
        """
        self._store = store
        self._max_bytes = max_bytes
        self._seconds = seconds

    def begin(
        self,
        job_id: str,
        name: str,
        size: int,
        options: JobOptions,
        owner: str,
        webhook: str | None,
        claim: str | None = None,
    ) -> UploadRecord:
        """Begins an upload and records it.

        Args:
            job_id: Id of the upload, and later of its job.
            name: Name of the file.
            size: Size of the file in bytes.
            options: Options of the job.
            owner: Owner of the job.
            webhook: Webhook of the job, if any.
            claim: Idempotency key of the request, if any.

        Raises:
            TooLargeError: The file is larger than the limit.
        """
        if size > self._max_bytes:
            raise too_large(self._max_bytes)
        key = Keys(job_id).upload
        record = UploadRecord(
            id=job_id,
            name=name,
            size=size,
            options=options,
            owner=owner,
            webhook_url=webhook,
            claim=claim,
            part_bytes=_part_bytes(size),
            storage_id=MultipartUpload.begin(self._store, key, "application/octet-stream"),
            begun_at=now(),
            expires_at=now() + timedelta(seconds=self._seconds),
        )
        data = record.model_dump_json().encode()
        self._store.put(_key(job_id), data, "application/json")
        return record

    def find(self, upload_id: str, owner: str) -> UploadRecord:
        """Returns an upload by its id.

        Raises:
            NotFoundError: The upload does not exist, has another owner, or has expired.
        """
        try:
            data, _ = self._store.get(_key(upload_id))
            record = UploadRecord.model_validate_json(data)
        except NotFoundError:
            record = self._completed(upload_id)
        if record.thrown_away or record.owner != owner or record.expires_at < now():
            raise _no_such_upload()
        return record

    def _completed(self, upload_id: str) -> UploadRecord:
        """Returns the record of an upload that has become a job."""
        try:
            data, _ = self._store.get(Keys(upload_id).request)
        except NotFoundError:
            raise _no_such_upload() from None
        request = JobRequest.model_validate_json(data)
        return UploadRecord(
            id=request.id,
            name=request.name,
            size=request.size,
            options=request.options,
            owner=request.owner,
            webhook_url=request.webhook_url,
            part_bytes=_part_bytes(request.size),
            storage_id="",
            expires_at=now() + timedelta(seconds=self._seconds),
        )

    def exists(self, upload_id: str, owner: str) -> bool:
        """Returns whether an upload exists, or the job that it has become."""
        try:
            self.find(upload_id, owner)
        except NotFoundError:
            return False
        return True

    def arrived(self, record: UploadRecord) -> dict[int, int] | None:
        """Returns the size in bytes of each part that has arrived, by number.

        Returns:
            The sizes; None if the upload is complete.

        Raises:
            NotFoundError: The parts are gone.
        """
        parts = self._listed(record)
        if parts is None:
            return None
        # A part that was sent again may be listed twice; the one with the right size counts.
        parts.sort(key=record.fits)
        return {part.number: part.size for part in parts}

    def _listed(self, record: UploadRecord) -> list[ArrivedPart] | None:
        """Returns the parts that object storage lists; None if the upload is complete."""
        if not record.storage_id:
            return None
        try:
            return self.multipart(record).parts()
        except NotFoundError:
            if self._store.exists(Keys(record.id).upload):
                return None
            raise _no_such_upload() from None

    def multipart(self, record: UploadRecord) -> MultipartUpload:
        """Returns the multipart upload of object storage."""
        return MultipartUpload(self._store, Keys(record.id).upload, record.storage_id)

    def complete(self, record: UploadRecord) -> None:
        """Assembles the parts; safe to repeat.

        Raises:
            ConflictError: Parts are missing or have the wrong size; the message lists them.
            NotFoundError: The parts are gone.
        """
        listed = self._listed(record)
        if listed is None:
            return
        # Exactly the parts that were checked are assembled, even if others arrive meanwhile.
        fitting = [part for part in listed if record.fits(part)]
        arrived = {part.number for part in fitting}
        missing = [str(n) for n in range(1, record.parts + 1) if n not in arrived]
        if missing:
            named = ", ".join(missing[:_LISTED]) + ", …" * (len(missing) > _LISTED)
            raise ConflictError(
                f"Parts are missing or have the wrong size ({len(missing)} of {record.parts}): "
                f"{named}. Send them, then complete the upload.",
                "upload_incomplete",
            )
        try:
            self.multipart(record).complete(fitting)
        except NotFoundError:
            if self.arrived(record) is not None:  # otherwise a concurrent request completed it
                raise

    def mark_completing(self, record: UploadRecord) -> None:
        """Records that an upload is becoming a job, so that it is not discarded meanwhile.

        Raises:
            ConflictError: It is a job already.
            NotFoundError: It was discarded.
        """
        while not self._changed(*self._read(record.id), completing_at=now()):
            continue  # the record changed concurrently

    def mark_discarded(self, record: UploadRecord) -> None:
        """Records that an upload is discarded. Of several concurrent calls, one succeeds.

        Raises:
            ConflictError: It is a job, or is becoming one.
            NotFoundError: It was discarded already.
        """
        while True:
            found, etag = self._read(record.id)
            if found.completing:
                raise ConflictError(
                    "The upload is being completed. If that does not succeed, delete it in a "
                    "minute.",
                    "upload_complete",
                )
            if self._changed(found, etag, thrown_away=True):
                return

    def _read(self, upload_id: str) -> tuple[UploadRecord, str]:
        """Returns the record of an upload that is neither a job nor discarded, and its ETag."""
        try:
            data, etag = self._store.get(_key(upload_id))
        except NotFoundError:
            data, etag = b"", ""
        # Checked after reading the record: a request that completes the upload changes the record,
        # and thus its ETag, before it creates the job.
        if self._store.exists(Keys(upload_id).request):
            raise already_complete(upload_id)
        if not data or (record := UploadRecord.model_validate_json(data)).thrown_away:
            raise _no_such_upload()
        return record, etag

    def _changed(self, record: UploadRecord, etag: str, **changes: datetime | bool) -> bool:
        """Changes a record; returns False if it changed concurrently or is gone."""
        data = record.model_copy(update=changes).model_dump_json().encode()
        try:
            self._store.put(_key(record.id), data, "application/json", if_match=etag)
        except (ConflictError, NotFoundError):
            return False
        return True

    def discard(self, record: UploadRecord) -> None:
        """Deletes an upload and all parts that have arrived."""
        with suppress(NotFoundError):
            self.multipart(record).abort()
        # Aborting an upload that was assembled but never became a job succeeds in SeaweedFS, yet
        # leaves the object.
        self._store.delete(Keys(record.id).upload)
        self.forget(record.id)

    def forget(self, upload_id: str) -> None:
        """Deletes the record of an upload."""
        self._store.delete(_key(upload_id))

    def expire(self) -> int:
        """Deletes uploads that have expired; returns their number."""
        count = 0
        for item in self._store.walk("pending/"):
            try:
                data, etag = self._store.get(item.key)
                record = UploadRecord.model_validate_json(data)
            except NotFoundError:
                continue  # another gateway deleted it
            except ValidationError as error:
                log.warning("upload record not readable", key=item.key, error=str(error))
                continue
            if record.expires_at >= now() or record.completing:
                continue
            if self._store.exists(Keys(record.id).request):
                self.forget(record.id)  # its job owns the upload now
            elif self._changed(record, etag, thrown_away=True):
                self.discard(record)
            else:
                continue  # it is being completed
            count += 1
        return count


def already_complete(upload_id: str) -> ConflictError:
    """Returns the error for an upload that is a job."""
    return ConflictError(
        f"The upload is complete and has become a job: see /v1/jobs/{upload_id}.",
        "upload_complete",
    )


def _part_bytes(size: int) -> int:
    return max(PART_BYTES, -(-size // _MAX_PARTS))


def _key(upload_id: str) -> str:
    return f"pending/{upload_id}.json"


def _no_such_upload() -> NotFoundError:
    return NotFoundError(
        "There is no such upload, or it has expired. Begin a new one.", "upload_not_found"
    )
