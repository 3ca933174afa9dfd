"""The hooks for pre-commit download nothing: they run what `make` has installed."""

import os
import shlex
from typing import Any, Final

import pytest
import yaml

from poseway.paths import ROOT

_REPOSITORIES: Final[list[dict[str, Any]]] = yaml.safe_load(
    (ROOT / ".pre-commit-config.yaml").read_text()
)["repos"]
_HOOKS: Final[list[dict[str, Any]]] = [h for repo in _REPOSITORIES for h in repo["hooks"]]


def test_all_hooks_are_local() -> None:
    assert [repo["repo"] for repo in _REPOSITORIES] == ["local"]


@pytest.mark.parametrize("hook", _HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_runs_an_installed_tool(hook: dict[str, Any]) -> None:
    assert hook["language"] == "system"
    program = ROOT / shlex.split(hook["entry"])[0]
    assert program.parent == ROOT / ".venv" / "bin"
    assert os.access(program, os.X_OK), f"{program} is not installed"
