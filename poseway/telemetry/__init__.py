"""Logs, metrics and traces, the same in every service."""

import prometheus_client

from poseway.settings import Settings
from poseway.telemetry import logs, traces


def start(service: str, settings: Settings) -> None:
    """Begins to log, and to trace and to serve /metrics if asked to.

    ``structlog.contextvars.bound_contextvars(job=...)`` adds the job id to every line within. A
    command that may run beside a service, with its settings, calls `logs.start` alone.

    Args:
        service: Name of the service, in every line and trace.
        settings: Level of the logs, port of the metrics, where traces go.
    """
    logs.start(service, settings.log_level)
    # When each series began: as many again, and nobody asks.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    if settings.metrics_port:
        prometheus_client.start_http_server(settings.metrics_port)
    if settings.traces_endpoint:
        traces.start(service, settings.traces_endpoint)


def stop() -> None:
    """Sends what there is of traces, for a few seconds at most."""
    traces.stop()
