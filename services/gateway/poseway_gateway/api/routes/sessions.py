"""Sessions of browsers, and share links to jobs."""

import asyncio
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from poseway.api_keys import Limits
from poseway_gateway.api.access.authenticator import COOKIE, Authenticator
from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.access.quotas import DailyUsage
from poseway_gateway.api.dependencies import AuthenticatorDep, CallerDep, KnownJob
from poseway_gateway.api.web.error_codes import documented

router = APIRouter(prefix="/v1", tags=["access"], responses=documented("unavailable"))

_WEEK = 7 * 86_400


class SignIn(BaseModel):
    """An API key to sign in with."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"key": "pw_0a1b2c3d_" + "0123456789" * 4}]}
    )

    key: str = Field(max_length=200, description="The whole API key, pw_….")


class Session(BaseModel):
    """The caller, with limits and usage."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "auth": "keys",
                    "owner": "0a1b2c3d",
                    "name": "lab",
                    "limits": {
                        "requests_per_minute": 3000,
                        "jobs_per_day": 100,
                        "bytes_per_day": 50_000_000_000,
                    },
                    "usage": {"day": "2026-07-01", "jobs": 7, "bytes": 901_331_120},
                    "webhook_secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
                }
            ]
        }
    )

    auth: Literal["off", "keys"] = Field(description="Whether this gateway requires API keys.")
    owner: str = Field(description="Id of the API key; empty without keys.")
    name: str = Field(description="Name of the API key; empty without keys.")
    limits: Limits | None = Field(description="Limits of the API key; null without keys.")
    usage: DailyUsage | None = Field(description="Today's usage of the API key; null without keys.")
    webhook_secret: str = Field(
        description="Secret that signs your webhooks, in the format of Standard Webhooks."
    )


class NewShareLink(BaseModel):
    """The lifetime of a share link."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"expires_in_seconds": _WEEK}]})

    expires_in_seconds: int = Field(
        _WEEK, ge=60, le=366 * 86_400, description="Seconds until the share link expires."
    )


class ShareLink(BaseModel):
    """A link that shows a job to anyone who has it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "WyI3ZjAxIl0.c2lnbmF0dXJl",
                    "expires_at": "2026-07-08T12:00:00Z",
                    "page": "/#/0123456789abcdef0123456789abcdef?share=WyI3ZjAxIl0.c2lnbmF0dXJl",
                }
            ]
        }
    )

    token: str = Field(description="Token to add to GET requests for the job: ?share=TOKEN.")
    expires_at: datetime = Field(description="Time at which the share link expires.")
    page: str = Field(description="Path of the page that shows the job.")


@router.get("/session")
async def get_session(caller: CallerDep, authenticator: AuthenticatorDep) -> Session:
    """Returns the caller, identified by key or session, with limits and usage."""
    return await _session(caller, authenticator)


@router.post("/session", responses=documented("key_unknown", "too_large"))
async def sign_in(
    credentials: SignIn, request: Request, response: Response, authenticator: AuthenticatorDep
) -> Session:
    """Signs a browser in with a cookie that scripts cannot read.

    The session lasts a week by default, and ends early if the key is rotated or revoked. A gateway
    that requires no keys sets no cookie.
    """
    if not authenticator.keys_needed:
        return await _session(Caller(), authenticator)
    caller, session = await authenticator.sign_in(credentials.key.strip(), request)
    await authenticator.limiter.hit(caller)
    response.set_cookie(
        COOKIE,
        session.token,
        max_age=session.expires - int(time.time()),
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return await _session(caller, authenticator)


@router.delete("/session", status_code=HTTPStatus.NO_CONTENT)
async def sign_out(request: Request) -> Response:
    """Signs a browser out by deleting its cookie."""
    response = Response(status_code=HTTPStatus.NO_CONTENT)
    response.delete_cookie(COOKIE, secure=_is_secure(request), httponly=True, samesite="strict")
    return response


@router.post(
    "/jobs/{job_id}/shares",
    status_code=HTTPStatus.CREATED,
    responses=documented("job_not_found"),
)
async def share_job(
    job: KnownJob,
    authenticator: AuthenticatorDep,
    new: Annotated[NewShareLink | None, Body()] = None,
) -> ShareLink:
    """Creates a share link, which shows this job to anyone who has it.

    The link gives read access to the job and its result, and to nothing else. It ends early if the
    job is removed or its owner's key is revoked.
    """
    expires = int(time.time()) + (new or NewShareLink()).expires_in_seconds
    token = await authenticator.signatures.share(job.id, job.owner, expires)
    return ShareLink(
        token=token,
        expires_at=datetime.fromtimestamp(expires, UTC),
        page=f"/#/{job.id}?share={token}",
    )


async def _session(caller: Caller, authenticator: Authenticator) -> Session:
    key = caller.key
    used, secret = await asyncio.gather(
        _used(caller, authenticator), authenticator.signatures.webhook_secret(caller.owner)
    )
    return Session(
        auth="keys" if authenticator.keys_needed else "off",
        owner=caller.owner,
        name=key.name if key else "",
        limits=key.limits if key else None,
        usage=used,
        webhook_secret=secret,
    )


async def _used(caller: Caller, authenticator: Authenticator) -> DailyUsage | None:
    return await authenticator.usage.today(caller.key) if caller.key else None


def _is_secure(request: Request) -> bool:
    """Returns whether the browser uses HTTPS, to the gateway or to a proxy.

    The header need not be trusted: a client that forges it harms only its own cookie.
    """
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))
