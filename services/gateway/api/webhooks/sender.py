"""One attempt to deliver a webhook."""

import asyncio
import ssl
from typing import Final, Self

import httpx

from services.gateway.api.webhooks.address import RefusedError, resolve

_CONNECT_SECONDS: Final = 5.0
_SECONDS: Final = 15.0


class Sender:
    """Sends webhooks: without proxies, without following redirects, and not waiting for long."""

    def __init__(self, *, private: bool) -> None:
        """Prepares.

        Args:
            private: Whether private and loopback addresses may be sent to.
        """
        self._private = private
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS),
            # A connection belongs to one name; the next name at its address gets its own.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            verify=ssl.create_default_context(),
        )

    async def send(self, url: str, content: bytes, headers: dict[str, str]) -> int:
        """Sends once; returns the status of the answer, whose body nobody reads.

        Raises:
            RefusedError: Nothing is sent to this address.
            OSError: There is no such name.
            TimeoutError: It took too long.
            httpx.HTTPError: It could not be sent.
        """
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise RefusedError(str(error)) from error
        if not target.host:
            raise RefusedError("it has no host")
        port = target.port or (443 if target.scheme == "https" else 80)
        async with asyncio.timeout(_SECONDS):
            address = await resolve(target.host, port, private=self._private)
            request = self._http.build_request(
                "POST",
                target.copy_with(host=address),
                content=content,
                headers=headers | {"Host": target.netloc.decode()},
                extensions={"sni_hostname": target.raw_host.decode()},
            )
            answer = await self._http.send(request, stream=True)
            await answer.aclose()
        return answer.status_code

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
