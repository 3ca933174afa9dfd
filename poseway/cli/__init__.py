"""The ``poseway`` command."""

import typer

from poseway.cli.measure import evaluate, evaluate_tracking
from poseway.cli.run import run
from poseway.cli.system import up
from poseway.cli.tracks import tracks

app = typer.Typer(
    help="Video in, skeletons out.", no_args_is_help=True, pretty_exceptions_enable=False
)
for command in (up, run, evaluate, evaluate_tracking, tracks):
    app.command()(command)
