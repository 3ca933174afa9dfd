"""Metrics of the dispatcher: its jobs, and the time that each stage takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from poseway.jobs import JobState
from poseway.telemetry import traces

_SECONDS: Final = (
    *(0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 150.0, 300.0, 600.0),
    *(1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0, 86_400.0),
)

ENDED: Final = Counter(
    "poseway_jobs_ended", "Jobs that ended, by final state and error code.", ["state", "code"]
)
IN_HAND: Final = Gauge("poseway_jobs_in_hand", "Jobs that a dispatcher is working on.")
WAIT_SECONDS: Final = Histogram(
    "poseway_job_wait_seconds", "Time from accepting a job to starting it.", buckets=_SECONDS
)
JOB_SECONDS: Final = Histogram(
    "poseway_job_seconds", "Time from accepting a job to its end.", ["state"], buckets=_SECONDS
)
DELIVERIES: Final = Counter(
    "poseway_job_deliveries",
    "Jobs taken from the queue, by outcome: ended; handed_back, not counted as an attempt; broken, "
    "counted as an attempt; lost to another dispatcher; elsewhere, leased by another dispatcher; "
    "removed.",
    ["result"],
)
REDELIVERIES: Final = Counter(
    "poseway_job_redeliveries", "Attempts at jobs that had been started before."
)
FRAMES: Final = Counter("poseway_frames_processed", "Frames of jobs that succeeded.")
FRAMES_FOUND: Final = Counter(
    "poseway_frames_found", "Frames processed by inference, counted while jobs run."
)

_STAGE_SECONDS: Final = Histogram(
    "poseway_stage_seconds",
    "Time per unit of work: a batch for decode and inference, a segment for tracking and "
    "rendering, a job for joining and publishing.",
    ["stage"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)

# A rate needs two samples, so every series exists from the start, with the value 0.
for _state in JobState:
    if _state.finished:
        JOB_SECONDS.labels(_state.value)
        ENDED.labels(_state.value, "too_many_attempts" if _state is JobState.FAILED else "")
for _result in ("ended", "handed_back", "broken", "lost", "elsewhere", "removed"):
    DELIVERIES.labels(_result)
for _stage in ("decode", "inference", "tracking", "rendering", "joining", "publishing"):
    _STAGE_SECONDS.labels(_stage)


def spent(stage: str, seconds: float) -> None:
    """Records the time of a completed unit of work."""
    _STAGE_SECONDS.labels(stage).observe(seconds)


@contextmanager
def working(stage: str) -> Iterator[None]:
    """Times the block as a unit of work and traces it. Records nothing if it raises."""
    began = time.perf_counter()
    with traces.tracer.start_as_current_span(stage):
        yield
    spent(stage, time.perf_counter() - began)
