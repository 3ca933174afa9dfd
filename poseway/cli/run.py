"""``poseway run``: processes a video and puts the result into a folder."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from poseway.cli import result
from poseway.cli.options import job_options, more_files
from poseway.cli.parameters import with_argument, with_client
from poseway.cli.progress import bars, failure, follow, upload
from poseway.cli.terminal import Json
from poseway.client import Client
from poseway.jobs import Job


@with_client(starts=True)
@with_argument("options", job_options)
@with_argument("also", more_files)
def run(
    video: Annotated[
        Path, typer.Argument(help="A video or an image.", exists=True, dir_okay=False)
    ],
    client: Client,
    options: dict[str, object],
    also: list[str],
    output: Annotated[
        Path, typer.Option(help="Folder in which a folder for the result is made.")
    ] = Path("outputs"),
    json: Json = False,
) -> None:
    """Processes a video, on this machine unless --url is given; starts the system if needed."""
    job = _process(client, video, options)
    manifest = client.manifest(job.id)
    folder = result.target(output, manifest.source)
    files = result.fetch(client, job, folder, also=also)
    if json:
        result.show(job, manifest, folder, files)
    else:
        result.summarise(manifest, folder)


def _process(client: Client, video: Path, options: dict[str, object]) -> Job:
    """Runs a job and returns it once it has succeeded; cancels it if interrupted."""
    with bars() as shown:
        job = upload(shown, video, partial(client.submit, video, options))
        try:
            job = follow(shown, client, job)
        except KeyboardInterrupt:
            client.cancel(job.id)
            raise
    if error := failure(job):
        raise error
    return job
