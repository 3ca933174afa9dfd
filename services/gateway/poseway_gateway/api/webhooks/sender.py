"""One attempt to deliver a webhook."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

import httpx

from poseway_gateway.api.webhooks.ssrf_guard import RefusedError, resolve

_CONNECT_SECONDS: Final = 5.0
_SECONDS: Final = 15.0
_PER_HOST: Final = 4


class BusyError(Exception):
    """As much is being sent to this host as one may have sent at once."""


class WebhookSender:
    """Sends webhooks: without proxies, without following redirects, and not waiting for long."""

    def __init__(self, *, private: bool) -> None:
        """Prepares.

        Args:
            private: Whether private and loopback addresses may be sent to.
        """
        self._private = private
        self._busy: Counter[str] = Counter()
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
            BusyError: Not sent now: what is being sent to its host is to end first.
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
        with self._place(target.host):
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

    @contextmanager
    def _place(self, host: str) -> Iterator[None]:
        """One of the few places for a host: who never answers keeps only its own waiting."""
        if self._busy[host] >= _PER_HOST:
            raise BusyError
        self._busy[host] += 1
        try:
            yield
        finally:
            self._busy[host] -= 1
            if not self._busy[host]:
                del self._busy[host]

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
