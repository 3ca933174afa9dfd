"""API keys and their limits, stored in the bucket with only the hashes of their secrets."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, ValidationError

from poseway.errors import ConflictError, InvalidRequestError, NotFoundError
from poseway.jobs import Record, now

if TYPE_CHECKING:
    # The command imports this module where no library of the storage is installed.
    from poseway.storage import ObjectStore

AuthMode = Literal["auto", "keys", "off"]

FOLDER: Final = "keys/"
_FORM: Final = re.compile(r"pw_([0-9a-f]{8})_([0-9a-f]{40})")
_NAME: Final = 100
_JSON: Final = "application/json"


def keys_needed(auth: AuthMode, host: str) -> bool:
    """Decides whether a gateway that listens on `host` requires API keys."""
    if auth != "auto":
        return auth == "keys"
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host != "localhost"


class Limits(Record):
    """Limits of one key; null means no limit."""

    requests_per_minute: int | None = Field(3000, ge=1)
    jobs_per_day: int | None = Field(None, ge=0, description="Days are UTC.")
    bytes_per_day: int | None = Field(
        None, ge=0, description="Total size of the uploads of these jobs."
    )

    @classmethod
    def of(
        cls,
        requests_per_minute: int | None,
        jobs_per_day: int | None,
        gigabytes_per_day: float | None,
    ) -> Self:
        """Makes limits from what an operator asks for; None keeps the default.

        Raises:
            InvalidRequestError: A limit is too small.
        """
        size = None if gigabytes_per_day is None else round(gigabytes_per_day * 1e9)
        asked = {
            "requests_per_minute": requests_per_minute,
            "jobs_per_day": jobs_per_day,
            "bytes_per_day": size,
        }
        try:
            return cls.model_validate({k: v for k, v in asked.items() if v is not None})
        except ValidationError as error:
            wrong = ", ".join(str(item["loc"][0]).replace("_", " ") for item in error.errors())
            raise InvalidRequestError(f"This limit is too small: {wrong}.") from None

    def __str__(self) -> str:
        said = [
            f"{self.requests_per_minute or 'any'} requests a minute",
            f"{'any' if self.jobs_per_day is None else self.jobs_per_day} jobs a day",
        ]
        size = self.bytes_per_day
        return ", ".join([*said, f"{'any' if size is None else f'{size / 1e9:g}'} GB a day"])


class ApiKey(Record):
    """The record of a key, without its secret."""

    id: str = Field(description="8 hex digits. Jobs made with the key belong to this id.")
    name: str
    sha256: str = Field(description="SHA-256 of the secret, lower-case hex.")
    limits: Limits = Limits()
    created_at: datetime
    rotated_at: datetime | None = Field(None, description="When the key last got a new secret.")
    revoked_at: datetime | None = None

    def fits(self, secret: str) -> bool:
        """Checks whether the key is valid and this is its secret."""
        return self.revoked_at is None and hmac.compare_digest(_hash(secret), self.sha256)


def split(key: str) -> tuple[str, str] | None:
    """Splits a key ``pw_ID_SECRET`` into id and secret; returns None for anything else."""
    found = _FORM.fullmatch(key)
    return (found[1], found[2]) if found else None


def given(key: str, name: str) -> ApiKey:
    """Makes the record of a key that an operator chose.

    Raises:
        InvalidRequestError: The key does not have the form ``pw_ID_SECRET``.
    """
    parts = split(key)
    if parts is None:
        raise InvalidRequestError(
            "A key consists of pw_, 8 hex digits, _ and 40 hex digits. Make one with: "
            "echo pw_$(openssl rand -hex 4)_$(openssl rand -hex 20)"
        )
    return ApiKey(id=parts[0], name=name, sha256=_hash(parts[1]), created_at=now())


def _hash(secret: str) -> str:
    # A fast hash is enough, because 160 random bits cannot be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKeys:
    """The keys in a bucket. Safe to use from several threads and processes."""

    def __init__(self, store: "ObjectStore") -> None:
        self._store = store

    def get(self, key_id: str) -> ApiKey:
        """Returns a key by its id.

        Raises:
            NotFoundError: There is no key with that id.
        """
        return ApiKey.model_validate_json(self._store.get(_place(key_id))[0])

    def all(self) -> list[ApiKey]:
        """Returns all keys including revoked ones, oldest first."""
        names = [item.key for item in self._store.walk(FOLDER) if item.key.endswith(".json")]
        found = [ApiKey.model_validate_json(self._store.get(name)[0]) for name in names]
        return sorted(found, key=lambda key: key.created_at)

    def valid(self) -> list[ApiKey]:
        """Returns all keys that are not revoked."""
        return [key for key in self.all() if key.revoked_at is None]

    def create(self, name: str, limits: Limits | None = None) -> tuple[ApiKey, str]:
        """Creates a key and returns its record and the whole key, which is not stored.

        Raises:
            ConflictError: A valid key has that name already.
            InvalidRequestError: The name is empty, too long or not printable.
        """
        key_id, secret = secrets.token_hex(4), secrets.token_hex(20)
        name = name.strip()
        if not 0 < len(name) <= _NAME or not name.isprintable():
            raise InvalidRequestError(f"A key's name has 1 to {_NAME} printable characters.")
        key = ApiKey(
            id=key_id,
            name=name,
            sha256=_hash(secret),
            limits=limits or Limits(),
            created_at=now(),
        )
        if key.name in (other.name for other in self.valid()):
            raise ConflictError(f"There is a key named {key.name!r} already. Choose another name.")
        data = key.model_dump_json().encode()
        self._store.put(_place(key_id), data, _JSON, if_absent=True)
        return key, f"pw_{key_id}_{secret}"

    def rotate(self, name: str) -> tuple[ApiKey, str]:
        """Gives a key, by name or id, a new secret. Its id, limits and jobs stay."""
        secret = secrets.token_hex(20)
        key = self._change(
            name, lambda key: key.model_copy(update={"sha256": _hash(secret), "rotated_at": now()})
        )
        return key, f"pw_{key.id}_{secret}"

    def revoke(self, name: str) -> ApiKey:
        """Revokes a key, by name or id, for ever. Its jobs stay."""
        return self._change(name, lambda key: key.model_copy(update={"revoked_at": now()}))

    def _change(self, name: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        found = [key for key in self.valid() if name in (key.name, key.id)]
        if not found:
            known = ", ".join(key.name for key in self.valid()) or "none"
            raise NotFoundError(f"There is no valid key {name!r}. Valid keys: {known}.")
        place = _place(found[0].id)
        data, etag = self._store.get(place)
        key = change(ApiKey.model_validate_json(data))
        self._store.put(place, key.model_dump_json().encode(), _JSON, if_match=etag)
        return key


def _place(key_id: str) -> str:
    return f"{FOLDER}{key_id}.json"
