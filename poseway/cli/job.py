"""A job from the command line: a video goes in, its result into a folder."""

import hashlib
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from poseway.cli.terminal import console
from poseway.client import Client
from poseway.errors import PosewayError
from poseway.jobs import Job, JobState
from poseway.manifest import Manifest

# Whether there are any, and how many, depends on the options.
_OPTIONAL: Final = ("screenshots/frame_*.jpg", "stills/person_*.jpg", "background.mp4")


def process(client: Client, video: Path, options: dict[str, str]) -> Job:
    """Submits a video and shows how it goes until it is done."""
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console) as bars:
        size = video.stat().st_size
        upload = bars.add_task("upload", total=size or 1, note="")
        job = client.submit(video, options, lambda sent: bars.update(upload, completed=sent))
        bars.update(upload, completed=size or 1)
        work = bars.add_task("process", total=1.0, note="queued")
        try:
            for job in client.watch(job.id):  # noqa: B020 # the last one counts
                bars.update(work, completed=job.progress.fraction, note=_note(job))
        except KeyboardInterrupt:
            client.cancel_or_remove(job.id)
            raise
    if job.state is not JobState.SUCCEEDED:
        error = job.error
        if error is None:
            raise PosewayError("The job was cancelled.", "cancelled")
        raise PosewayError(error.message, error.code)
    return job


def _note(job: Job) -> str:
    if job.state is not JobState.RUNNING:
        return job.state.value
    progress = job.progress
    frames = f"{progress.frames_done}/{progress.frames_total or '?'} frames"
    if progress.eta_seconds is None:
        return frames
    minutes, seconds = divmod(round(progress.eta_seconds), 60)
    return f"{frames}, {minutes}:{seconds:02d} left"


def target(output: Path, video: Path) -> Path:
    """The folder for a video's result; one that holds another video's result is left alone."""
    with video.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    number = 1
    while True:
        target = output / (video.stem if number == 1 else f"{video.stem}-{number}")
        if not target.exists() or _holds(target, sha256):
            return target
        number += 1


def _holds(target: Path, sha256: str) -> bool:
    try:
        manifest = Manifest.model_validate_json((target / "manifest.json").read_text())
    except (OSError, ValueError):
        return False
    return manifest.source.sha256 == sha256


def fetch(client: Client, job: Job, target: Path, extras: list[str]) -> Manifest:
    """Puts a job's result into a folder.

    Args:
        client: Where to fetch it from.
        job: The job; it succeeded.
        target: The folder.
        extras: Names of links of the job whose files are wanted besides those of the manifest.
    """
    manifest = client.manifest(job.id)
    with console.status("Fetching the result…"):
        # Of an earlier run nothing stays, its manifest least: it would speak of other files.
        names = {link.rsplit("/", 1)[-1] for link in job.links.values()} | {"manifest.json"}
        old = [path for pattern in _OPTIONAL for path in target.glob(pattern)]
        for path in [*old, *(target / name for name in names)]:
            if path.is_file():
                path.unlink()
        for file in manifest.files:
            path = target / file.path
            if not path.resolve().is_relative_to(target.resolve()):
                raise PosewayError(f"The manifest names a file outside: {file.path}", "internal")
            client.download(f"{job.links['self']}/{file.path}", path)
        for name in extras:
            client.download(job.links[name], target / job.links[name].rsplit("/", 1)[-1])
        client.download(job.links["manifest"], target / "manifest.json")
    return manifest


def summarise(manifest: Manifest, target: Path) -> None:
    """Says what came of a job, and which files are there."""
    people = f"{manifest.people} {'person' if manifest.people == 1 else 'people'} at once"
    seconds = manifest.seconds["total"]
    model = manifest.model
    how = ", accurate," if manifest.options.accurate else ""
    console.print(
        f"[green]Done:[/] {manifest.frames} frames, {people}, {seconds:.1f} s "
        f"({manifest.frames / seconds:.1f} frames/s) "
        + escape(f"with {model.name}{how} on {model.device} ({model.precision})")
    )
    for warning in manifest.warnings:
        console.print(f"[yellow]{escape(warning)}[/]", highlight=False)
    for name in sorted(path.name + "/" * path.is_dir() for path in target.iterdir()):
        shown = f"  {target / name}" + "/" * name.endswith("/")
        console.print(shown, markup=False, highlight=False, soft_wrap=True)
