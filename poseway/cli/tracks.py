"""``poseway tracks``."""

from pathlib import Path
from typing import Annotated

import typer

from poseway.cli.terminal import console, fail
from poseway.errors import PosewayError


def tracks(
    file: Annotated[Path, typer.Argument(help="keypoints.jsonl, tracks.json or their folder.")],
    svg: Annotated[Path | None, typer.Option(help="Draw them into this SVG file too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what tracks.json holds.")] = False,
) -> None:
    """Shows who is in the picture when: a row per track, a gap where it is not seen."""
    from poseway.cli import presence_plot
    from poseway.formats.tracks_reader import read

    try:
        presence_plot.show(console, read(file), file.resolve().name, svg=svg, json=json)
    except PosewayError as error:
        fail(error)
