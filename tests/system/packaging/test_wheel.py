"""Contents of the installed wheel: packages named poseway, and types for the client."""

import importlib.util
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from poseway.paths import ROOT

PACKAGES = (
    "poseway",
    "poseway_gateway",
    "poseway_inference",
    "poseway_renderer",
    "poseway_tracker",
)
PROGRAM = """
from poseway.client import Client


def addresses(client: Client) -> list[str]:
    return [client.url, *(job.id for job in client.jobs())]
"""
MISTAKE = """

def number(client: Client) -> int:
    return client.url
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without a network."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, and its dependencies from the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, *install], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def checked(python: Path, folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Output of mypy for a program that uses the installed packages."""
    (folder / "program.py").write_text(program)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    return subprocess.run(
        [*mypy, "program.py"],
        cwd=folder,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.essential
def test_every_package_is_named_poseway(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


@pytest.mark.essential
def test_programs_find_the_types_of_the_client(python: Path, tmp_path: Path) -> None:
    right = checked(python, tmp_path, PROGRAM)
    assert right.returncode == 0, right.stdout
    wrong = checked(python, tmp_path, PROGRAM + MISTAKE)
    (error,) = [line for line in wrong.stdout.splitlines() if ": error:" in line]
    assert 'got "str", expected "int"' in error


def test_the_client_is_imported_from_the_wheel(python: Path, tmp_path: Path) -> None:
    code = "import poseway.client; print(poseway.client.__file__)"
    env = {"PATH": ""}
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.stdout.startswith(str(python.parents[1])), done.stderr
