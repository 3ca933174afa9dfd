"""Who a request is from: by its key, its session or the link that it follows."""

import re
import time
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import HTTPConnection

from poseway.api_keys import ApiKey
from poseway.storage import ObjectStore
from poseway_gateway.api.access.caller import GUEST, Caller
from poseway_gateway.api.access.executor import AccessExecutor
from poseway_gateway.api.access.keyring import KeyRing
from poseway_gateway.api.access.quotas import Quotas
from poseway_gateway.api.access.rate_limits import GuessLimiter, RateLimiter
from poseway_gateway.api.access.tokens import Signatures, fingerprint_fits
from poseway_gateway.api.errors import AccessError, key_missing, key_unknown
from poseway_gateway.api.settings import ApiSettings

log = structlog.get_logger(__name__)

COOKIE: Final = "poseway_session"
_OF_A_JOB: Final = re.compile(r"/v1/jobs/([0-9a-f]{32})(/.*)?")


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in.

    Attributes:
        token: What its cookie holds.
        expires: Seconds since 1970 at which it ends.
    """

    token: str
    expires: int


class Authenticator:
    """Knows keys, sessions and links.

    Attributes:
        keys_needed: Whether anybody is asked for a key.
        signatures: What this gateway signs.
        usage: What keys asked for today.
        limiter: How often keys and links are used.
    """

    def __init__(self, store: ObjectStore, settings: ApiSettings) -> None:
        self.keys_needed = settings.keys_needed
        threads = AccessExecutor()
        self.signatures = Signatures(store, threads, settings.signing_key)
        self.usage = Quotas(store, threads)
        self.limiter = RateLimiter()
        self._guess_limiter = GuessLimiter()
        self._ring = KeyRing(store, threads, settings)
        self._session_seconds = settings.session_seconds

    async def identify(self, request: HTTPConnection, method: str) -> Caller:
        """Who calls.

        Raises:
            AccessError: They do not say, or what they say does not count.
        """
        guest = await self._guest(request) if method == "GET" else None
        if guest is not None:
            return guest
        if not self.keys_needed:
            return Caller()
        try:
            return self._caller(await self._key(request))
        except AccessError:
            if method == "GET" and "share" in request.query_params:
                raise AccessError(
                    "This link does not fit or has expired. Ask who sent it for a new one.",
                    "job_not_found",
                ) from None
            raise

    async def still(self, caller: Caller) -> bool:
        """Whether who called may still read on; for streams that do not end by themselves."""
        if caller.share is not None:
            return await self.signatures.share_of(caller.share.token) is not None and (
                await self._owner_counts(caller.share.owner)
            )
        if caller.key is None:
            return True
        key = await self._ring.find(caller.key.id)
        return key is not None and key.sha256 == caller.key.sha256

    async def sign_in(self, text: str, request: HTTPConnection) -> tuple[Caller, Session]:
        """Begins a session; raises `AccessError` if that is no key that counts."""
        key = await self._checked(text, request)
        log.info("signed in", owner=key.id)
        expires = int(time.time()) + self._session_seconds
        return self._caller(key), Session(await self.signatures.session(key, expires), expires)

    async def _guest(self, request: HTTPConnection) -> Caller | None:
        """Who follows a link to the job that they ask for; None if they do not."""
        token = request.query_params.get("share")
        path = _OF_A_JOB.fullmatch(request.scope["path"])
        if not token or path is None:
            return None
        share = await self.signatures.share_of(token)
        if share is None or share.job_id != path[1] or not await self._owner_counts(share.owner):
            return None
        return Caller(GUEST, share=share)

    async def _owner_counts(self, owner: str) -> bool:
        """Whether links to what an owner has still count."""
        return not (owner and self.keys_needed) or await self._ring.find(owner) is not None

    async def _key(self, request: HTTPConnection) -> ApiKey:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self._checked(text.strip(), request)
        if kind:
            raise key_missing(f"Nobody signs in with {kind[:20]!r} here.")
        if token := request.cookies.get(COOKIE):
            return await self._signed_in(token)
        raise key_missing()

    async def _checked(self, text: str, request: HTTPConnection) -> ApiKey:
        if self._ring.is_guess(text):
            await self._guess_limiter.refuse(request)
        key = await self._ring.check(text)
        if key is None:
            if self._ring.is_guess(text):
                await self._guess_limiter.count(request)
            raise key_unknown("There is no such API key, or it was revoked or replaced.")
        return key

    async def _signed_in(self, token: str) -> ApiKey:
        session = await self.signatures.session_of(token)
        key = await self._ring.find(session[0]) if session else None
        if session is None or key is None or not fingerprint_fits(key, session[1]):
            raise key_unknown("You are signed in no longer. Sign in again with your API key.")
        return key

    def _caller(self, key: ApiKey) -> Caller:
        return Caller(key.id, key, usage=self.usage)
