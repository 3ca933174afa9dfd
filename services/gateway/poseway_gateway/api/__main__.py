"""``python -m poseway_gateway.api``: serves the API until it receives SIGTERM or SIGINT."""

import poseway.lifecycle.sigterm  # noqa: F401 # before all that takes long to import

# isort: split

import asyncio
import resource
import socket
import sys
from contextlib import suppress
from typing import Final

import uvicorn
from fastapi import FastAPI

from poseway.telemetry.service import start_telemetry, stop_telemetry
from poseway_gateway.api.access.startup_checks import check, warn_of_proxies
from poseway_gateway.api.app import create_app
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.api.web.h11_protocol import HEAD_BYTES, connection_class

_FILES: Final = 65_536


class Server(uvicorn.Server):
    """A server that ends event streams before it drains, since they would never end themselves."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends event streams, drains all requests and flushes telemetry."""
        self._app.state.stopping.set()
        await super().shutdown(sockets)
        # Flushed here: once `run` ends, uvicorn raises the signal again, which ends the process.
        await asyncio.to_thread(stop_telemetry)


def _allow_many_files() -> None:
    """Raises the limit of open files, which every connection counts towards.

    The usual limit of 1,024 exists for old programs that use ``select``.
    """
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    # macOS enforces a lower limit than the one that it reports.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit, wanted), most))


if __name__ == "__main__":
    settings = ApiSettings()
    _allow_many_files()
    start_telemetry("api", settings)
    warn_of_proxies(settings)
    check(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=settings.grace_seconds,
        server_header=False,
        http=connection_class(settings.head_seconds),
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
    )
    server = Server(config, app)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)
