"""Idempotency keys, with which a repeated request creates no second job.

Clients repeat a request when its response was lost, with the same ``Idempotency-Key``
(draft-ietf-httpapi-idempotency-key-header).
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel

from poseway.errors import ConflictError, InvalidRequestError, NotFoundError
from poseway.jobs import JobId, Record, now
from poseway.storage import ObjectStore

KEPT: Final = timedelta(hours=24)
# Two writes separate a claim from its job. After this time, the request with the claim has failed.
_CLAIM_TIMEOUT: Final = timedelta(seconds=60)


class IdempotencyRecord(Record):
    """The record of a request.

    Attributes:
        job: Id of the job, or of the upload that becomes the job.
        fingerprint: Fingerprint of the request.
        at: Time of the request.
    """

    job: JobId
    fingerprint: str
    at: datetime


def fingerprint(*parts: BaseModel | str | int | None) -> str:
    """Returns a fingerprint, equal for equal requests only."""
    # Defaults are excluded, so that fields added by a newer version leave it unchanged.
    texts = [
        part.model_dump_json(exclude_defaults=True) if isinstance(part, BaseModel) else repr(part)
        for part in parts
    ]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


class IdempotencyStore:
    """Records of the requests of the last 24 hours, in the bucket. Thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def claim(
        self, owner: str, key: str, job_id: str, request_print: str, exists: Callable[[str], bool]
    ) -> str:
        """Claims an idempotency key for a request, unless an earlier request created a job with it.

        Args:
            owner: Owner of the request.
            key: Idempotency key of the request.
            job_id: Id of the job that the request would create.
            request_print: Fingerprint of the request.
            exists: Returns whether a job with an id exists.

        Returns:
            `job_id`, or the id of the earlier job.

        Raises:
            InvalidRequestError: The key was used for a different request.
            ConflictError: The same request is still being processed.
        """
        object_key = _object_key(owner, key)
        mine = IdempotencyRecord(job=job_id, fingerprint=request_print, at=now())
        data = mine.model_dump_json().encode()
        while True:
            known, etag = self._read(object_key)
            if (
                known is not None
                and (job := _earlier_job(known, request_print, exists)) is not None
            ):
                return job
            try:
                self._store.put(
                    object_key, data, "application/json", if_match=etag, if_absent=etag is None
                )
            except ConflictError:
                continue  # the same request arrived concurrently
            return job_id

    def forget(self, owner: str, key: str) -> None:
        """Releases the claim of a request that failed."""
        self._store.delete(_object_key(owner, key))

    def _read(self, object_key: str) -> tuple[IdempotencyRecord | None, str | None]:
        """Returns the record, None if it has expired, and the ETag of the object, if any."""
        try:
            data, etag = self._store.get(object_key)
        except NotFoundError:
            return None, None
        known = IdempotencyRecord.model_validate_json(data)
        return (known if now() - known.at < KEPT else None), etag


def _earlier_job(
    known: IdempotencyRecord, request_print: str, exists: Callable[[str], bool]
) -> str | None:
    """Returns the id of the job that a request created; None if the request failed."""
    if known.fingerprint != request_print:
        raise InvalidRequestError(
            "This Idempotency-Key was used for a different request. Use a new one.",
            "idempotency_key_reused",
        )
    if exists(known.job):
        return known.job
    if now() - known.at < _CLAIM_TIMEOUT:
        raise ConflictError(
            "The same request is still being processed. Try again in a few seconds.",
            "idempotency_in_progress",
        )
    return None


def _object_key(owner: str, key: str) -> str:
    """Returns the key of the object; hashed, since an idempotency key may have any characters."""
    return f"idempotency/{owner or 'anybody'}/{hashlib.sha256(key.encode()).hexdigest()}"
