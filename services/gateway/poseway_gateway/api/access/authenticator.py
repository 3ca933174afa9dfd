"""Identifies callers by API key, session cookie or share link."""

import re
import time
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import HTTPConnection

from poseway.api_keys import ApiKey
from poseway.storage import ObjectStore
from poseway_gateway.api.access.caller import GUEST, Caller
from poseway_gateway.api.access.keyring import KeyRing
from poseway_gateway.api.access.quotas import Quotas
from poseway_gateway.api.access.rate_limits import GuessLimiter, RateLimiter
from poseway_gateway.api.access.thread_pool import AccessExecutor
from poseway_gateway.api.access.tokens import Signatures, fingerprint_fits
from poseway_gateway.api.errors import AccessError, key_missing, key_unknown
from poseway_gateway.api.settings import ApiSettings

log = structlog.get_logger(__name__)

COOKIE: Final = "poseway_session"
_JOB_PATH: Final = re.compile(r"/v1/jobs/([0-9a-f]{32})(/.*)?")


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser.

    Attributes:
        token: Value of the session cookie.
        expires: Expiry in seconds since 1970.
    """

    token: str
    expires: int


class Authenticator:
    """Verifies keys, sessions and share links.

    Attributes:
        keys_needed: Whether callers need an API key.
        signatures: Signs and verifies tokens.
        usage: Daily quotas of keys.
        limiter: Rate limits of keys and share links.
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
        """Returns the caller of a request.

        Raises:
            AccessError: The request has no credentials, or invalid ones.
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
                    "This share link is not valid or has expired. Ask its sender for a new one.",
                    "job_not_found",
                ) from None
            raise

    async def still(self, caller: Caller) -> bool:
        """Returns whether a caller's credentials are still valid; checked for endless streams."""
        if caller.share is not None:
            return await self.signatures.share_of(caller.share.token) is not None and (
                await self._owner_is_valid(caller.share.owner)
            )
        if caller.key is None:
            return True
        key = await self._ring.find(caller.key.id)
        return key is not None and key.sha256 == caller.key.sha256

    async def sign_in(self, text: str, request: HTTPConnection) -> tuple[Caller, Session]:
        """Begins a session.

        Args:
            text: The whole API key.
            request: The request to sign in.

        Raises:
            AccessError: The key is not valid.
        """
        key = await self._checked(text, request)
        log.info("signed in", owner=key.id)
        expires = int(time.time()) + self._session_seconds
        return self._caller(key), Session(await self.signatures.session(key, expires), expires)

    async def _guest(self, request: HTTPConnection) -> Caller | None:
        """Returns the caller of a request with a share link to the job in its path, else None."""
        token = request.query_params.get("share")
        path = _JOB_PATH.fullmatch(request.scope["path"])
        if not token or path is None:
            return None
        share = await self.signatures.share_of(token)
        if share is None or share.job_id != path[1] or not await self._owner_is_valid(share.owner):
            return None
        return Caller(GUEST, share=share)

    async def _owner_is_valid(self, owner: str) -> bool:
        """Returns whether share links to an owner's jobs are still valid."""
        return not (owner and self.keys_needed) or await self._ring.find(owner) is not None

    async def _key(self, request: HTTPConnection) -> ApiKey:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._checked(text.strip(), request)
        if scheme:
            raise key_missing(f"The authorization scheme {scheme[:20]!r} is not supported.")
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
            raise key_unknown("Your session has ended. Sign in again with your API key.")
        return key

    def _caller(self, key: ApiKey) -> Caller:
        return Caller(key.id, key, usage=self.usage)
