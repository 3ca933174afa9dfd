"""Sends one webhook."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

import httpx

from poseway_gateway.api.webhooks.ssrf_guard import RefusedError, resolve

_CONNECT_SECONDS: Final = 5.0
_TIMEOUT_SECONDS: Final = 15.0
_MAX_PER_HOST: Final = 4


class BusyError(Exception):
    """The limit of concurrent webhooks to this host is reached."""


class WebhookSender:
    """Sends webhooks with a short timeout, ignoring proxies and redirects."""

    def __init__(self, *, private: bool) -> None:
        """Prepares an HTTP client.

        Args:
            private: Whether webhooks may be sent to private and loopback addresses.
        """
        self._private = private
        self._busy: Counter[str] = Counter()
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(_TIMEOUT_SECONDS, connect=_CONNECT_SECONDS),
            # Connections are not reused, since another name may resolve to the same address.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            verify=ssl.create_default_context(),
        )

    async def send(self, url: str, content: bytes, headers: dict[str, str]) -> int:
        """Sends a webhook once.

        Args:
            url: URL of the receiver.
            content: Body of the message.
            headers: Headers of the message.

        Returns:
            The HTTP status of the response; its body is not read.

        Raises:
            BusyError: The limit of concurrent webhooks to this host is reached.
            RefusedError: Webhooks may not be sent to this address.
            OSError: The host name cannot be resolved.
            TimeoutError: The request took too long.
            httpx.HTTPError: The request failed.
        """
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise RefusedError(str(error)) from error
        if not target.host:
            raise RefusedError("the URL has no host")
        port = target.port or (443 if target.scheme == "https" else 80)
        with self._slot(target.host):
            async with asyncio.timeout(_TIMEOUT_SECONDS):
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
    def _slot(self, host: str) -> Iterator[None]:
        """Counts a request to a host, so that a silent host delays only its own webhooks."""
        if self._busy[host] >= _MAX_PER_HOST:
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
