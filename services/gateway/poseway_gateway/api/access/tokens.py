"""What the gateway signs: sessions, links, webhooks. Each says what it is for, and until when."""

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
from poseway_gateway.api.access.executor import AccessExecutor

_PLACE: Final = f"{FOLDER}signing"
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
    """Makes and checks tokens.

    The signing key is the setting's, or one that all gateways find in the bucket.
    """

    def __init__(self, store: ObjectStore, threads: AccessExecutor, key: SecretStr | None) -> None:
        self._threads = threads
        self._store = store
        self._key = key.get_secret_value().encode() if key else b""

    async def session(self, key: ApiKey, expires: int) -> str:
        """A token that stands for a key, until the key is rotated or revoked.

        Args:
            key: The key.
            expires: Seconds since 1970 at which it ends.
        """
        return await self._sign(_SESSION, [key.id, _print(key), expires])

    async def session_of(self, token: str) -> tuple[str, str, int] | None:
        """Key id, print of its secret and end of a session; None if it does not count."""
        match await self._read(_SESSION, token):
            case [str(key_id), str(fingerprint), int(expires)] if expires > time.time():
                return key_id, fingerprint, expires
        return None

    async def share(self, job_id: str, owner: str, expires: int) -> str:
        """A token that shows one job.

        Args:
            job_id: The job.
            owner: Whose it is.
            expires: Seconds since 1970 at which it ends.
        """
        return await self._sign(_SHARE, [job_id, owner, expires])

    async def share_of(self, token: str) -> Share | None:
        """What a link shows; None if it does not count."""
        match await self._read(_SHARE, token):
            case [str(job_id), str(owner), int(expires)] if expires > time.time():
                return Share(token, job_id, owner, expires)
        return None

    async def webhook_secret(self, owner: str) -> str:
        """With which webhooks to an owner are signed: ``whsec_…``, as Standard Webhooks has it."""
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
        # The purpose is part of the key, so that no token passes for another kind.
        return URLSafeSerializer(
            await self._signing_key(),
            salt=f"poseway {purpose}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    async def _signing_key(self) -> bytes:
        if not self._key:
            key = await self._threads.run(self._kept_key)
            if len(key) < _KEY_BYTES:
                raise UnavailableError(f"{_PLACE} in the bucket is damaged. Delete it.")
            self._key = key
        return self._key

    def _kept_key(self) -> bytes:
        try:
            return self._store.get(_PLACE)[0]
        except NotFoundError:
            pass
        try:
            key = secrets.token_hex(_KEY_BYTES).encode()
            self._store.put(_PLACE, key, "text/plain", if_absent=True)
        except ConflictError:
            return self._store.get(_PLACE)[0]  # another gateway was faster
        return key


def fingerprint_fits(key: ApiKey, fingerprint: str) -> bool:
    """Whether a session was begun with the secret that the key has now, and the key counts."""
    return key.revoked_at is None and hmac.compare_digest(_print(key), fingerprint)


def _print(key: ApiKey) -> str:
    """Tells secrets apart without saying anything about them."""
    return hashlib.sha256(f"session {key.sha256}".encode()).hexdigest()[:16]
