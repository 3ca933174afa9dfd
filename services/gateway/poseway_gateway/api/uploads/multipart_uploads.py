"""Uploads in parts: a connection that breaks costs one part, not the whole video.

An upload is a multipart upload of the object storage, whose parts arrive in any order, several at
a time, through the gateway or straight from the client. Its record, ``pending/{id}.json``, says
what it is to become; the parts themselves say how far it is. The id becomes the job's.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from poseway.errors import ConflictError, NotFoundError
from poseway.jobs import JobOptions, JobRequest, Keys, now
from poseway.storage import ArrivedPart, MultipartUpload, ObjectStore
from poseway_gateway.api.errors import TooLargeError
from poseway_gateway.api.uploads.upload_record import UploadRecord

log = structlog.get_logger(__name__)

PART_BYTES: Final = 8 << 20
_MOST_PARTS: Final = 10_000  # S3 takes no more
_NAMED: Final = 10


class MultipartUploads:
    """All uploads in parts. Safe to use from several threads."""

    def __init__(self, store: ObjectStore, max_bytes: int, seconds: int) -> None:
        """Knows them.

        Args:
            store: Where they are.
            max_bytes: Largest file.
            seconds: In which all parts must arrive.
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
        """Begins an upload.

        Raises:
            TooLargeError: The file is larger than what is taken.
        """
        if size > self._max_bytes:
            raise TooLargeError(
                f"The video is larger than the limit of {self._max_bytes:,} bytes. "
                "Upload a shorter or smaller one."
            )
        key = Keys(job_id).upload
        pending = UploadRecord(
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
        data = pending.model_dump_json().encode()
        self._store.put(_record(job_id), data, "application/json")
        return pending

    def find(self, upload_id: str, owner: str) -> UploadRecord:
        """An upload by its id.

        Raises:
            NotFoundError: There is none, it is somebody else's, or its time is over.
        """
        try:
            data, _ = self._store.get(_record(upload_id))
            pending = UploadRecord.model_validate_json(data)
        except NotFoundError:
            pending = self._completed(upload_id)
        if pending.thrown_away or pending.owner != owner or pending.expires_at < now():
            raise _no_such_upload()
        return pending

    def _completed(self, upload_id: str) -> UploadRecord:
        """An upload that is a job now."""
        try:
            data, _ = self._store.get(Keys(upload_id).request)
        except NotFoundError:
            raise _no_such_upload() from None
        asked = JobRequest.model_validate_json(data)
        return UploadRecord(
            id=asked.id,
            name=asked.name,
            size=asked.size,
            options=asked.options,
            owner=asked.owner,
            webhook_url=asked.webhook_url,
            part_bytes=_part_bytes(asked.size),
            storage_id="",
            expires_at=now() + timedelta(seconds=self._seconds),
        )

    def exists(self, upload_id: str, owner: str) -> bool:
        """Whether there is such an upload, or the job that it has become."""
        try:
            self.find(upload_id, owner)
        except NotFoundError:
            return False
        return True

    def arrived(self, pending: UploadRecord) -> dict[int, int] | None:
        """Bytes of each part that has arrived, by its number; None if the upload is complete."""
        parts = self._listed(pending)
        if parts is None:
            return None
        # Of a part that was sent again and is listed twice, the one that fits counts.
        parts.sort(key=pending.fits)
        return {part.number: part.size for part in parts}

    def _listed(self, pending: UploadRecord) -> list[ArrivedPart] | None:
        """The parts that have arrived; None if the upload is complete."""
        if not pending.storage_id:
            return None
        try:
            return self.multipart(pending).parts()
        except NotFoundError:
            if self._store.exists(Keys(pending.id).upload):
                return None
            raise _no_such_upload() from None

    def multipart(self, pending: UploadRecord) -> MultipartUpload:
        """Where its parts are."""
        return MultipartUpload(self._store, Keys(pending.id).upload, pending.storage_id)

    def complete(self, pending: UploadRecord) -> None:
        """Puts the parts together; safe to repeat.

        Raises:
            ConflictError: Parts are missing or have the wrong size; the message names them.
            NotFoundError: The parts are gone.
        """
        listed = self._listed(pending)
        if listed is None:
            return
        # What is checked is what is put together, whatever is sent in the meantime.
        fitting = [part for part in listed if pending.fits(part)]
        arrived = {part.number for part in fitting}
        missing = [str(n) for n in range(1, pending.parts + 1) if n not in arrived]
        if missing:
            named = ", ".join(missing[:_NAMED]) + ", …" * (len(missing) > _NAMED)
            raise ConflictError(
                f"Parts are missing or have the wrong size ({len(missing)} of {pending.parts}): "
                f"{named}. Send them, then complete the upload.",
                "upload_incomplete",
            )
        try:
            self.multipart(pending).complete(fitting)
        except NotFoundError:
            if self.arrived(pending) is not None:  # somebody else completed it in the same moment
                raise

    def take(self, pending: UploadRecord) -> None:
        """Says that an upload becomes a job now, so that nobody throws it away meanwhile.

        Raises:
            ConflictError: It is a job already.
            NotFoundError: Somebody threw it away.
        """
        while not self._changed(*self._read(pending.id), completing_at=now()):
            continue  # somebody else was faster

    def throw_away(self, pending: UploadRecord) -> None:
        """Says that an upload comes to nothing; of several who say so, one is believed.

        Raises:
            ConflictError: It is a job, or becomes one right now.
            NotFoundError: Somebody else was faster.
        """
        while True:
            found, etag = self._read(pending.id)
            if found.completing:
                raise ConflictError(
                    "The upload is being completed right now. If nothing comes of that, delete it "
                    "in a minute.",
                    "upload_complete",
                )
            if self._changed(found, etag, thrown_away=True):
                return

    def _read(self, upload_id: str) -> tuple[UploadRecord, str]:
        """The record of an upload that is neither a job nor thrown away, and its ETag."""
        try:
            data, etag = self._store.get(_record(upload_id))
        except NotFoundError:
            data, etag = b"", ""
        # After the record: who makes it a job says so there first, and changes the ETag.
        if self._store.exists(Keys(upload_id).request):
            raise complete(upload_id)
        if not data or (pending := UploadRecord.model_validate_json(data)).thrown_away:
            raise _no_such_upload()
        return pending, etag

    def _changed(self, pending: UploadRecord, etag: str, **changes: datetime | bool) -> bool:
        """Changes a record, unless somebody else did or it is gone."""
        data = pending.model_copy(update=changes).model_dump_json().encode()
        try:
            self._store.put(_record(pending.id), data, "application/json", if_match=etag)
        except (ConflictError, NotFoundError):
            return False
        return True

    def abandon(self, pending: UploadRecord) -> None:
        """Throws an upload away with all that has arrived of it."""
        with suppress(NotFoundError):
            self.multipart(pending).abort()
        # Put together but never a job: SeaweedFS aborts that without a word, and leaves it there.
        self._store.delete(Keys(pending.id).upload)
        self.forget(pending.id)

    def forget(self, upload_id: str) -> None:
        """Deletes the record of an upload."""
        self._store.delete(_record(upload_id))

    def sweep(self) -> int:
        """Throws away what nobody goes on with; returns how many uploads that were."""
        count = 0
        for item in self._store.walk("pending/"):
            try:
                data, etag = self._store.get(item.key)
                pending = UploadRecord.model_validate_json(data)
            except NotFoundError:
                continue  # another gateway sweeps, too
            except ValidationError as error:
                log.warning("not an upload's record", key=item.key, error=str(error))
                continue
            if pending.expires_at >= now() or pending.completing:
                continue
            if self._store.exists(Keys(pending.id).request):
                self.forget(pending.id)  # its job has the upload now
            elif self._changed(pending, etag, thrown_away=True):
                self.abandon(pending)
            else:
                continue  # it is being completed
            count += 1
        return count


def _part_bytes(size: int) -> int:
    return max(PART_BYTES, -(-size // _MOST_PARTS))


def _record(upload_id: str) -> str:
    return f"pending/{upload_id}.json"


def complete(upload_id: str) -> ConflictError:
    """The error for an upload that is a job."""
    return ConflictError(
        f"The upload is complete, and a job: see /v1/jobs/{upload_id}.", "upload_complete"
    )


def _no_such_upload() -> NotFoundError:
    return NotFoundError(
        "There is no such upload, or its time is over. Begin a new one.", "upload_not_found"
    )
