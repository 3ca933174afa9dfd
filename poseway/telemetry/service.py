"""Starts and stops the logs, metrics and traces of a service."""

import prometheus_client

from poseway.settings import Settings
from poseway.telemetry import logs, traces


def start_telemetry(service: str, settings: Settings) -> None:
    """Starts logging, and, if the settings ask for them, traces and /metrics.

    ``structlog.contextvars.bound_contextvars(job=...)`` adds the job's id to every line logged
    within. A command that may run beside a service, with its settings, calls `logs.start` alone.

    Args:
        service: Name of the service, in every log line and trace.
        settings: Level of the logs, port of the metrics, endpoint of the traces.
    """
    logs.start(service, settings.log_level)
    # Creation times would double the number of series, and no rule uses them.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    if settings.metrics_port:
        prometheus_client.start_http_server(settings.metrics_port)
    if settings.traces_endpoint:
        traces.start(service, settings.traces_endpoint)


def stop_telemetry() -> None:
    """Sends the last spans, for at most `traces.STOP_SECONDS`."""
    traces.stop()
