"""Progress bars of uploads and jobs."""

from collections.abc import Callable
from pathlib import Path

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from poseway.cli.terminal import JobFailedError, notes
from poseway.client import Client
from poseway.filenames import shown
from poseway.jobs import Job, JobState


class _Note(ProgressColumn):
    """The note of a bar, or else its megabytes per second and the time left."""

    def render(self, task: Task) -> Text:
        note = task.fields.get("note")
        if note is None and task.speed and task.remaining:
            left = clock(task.time_remaining or 0)
            note = f"{task.speed / 1e6:.1f} MB/s, {left} left"
        return Text(note or "")


def bars() -> Progress:
    """Makes progress bars on standard error."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        _Note(),
        console=notes,
    )


def upload(bars: Progress, video: Path, send: Callable[..., Job]) -> Job:
    """Uploads a video with a bar; `send` takes the callback for progress as `sent`."""
    task = bars.add_task(f"upload  {shown(video.name)}", total=video.stat().st_size or 1)
    return send(sent=lambda count, _: bars.update(task, completed=count))


def follow(bars: Progress, client: Client, job: Job) -> Job:
    """Shows the progress of a job until it ends, and returns the finished job."""
    task = bars.add_task(f"process {shown(job.name)}", total=1.0, note="queued")
    for job in client.watch(job.id):  # noqa: B020 # the last one is returned
        bars.update(task, completed=job.progress.fraction, note=note(job))
    return job


def note(job: Job) -> str:
    """Describes the status of a job in a few words."""
    if job.state is not JobState.RUNNING:
        return job.state.value
    progress = job.progress
    frames = f"{progress.frames_done}/{progress.frames_total or '?'} frames"
    if progress.eta_seconds is None:
        return frames
    return f"{frames}, {clock(progress.eta_seconds)} left"


def clock(seconds: float) -> str:
    """Formats a duration as minutes and seconds."""
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes}:{left:02d}"


def failure(job: Job) -> JobFailedError | None:
    """Returns the error of a finished job; None if it succeeded."""
    if job.state is JobState.SUCCEEDED:
        return None
    if job.error is None:
        return JobFailedError(f"The job {job.id} was cancelled.", "cancelled")
    return JobFailedError(job.error.message, job.error.code)
