"""``poseway submit``: uploads videos without waiting for the results."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from poseway import filenames
from poseway.cli.options import job_options
from poseway.cli.parameters import with_argument, with_client
from poseway.cli.progress import bars, failure, follow, upload
from poseway.cli.result import print_json, print_paths
from poseway.cli.terminal import Exit, Json, exit_code, say
from poseway.client import Client
from poseway.errors import PosewayError, UnavailableError
from poseway.jobs import Job


@with_client()
@with_argument("options", job_options)
def submit(
    videos: Annotated[
        list[Path],
        typer.Argument(help="One or more videos or images.", exists=True, dir_okay=False),
    ],
    client: Client,
    options: dict[str, object],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the jobs have ended.")] = False,
    once: Annotated[
        str | None,
        typer.Option(
            metavar="WORD",
            help="Repeating the command with the same word within a day makes no second job and "
            "resumes an interrupted upload.",
        ),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="URL to notify when a job ends.")
    ] = None,
    json: Json = False,
) -> None:
    """Uploads videos and prints the ids of their jobs."""
    jobs: list[Job] = []
    failed: list[PosewayError] = []
    with bars() as shown:
        for number, video in enumerate(videos):
            send = partial(
                client.submit,
                video,
                options,
                webhook_url=webhook,
                idempotency_key=once and f"{once}-{number}",
            )
            try:
                jobs.append(upload(shown, video, send))
            except UnavailableError:
                raise  # the next upload would fail, too
            except PosewayError as error:
                # If one video is rejected, the others are still uploaded.
                message = f"{filenames.shown(video.name)}: {error.message}"
                failed.append(type(error)(message, error.code))
        if wait:
            jobs = [follow(shown, client, job) for job in jobs]
            failed += filter(None, map(failure, jobs))
    if json:
        print_json([job.model_dump(mode="json") for job in jobs])
    else:
        print_paths([job.id for job in jobs])
    for problem in failed:
        say(problem)
    sys.exit(exit_code(failed[0]) if failed else Exit.OK)
