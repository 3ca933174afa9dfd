"""``poseway list``, ``watch``, ``get`` and ``delete``."""

import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from poseway.cli import result
from poseway.cli.options import more_files
from poseway.cli.parameters import with_argument, with_client
from poseway.cli.progress import bars, failure, follow, note
from poseway.cli.terminal import Exit, Json, console, notes
from poseway.client import Client
from poseway.filenames import shown
from poseway.jobs import Job, JobState

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.", show_default=False)]


@with_client()
def list_jobs(
    client: Client,
    state: Annotated[
        list[JobState] | None, typer.Option(help="List only jobs in this state; may be repeated.")
    ] = None,
    search: Annotated[str, typer.Option(help="List only jobs whose name contains this.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Largest number of jobs to list.")] = 100,
    json: Json = False,
) -> None:
    """Lists jobs, newest first."""
    jobs = list(islice(client.jobs(states=state or (), search=search), limit))
    if json:
        result.print_json([job.model_dump(mode="json") for job in jobs])
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("job", no_wrap=True, min_width=32)  # an id must be whole to be of use
    for name in ("video", "state", "created"):
        table.add_column(name, overflow="fold")
    for job in jobs:
        made = job.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(job.id, escape(shown(job.name)), escape(_standing(job)), made)
    console.print(table, soft_wrap=not console.is_terminal)


def _standing(job: Job) -> str:
    if job.error is not None:
        return f"failed: {job.error.code}"
    return f"{job.progress.fraction:.0%}, {note(job)}" if not job.state.finished else note(job)


@with_client()
def watch(job: JobId, client: Client, json: Json = False) -> None:
    """Shows the progress of a job until it ends."""
    last = client.job(job)
    if json:
        for last in client.watch(job):
            console.print(last.model_dump_json(), markup=False, highlight=False, soft_wrap=True)
    else:
        with bars() as shown:
            last = follow(shown, client, last)
    if error := failure(last):
        raise error
    if not json:
        console.print(
            f"[green]Done.[/] Fetch the result with: poseway get {last.id}", soft_wrap=True
        )


@with_client()
@with_argument("also", more_files)
def get(
    job: JobId,
    client: Client,
    also: list[str],
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder for the result; outputs/NAME if not given.", show_default=False
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Fetch only this file: video.mp4, csv, 'stills/*' …; may be repeated.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Downloads the result of a job into a folder."""
    found = client.job(job)
    if found.state.finished and (error := failure(found)):
        raise error
    manifest = client.manifest(job)
    folder = folder or result.target(Path("outputs"), manifest.source)
    files = result.fetch(
        client, found, folder, only=[*(only or ()), *also] if only else (), also=also
    )
    if json:
        result.show(found, manifest, folder, files)
    elif only:
        result.print_paths(files)
    else:
        result.summarise(manifest, folder)


@with_client()
def delete(
    jobs: Annotated[list[str], typer.Argument(metavar="JOB…", help="Ids of the jobs.")],
    client: Client,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    json: Json = False,
) -> None:
    """Removes jobs with their results, cancelling unfinished ones first."""
    names = {job: shown(client.job(job).name) for job in jobs}
    if not yes:
        _confirm(f"Remove {', '.join(names.values())} with all results?")
    for job in names:
        client.delete(job)
    if json:
        result.print_json({"deleted": list(names)})
    else:
        console.print(f"Removed {len(names)}.")


def _confirm(question: str) -> None:
    """Asks on standard error and ends the command unless the answer is yes."""
    notes.print(f"{question} [y/N]", markup=False, highlight=False, end=" ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        notes.print("Nothing was removed.")
        sys.exit(Exit.ERROR)
