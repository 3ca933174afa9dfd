"""A test's folder is its tier, and a unit test cannot depend on a running system."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from poseway.paths import ROOT

TEST = """
def test_of_the_page(client): ...
"""


@pytest.mark.parametrize(("tier", "collected"), [("unit", False), ("integration", True)])
def test_only_a_unit_test_that_needs_a_system_is_refused(
    tmp_path: Path, tier: str, *, collected: bool
) -> None:
    folder = tmp_path / "tests" / tier
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    (folder / "test_page.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", tier]
    pythonpath = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [*command, "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": pythonpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is collected, done.stdout
    assert ("depends on the fixture client, stack" in done.stdout) is not collected
