"""``python -m services.gateway.api``: serves until it is told to stop."""

import uvicorn

from poseway import telemetry
from services.gateway.api.app import create_app
from services.gateway.api.settings import ApiSettings

if __name__ == "__main__":
    settings = ApiSettings()
    telemetry.start("api", settings)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=settings.grace_seconds,
        server_header=False,
    )
