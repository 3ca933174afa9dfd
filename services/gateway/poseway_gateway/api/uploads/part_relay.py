"""Passing the bytes of a part on to object storage while they arrive.

Nothing is kept: a part costs the gateway some 100 KB, however large it is and however slowly its
sender sends.
"""

from collections.abc import AsyncIterator
from typing import Final, Self

import httpx

from poseway.errors import NotFoundError, UnavailableError

# Together, for parts of all clients. Who waits is read from later.
_CONNECTIONS: Final = 64
_WAIT_SECONDS: Final = 60.0


class PartRelay:
    """Connections to object storage, for bodies that are sent on as they come."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(_WAIT_SECONDS),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
        )

    async def put(self, url: str, body: AsyncIterator[bytes], size: int) -> None:
        """Sends a body on.

        Args:
            url: Signed address to PUT it to.
            body: As it arrives.
            size: Its bytes.

        Raises:
            NotFoundError: The upload is gone.
            UnavailableError: Object storage does not take it.
        """
        try:
            answer = await self._http.put(url, content=body, headers={"Content-Length": str(size)})
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"Object storage does not take the part: {type(error).__name__}. Send it again."
            ) from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFoundError(
                "The upload was completed or thrown away meanwhile.", "upload_not_found"
            )
        if answer.is_error:
            raise UnavailableError(
                f"Object storage does not take the part: {answer.status_code}. Send it again."
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
