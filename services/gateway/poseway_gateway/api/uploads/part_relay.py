"""Relays parts to object storage while they arrive.

Nothing is buffered: a part costs the gateway about 100 KB of memory, regardless of its size and of
the speed of its sender.
"""

from collections.abc import AsyncIterator
from typing import Final, Self

import httpx

from poseway.errors import NotFoundError, UnavailableError

# For parts of all clients together. The bodies of further parts are not read until one is free.
_CONNECTIONS: Final = 64
_WAIT_SECONDS: Final = 60.0


class PartRelay:
    """A pool of connections to object storage that relays request bodies."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(_WAIT_SECONDS),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
        )

    async def put(self, url: str, body: AsyncIterator[bytes], size: int) -> None:
        """Relays a body.

        Args:
            url: Signed URL to PUT the body to.
            body: The body as it arrives.
            size: Size of the body in bytes.

        Raises:
            NotFoundError: The upload was completed or deleted.
            UnavailableError: Object storage does not accept the part.
        """
        try:
            answer = await self._http.put(url, content=body, headers={"Content-Length": str(size)})
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"Object storage did not accept the part: {type(error).__name__}. Send it again."
            ) from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFoundError(
                "The upload was completed or deleted in the meantime.", "upload_not_found"
            )
        if answer.is_error:
            raise UnavailableError(
                f"Object storage did not accept the part: {answer.status_code}. Send it again."
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
