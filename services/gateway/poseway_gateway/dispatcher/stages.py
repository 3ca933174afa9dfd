"""Where the time of a job goes: what its stages take, measured and traced."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import prometheus_client

from poseway.telemetry import traces

_SECONDS: Final = prometheus_client.Histogram(
    "poseway_stage_seconds",
    "Time of a piece of work: a batch decoded or in inference, a segment tracked or rendered, a "
    "job joined or published.",
    ["stage"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
for _stage in ("decode", "inference", "tracking", "rendering", "joining", "publishing"):
    _SECONDS.labels(_stage)  # so that a stage that never ran is there, as nothing


def spent(stage: str, seconds: float) -> None:
    """Counts a piece of work that is done."""
    _SECONDS.labels(stage).observe(seconds)


@contextmanager
def working(stage: str) -> Iterator[None]:
    """Counts the block as a piece of work, if it gets done."""
    began = time.perf_counter()
    with traces.tracer.start_as_current_span(stage):
        yield
    spent(stage, time.perf_counter() - began)
