"""Every command in README.md and docs/ is run on the real system.

Targets of make that are not run are listed with the reason.
The blocks of a page run in order in one shell, so a variable of one is there in the next.
"""

import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from poseway.local.stack import Stack
from tests.support.blocks import PAGES, ROOT, RUN, SHOWN, blocks, script
from tests.support.paths import python_path
from tests.support.videos import shorten

# Placeholders in the pages for the running system.
URL = "http://127.0.0.1:8080"
# An address without a server, so that no test connects to another machine.
STANDS_FOR = {"https://example.org/poseway": "http://127.0.0.1:9/poseway"}

# Targets of make that run as documented, except for set-up steps already done.
MADE = ("run", "up")
DONE_BEFORE = (
    "weights",
    "sample",
    "poseway/v1/.generated",
    "pyproject.toml",
    "requirements/run.lock",
)
# Parts of the checkout that commands use.
LINKED = (
    ".venv",
    "Makefile",
    "models",
    "poseway",
    "proto",
    "pyproject.toml",
    "requirements",
    "services",
)

# The others prepare the test environment or run for minutes; `make -n` shows that they exist and
# accept their arguments.
NOT_MADE = {
    "test": "it is what runs this",
    "models": "it downloads 144 MB; tests/unit/poseway/local/test_downloads.py fetches",
    "evaluate": "needs labelled images; tests/evaluation runs it on its own",
    "evaluate-tracking": "needs labelled sequences; tests/evaluation runs it on its own",
    "evaluate-ids": "takes minutes",
    "bench": "takes twelve minutes",
    "images": "builds for many minutes; tests/system/containers builds them when it is asked for",
    "audit": "asks a service outside; tests/unit/requirements/test_audit.py has one of its own",
    "sbom": "needs an engine that builds; tests/system/containers makes them when it is asked for",
    "base-image": "needs root and debootstrap; tests/system/containers makes one when asked",
    "test-containers": "needs podman, and builds for many minutes",
    "pictures": "it makes the pictures that the pages show anew",
    "tables": "tests/unit/tools/test_tables.py compares what it writes",
}


def page_id(page: Path) -> str:
    return page.name


@pytest.fixture
def folder(tmp_path: Path, sample: Path) -> Path:
    """A copy of the parts of the checkout that commands use, with short videos."""
    for name in LINKED:
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "build" / "sample").mkdir(parents=True)
    short = tmp_path / "build" / "sample" / sample.name
    shorten(sample, short, Fraction(1, 2))
    for name in ("my.mp4", "other.mp4"):
        shutil.copy(short, tmp_path / name)
    return tmp_path


def environment(stack: Stack, folder: Path) -> dict[str, str]:
    programs = f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    # Operators' settings, for commands other than the client's.
    return (
        os.environ
        | stack.env
        | {
            "PATH": programs,
            "PYTHONPATH": python_path(ROOT),
            "POSEWAY_DATA_DIR": str(stack.data_dir),
            "no_proxy": "127.0.0.1",
            "COLUMNS": "200",
        }
    )


def make_function() -> str:
    """Replaces make: skips set-up and only dry-runs slow targets."""
    old = " ".join(f"--old-file={name}" for name in DONE_BEFORE)
    return (
        "make() { case $1 in "
        f'{"|".join(MADE)}) command make --silent {old} "$@";; '
        f'{"|".join(NOT_MADE)}) command make -n "$@" > /dev/null;; '
        '*) echo "make $1 is not listed" >&2; return 1;; esac; }\n'
    )


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_the_commands_on_a_page_work(page: Path, stack: Stack, folder: Path) -> None:
    wanted = [block for block in blocks(page) if block.kind in RUN]
    if not wanted:
        return
    text = "".join(map(script, wanted))
    for shown, meant in {URL: stack.gateway_url, **STANDS_FOR}.items():
        text = text.replace(shown, meant)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail"],
        input=make_function() + text,
        cwd=folder,
        env=environment(stack, folder),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"


@pytest.mark.essential
@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_command_block_is_run(page: Path) -> None:
    for block in blocks(page):
        assert block.kind in (*RUN, *SHOWN), f"{block} is {block.kind}: neither run nor shown"
