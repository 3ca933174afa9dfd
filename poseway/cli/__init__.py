"""The ``poseway`` command."""

import typer

from poseway.cli.doctor import doctor
from poseway.cli.jobs import delete, get, list_jobs, watch
from poseway.cli.keys import app as keys
from poseway.cli.measure import evaluate, evaluate_tracking
from poseway.cli.models import models
from poseway.cli.run import run
from poseway.cli.submit import submit
from poseway.cli.system import up
from poseway.cli.terminal import EPILOG
from poseway.cli.tracks import tracks

app = typer.Typer(
    help="Video in, skeletons out.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (run, up, submit, watch):
    app.command()(command)
app.command("list")(list_jobs)
for command in (get, delete, evaluate, evaluate_tracking, tracks):
    app.command()(command)
app.add_typer(models, name="models")
app.command()(doctor)
app.add_typer(keys, name="keys")
