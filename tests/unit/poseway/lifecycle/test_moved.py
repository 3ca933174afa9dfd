"""Modules that documents named before they moved still start, and name their new place."""

import os
import subprocess
import sys

import pytest

MOVED = {
    "poseway.local.fetch": "poseway.local.downloads",
    "services.gateway.api": "poseway_gateway.api",
    "services.gateway.dispatcher": "poseway_gateway.dispatcher",
    "services.gateway.keys": "poseway_gateway.admin.keys",
    "services.gateway.requeue": "poseway_gateway.admin.requeue",
    "services.inference": "poseway_inference",
    "services.renderer": "poseway_renderer",
    "services.tracker": "poseway_tracker",
    "services.tracker.mot": "poseway_tracker.mot_cli",
}
# Commands print their usage; services start until they read this setting, which is wrong.
ENV = {"POSEWAY_LOG_LEVEL": "nonsense"}


@pytest.mark.parametrize(("was", "module"), MOVED.items(), ids=MOVED)
def test_a_module_that_has_moved_runs_under_its_old_name(was: str, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", was, "--no-such-option"],
        env=os.environ | ENV,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    first, rest = done.stderr.split("\n", 1)
    assert first == f"{was} is now {module}; please start that."
    assert done.returncode != 0
    assert "usage: " in rest.lower() or "Unknown level: 'NONSENSE'" in rest
