"""Fills an image's virtual environment during the build, run by a Python that has pip.

``install.py LOCK`` installs the packages of a lock file, deletes what no service reads, and
compiles the rest. ``install.py --compile FOLDER`` only compiles.
"""

import compileall
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

_VENV: Final = Path("/opt/venv")
_SECRET_CA: Final = Path("/run/secrets/ca")

# Parts of packages that no service reads.
_NOT_NEEDED: Final = (
    "**/tests",
    "**/*.pyi",
    "**/*.a",
    "tensorflow/include",
    "nvidia/*/include",
    "clang",
)
# The plotting libraries of filterpy, deleted where matplotlib is installed. Services without
# matplotlib decode images with Pillow.
_PLOTTING: Final = ("matplotlib", "fontTools", "PIL", "pillow.libs")
# botocore's descriptions of S3 and of signing in.
_CLIENTS: Final = ("s3", "sts", "sso", "sso-oidc", "signin")


def install(lock: str) -> None:
    """Installs the wheels of a lock file, verified by their hashes."""
    pip = [sys.executable, "-m", "pip", "--python", str(_VENV / "bin" / "python")]
    if _SECRET_CA.is_file() and _SECRET_CA.stat().st_size:
        pip += ["--cert", str(_SECRET_CA)]
    quietly = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
    only = ["--no-compile", "--only-binary=:all:", "--require-hashes", "-r", lock]
    subprocess.run([*pip, "install", *quietly, *only], check=True)  # noqa: S603 # fixed arguments


def leave_out(packages: Path) -> None:
    """Deletes the parts of packages that no service reads, as the tests of the images confirm."""
    plots = (packages / "matplotlib").is_dir()
    for pattern in (*_NOT_NEEDED, *(_PLOTTING if plots else ())):
        for path in sorted(packages.glob(pattern)):
            _delete(path)
    for path in packages.glob("botocore/data/*/"):
        if path.name not in _CLIENTS:
            _delete(path)


def delete_commands(folder: Path) -> None:
    """Deletes all commands except Python itself."""
    for path in folder.iterdir():
        if not path.name.startswith("python"):
            _delete(path)


def compile_folder(folder: Path) -> None:
    """Compiles a folder reproducibly, independent of the files' dates.

    Uses a single process and thus a fixed order, because the bytes of a compiled file depend on the
    files compiled before it.
    """
    compileall.compile_dir(
        folder, quiet=2, workers=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main(arguments: list[str]) -> None:
    """``install.py LOCK | --compile FOLDER``."""
    match arguments:
        case ["--compile", folder]:
            compile_folder(Path(folder))
        case [lock]:
            install(lock)
            (packages,) = _VENV.glob("lib/python3*/site-packages")
            leave_out(packages)
            delete_commands(_VENV / "bin")
            compile_folder(packages)
        case _:
            sys.exit("usage: install.py LOCK | --compile FOLDER")


if __name__ == "__main__":
    main(sys.argv[1:])
