"""``poseway tracks``: plots who is seen when."""

from pathlib import Path
from typing import Annotated

import typer

from poseway.cli.terminal import console, fail
from poseway.errors import PosewayError


def tracks(
    file: Annotated[
        Path, typer.Argument(help="tracks.json, keypoints.jsonl, or a folder with one of them.")
    ],
    svg: Annotated[Path | None, typer.Option(help="Also draw the plot into this SVG file.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the content of tracks.json instead.")
    ] = False,
) -> None:
    """Shows who is seen when: a row per track, with gaps where the person is not seen."""
    from poseway.cli import presence_plot
    from poseway.formats.tracks_reader import read

    try:
        presence_plot.show(console, read(file), file.resolve().name, svg=svg, json=json)
    except PosewayError as error:
        fail(error)
