"""Remembers what became of a request, so that one that is repeated makes no second job.

Clients repeat a request when they do not hear how it went. They name it by an ``Idempotency-Key``
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
# Between a claim and its job there are two writes; after this long nobody is at it any more.
_BUSY: Final = timedelta(seconds=60)


class IdempotencyRecord(Record):
    """What became of a request.

    Attributes:
        job: Id of the job, or of the upload that becomes it.
        fingerprint: Of what was asked.
        at: When it came.
    """

    job: JobId
    fingerprint: str
    at: datetime


def fingerprint(*asked: BaseModel | str | int | None) -> str:
    """The same for the same request, and for no other."""
    # A field that a newer version adds, with its default, leaves it as it is.
    texts = [
        a.model_dump_json(exclude_defaults=True) if isinstance(a, BaseModel) else repr(a)
        for a in asked
    ]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


class IdempotencyStore:
    """What became of the requests of the last day, in the bucket. Safe to use from threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def claim(
        self, owner: str, key: str, job_id: str, asked: str, exists: Callable[[str], bool]
    ) -> str:
        """Says that a request becomes a job, unless it has become one before.

        Args:
            owner: Whose request.
            key: Its ``Idempotency-Key``.
            job_id: What it would become.
            asked: Its fingerprint.
            exists: Whether there is a job of an id.

        Returns:
            Id of the job that it is: `job_id`, or an earlier one's.

        Raises:
            InvalidRequestError: Another request came under this key.
            ConflictError: The same request is being answered right now.
        """
        place = _place(owner, key)
        mine = IdempotencyRecord(job=job_id, fingerprint=asked, at=now())
        data = mine.model_dump_json().encode()
        while True:
            known, etag = self._read(place)
            if known is not None and (job := _answer(known, asked, exists)) is not None:
                return job
            try:
                self._store.put(
                    place, data, "application/json", if_match=etag, if_absent=etag is None
                )
            except ConflictError:
                continue  # the same request came twice at once
            return job_id

    def forget(self, owner: str, key: str) -> None:
        """Takes a claim back: nothing came of the request."""
        self._store.delete(_place(owner, key))

    def _read(self, place: str) -> tuple[IdempotencyRecord | None, str | None]:
        """What is remembered, None if it is too old; and the ETag of what is there."""
        try:
            data, etag = self._store.get(place)
        except NotFoundError:
            return None, None
        known = IdempotencyRecord.model_validate_json(data)
        return (known if now() - known.at < KEPT else None), etag


def _answer(known: IdempotencyRecord, asked: str, exists: Callable[[str], bool]) -> str | None:
    """The job that a request has become; None if whoever worked on it came to nothing."""
    if known.fingerprint != asked:
        raise InvalidRequestError(
            "This Idempotency-Key came with another request before. Use a new one.",
            "idempotency_key_reused",
        )
    if exists(known.job):
        return known.job
    if now() - known.at < _BUSY:
        raise ConflictError(
            "The same request is being answered right now. Try again in a few seconds.",
            "idempotency_in_progress",
        )
    return None


def _place(owner: str, key: str) -> str:
    """Key of the object; what a client calls its request may have any characters."""
    return f"idempotency/{owner or 'anybody'}/{hashlib.sha256(key.encode()).hexdigest()}"
