"""Signed tokens: sessions, share links and webhook secrets, each with a purpose and an expiry."""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr

from poseway.api_keys import FOLDER, ApiKey
from poseway.errors import ConflictError, NotFoundError, UnavailableError
from poseway.storage import ObjectStore
from poseway_gateway.api.access.thread_pool import AccessExecutor

_SIGNING_KEY: Final = f"{FOLDER}signing"
_KEY_BYTES: Final = 32
_SESSION: Final = "session"
_SHARE: Final = "share"


@dataclass(frozen=True, slots=True)
class Share:
    """A share link whose token is valid.

    Attributes:
        token: The token, as it stands in the link.
        job_id: Id of the job that it shows.
        owner: Owner of that job.
        expires: Expiry in seconds since 1970.
    """

    token: str
    job_id: str
    owner: str
    expires: int


class Signatures:
    """Creates and verifies tokens.

    The signing key comes from the settings, or from the bucket, where all gateways share one.
    """

    def __init__(self, store: ObjectStore, threads: AccessExecutor, key: SecretStr | None) -> None:
        self._threads = threads
        self._store = store
        self._key = key.get_secret_value().encode() if key else b""

    async def session(self, key: ApiKey, expires: int) -> str:
        """Returns a session token, which is valid until the key is rotated or revoked.

        Args:
            key: The API key.
            expires: Expiry in seconds since 1970.
        """
        return await self._sign(_SESSION, [key.id, _fingerprint(key), expires])

    async def session_of(self, token: str) -> tuple[str, str, int] | None:
        """Returns key id, fingerprint of the secret and expiry of a session; None if invalid."""
        match await self._read(_SESSION, token):
            case [str(key_id), str(fingerprint), int(expires)] if expires > time.time():
                return key_id, fingerprint, expires
        return None

    async def share(self, job_id: str, owner: str, expires: int) -> str:
        """Returns the token of a share link to one job.

        Args:
            job_id: Id of the job.
            owner: Owner of the job.
            expires: Expiry in seconds since 1970.
        """
        return await self._sign(_SHARE, [job_id, owner, expires])

    async def share_of(self, token: str) -> Share | None:
        """Returns the share of a token; None if the token is invalid."""
        match await self._read(_SHARE, token):
            case [str(job_id), str(owner), int(expires)] if expires > time.time():
                return Share(token, job_id, owner, expires)
        return None

    async def webhook_secret(self, owner: str) -> str:
        """Returns the secret that signs an owner's webhooks: ``whsec_…``, per Standard Webhooks."""
        key = await self._signing_key()
        secret = hmac.digest(key, f"poseway webhook {owner}".encode(), "sha256")
        return f"whsec_{base64.b64encode(secret).decode()}"

    async def _sign(self, purpose: str, content: list[Any]) -> str:
        token = (await self._serializer(purpose)).dumps(content)
        return token if isinstance(token, str) else token.decode()

    async def _read(self, purpose: str, token: str) -> object:
        try:
            return (await self._serializer(purpose)).loads(token)
        except BadData:
            return None

    async def _serializer(self, purpose: str) -> URLSafeSerializer:
        # The purpose is part of the derived key, so that no token is valid as another kind.
        return URLSafeSerializer(
            await self._signing_key(),
            salt=f"poseway {purpose}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    async def _signing_key(self) -> bytes:
        if not self._key:
            key = await self._threads.run(self._shared_key)
            if len(key) < _KEY_BYTES:
                raise UnavailableError(f"{_SIGNING_KEY} in the bucket is damaged. Delete it.")
            self._key = key
        return self._key

    def _shared_key(self) -> bytes:
        try:
            return self._store.get(_SIGNING_KEY)[0]
        except NotFoundError:
            pass
        try:
            key = secrets.token_hex(_KEY_BYTES).encode()
            self._store.put(_SIGNING_KEY, key, "text/plain", if_absent=True)
        except ConflictError:
            return self._store.get(_SIGNING_KEY)[0]  # another gateway created it first
        return key


def fingerprint_fits(key: ApiKey, fingerprint: str) -> bool:
    """Returns whether a session began with the key's current secret and the key is not revoked."""
    return key.revoked_at is None and hmac.compare_digest(_fingerprint(key), fingerprint)


def _fingerprint(key: ApiKey) -> str:
    """Returns a fingerprint that distinguishes secrets without revealing them."""
    return hashlib.sha256(f"session {key.sha256}".encode()).hexdigest()[:16]
