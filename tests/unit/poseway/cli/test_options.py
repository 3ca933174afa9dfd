"""The command's options are those of a job, and the export formats."""

import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from poseway.cli import app
from poseway.cli.options import job_options, more_files
from poseway.formats.exports import FORMATS
from poseway.jobs import JobOptions, Overlay

# Flags that scripts use stay, even if fields of `JobOptions` are renamed.
FLAGS = {
    "--accurate",
    "--angles",
    "--assume-frame-rate",
    "--audio",
    "--audio-stream",
    "--background",
    "--boxes",
    "--coco",
    "--crf",
    "--csv",
    "--line-width",
    "--max-people",
    "--max-resolution",
    "--model",
    "--no-ids",
    "--openpose",
    "--overlay",
    "--scores",
    "--screenshot-frames",
    "--screenshot-seconds",
    "--smoothing",
    "--trails",
    "--trc",
    "--video-stream",
}


def parsed(command: str, *words: str) -> dict[str, Any]:
    """Returns the parameters that Typer makes of a command line."""
    group: Any = typer.main.get_command(app)
    context = group.commands[command].make_context(command, list(words))
    return dict(context.params)


def options(*words: str) -> JobOptions:
    """Returns the options of a job that a command line asks for."""
    params = parsed("submit", __file__, *words)
    own = {name: params[name] for name in JobOptions.model_fields}
    return JobOptions.model_validate(job_options(**own))


def test_command_has_the_flags_that_scripts_use() -> None:
    group: Any = typer.main.get_command(app)
    params = group.commands["run"].params
    flags = {flag for param in params for flag in (*param.opts, *param.secondary_opts)}
    assert flags >= FLAGS


def test_every_option_of_a_job_and_every_format_has_a_flag_and_a_help_text() -> None:
    group: Any = typer.main.get_command(app)
    helps = {param.name: param.help for param in group.commands["run"].params if param.name}
    for name in (*JobOptions.model_fields, *(made.name for made in FORMATS)):
        assert helps[name], name
    assert "--screenshot-seconds" in helps["screenshot_frames"]


def test_defaults_of_the_command_are_those_of_a_job() -> None:
    assert options() == JobOptions()


def test_options_arrive_as_given() -> None:
    words = ("--no-ids", "--accurate", "--overlay", "black", "--crf", "30", "--line-width", "2.5")
    expected = JobOptions(ids=False, accurate=True, overlay=Overlay.BLACK, crf=30, line_width=2.5)
    assert options(*words) == expected


@pytest.mark.parametrize("command", ["run", "get"])
def test_export_formats_are_chosen_by_flags(command: str) -> None:
    params = parsed(command, __file__, "--csv", "--trc")
    assert more_files(**{made.name: params[made.name] for made in FORMATS}) == ["csv", "trc"]


@pytest.mark.parametrize("words", [("--overlay", "purple"), ("--crf", "low"), ("--no-accurate",)])
def test_a_wrong_command_line_exits_with_2(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, ["submit", __file__, *words]).exit_code == 2


def test_command_starts_without_numpy_and_protobuf() -> None:
    code = (
        "import sys; sys.modules |= dict.fromkeys(('numpy', 'google.protobuf'));"
        "from poseway.cli import app; app(['run', '--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--csv" in done.stdout
