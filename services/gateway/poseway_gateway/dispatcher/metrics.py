"""What a dispatcher counts of the jobs that it is given."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from poseway.jobs import JobState

_SECONDS: Final = (
    *(0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 150.0, 300.0, 600.0),
    *(1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0, 86_400.0),
)

ENDED: Final = Counter(
    "poseway_jobs_ended", "Jobs that ended; the code is that of what failed.", ["state", "code"]
)
IN_HAND: Final = Gauge("poseway_jobs_in_hand", "Jobs that a dispatcher is at work on.")
WAIT_SECONDS: Final = Histogram(
    "poseway_job_wait_seconds", "Time from accepting a job to beginning it.", buckets=_SECONDS
)
JOB_SECONDS: Final = Histogram(
    "poseway_job_seconds", "Time from accepting a job to its end.", ["state"], buckets=_SECONDS
)
DELIVERIES: Final = Counter(
    "poseway_job_deliveries",
    "Jobs taken from the queue, by what became of them: ended; handed_back, which costs nothing; "
    "broken, which counts as an attempt; lost to another dispatcher; elsewhere, where another is "
    "at it; removed.",
    ["result"],
)
REDELIVERIES: Final = Counter("poseway_job_redeliveries", "Jobs begun that had been begun before.")
FRAMES: Final = Counter("poseway_frames_processed", "Frames of finished jobs.")

# A rate has its first value at the second look, so what did not happen yet is there as nothing.
for _state in JobState:
    if _state.finished:
        JOB_SECONDS.labels(_state.value)
        ENDED.labels(_state.value, "too_many_attempts" if _state is JobState.FAILED else "")
for _result in ("ended", "handed_back", "broken", "lost", "elsewhere", "removed"):
    DELIVERIES.labels(_result)
