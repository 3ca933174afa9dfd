"""Structured logs and metrics, the same in every service."""

import logging
import sys

import prometheus_client
import structlog

from poseway.settings import Settings


def start(service: str, settings: Settings) -> None:
    """Sends logs to standard error as one JSON object a line, and serves /metrics if asked to.

    Logs of libraries go the same way. ``structlog.contextvars.bound_contextvars(job=...)`` adds the
    job id to every line within.

    Args:
        service: Name of the service, in every line.
        settings: Level of the logs and port of the metrics.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _named(service),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for chatty in ("botocore", "boto3", "urllib3", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if settings.metrics_port:
        prometheus_client.start_http_server(settings.metrics_port)


def _named(service: str) -> structlog.typing.Processor:
    def add(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {"service": service, **event}

    return add
