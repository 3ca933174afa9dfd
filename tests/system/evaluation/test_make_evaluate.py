"""`make evaluate`."""

import os
import subprocess
from pathlib import Path

import pytest

from poseway.paths import ROOT


def said(program: Path) -> None:
    """Makes a program that prints its arguments, one per line."""
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)


def test_make_evaluate_takes_any_path(tmp_path: Path) -> None:
    said(tmp_path / "poseway")
    said(tmp_path / "python")
    images, annotations = tmp_path / 'my "best" [1]', tmp_path / "it's all.json"
    done_before = ("poseway/v1/.generated", ".venv/.evaluate")
    command = ["make", "--silent", "evaluate", *(f"--old-file={name}" for name in done_before)]
    command += [f"BIN={tmp_path}", f"IMAGES={images}", f"ANNOTATIONS={annotations}"]
    command += ["MODEL=some model", "ARGS=--accurate"]
    without = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert without.returncode != 0
    assert "make evaluate IMAGES=" in without.stderr
    assert not without.stdout
    images.mkdir()
    annotations.touch()
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        *("-m", "poseway.local.downloads", "weights", "some model"),
        "evaluate",
        *("--images", str(images), "--annotations", str(annotations)),
        *("--model", "some model", "--accurate"),
    ]
    default = [word for word in command if not word.startswith("MODEL=")]
    env = {name: value for name, value in os.environ.items() if name != "MODEL"}
    run = subprocess.run(default, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[3] == "default"
    assert "--model" not in run.stdout


@pytest.mark.parametrize(("extra", "size"), [("evaluate", "13 MB"), ("openvino", "60 MB")])
def test_installations_are_announced(tmp_path: Path, extra: str, size: str) -> None:
    said(tmp_path / "python")
    words = ["make", "--silent", f"--old-file={tmp_path}/.run", f"{tmp_path}/.{extra}"]
    words += [f"VENV={tmp_path}", f"BIN={tmp_path}"]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    before, _, installing = run.stdout.partition("-m\npip\ninstall\n")
    assert size in before
    assert f"requirements/{extra}.lock" in installing
