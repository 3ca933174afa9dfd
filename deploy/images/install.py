"""Fills an image's virtual environment; runs while an image is built, with a Python that has pip.

``install.py LOCK`` installs what a lock file names, leaves out what no service reads, and compiles.
``install.py --compile FOLDER`` only compiles.
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

# What is only for who builds on a library, tests it or plots what it computes, and clients of
# services other than S3.
_NOT_NEEDED: Final = (
    "**/tests",
    "**/*.pyi",
    "**/*.a",
    "tensorflow/include",
    "nvidia/*/include",
    "clang",
    "matplotlib",
    "fontTools",
    "PIL",
    "pillow.libs",
)
_CLIENTS: Final = ("s3", "sts", "sso", "sso-oidc", "signin")


def install(lock: str) -> None:
    """Installs the wheels of a lock file, no other, each with the hash that is written there."""
    pip = [sys.executable, "-m", "pip", "--python", str(_VENV / "bin" / "python")]
    if _SECRET_CA.is_file() and _SECRET_CA.stat().st_size:
        pip += ["--cert", str(_SECRET_CA)]
    quietly = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
    only = ["--no-compile", "--only-binary=:all:", "--require-hashes", "-r", lock]
    subprocess.run([*pip, "install", *quietly, *only], check=True)  # noqa: S603 # words of ours


def leave_out(packages: Path) -> None:
    """Deletes what no service reads; the tests of the images show that none does."""
    for pattern in _NOT_NEEDED:
        for path in sorted(packages.glob(pattern)):
            _delete(path)
    for path in packages.glob("botocore/data/*/"):
        if path.name not in _CLIENTS:
            _delete(path)
    for path in (_VENV / "bin").iterdir():
        if not path.name.startswith("python"):
            _delete(path)


def compile_folder(folder: Path) -> None:
    """Compiles a folder so that the bytes are the same every time, whatever the files' dates.

    One process and one order: what a compiled file shares depends on what was compiled before.
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
            compile_folder(packages)
        case _:
            sys.exit("usage: install.py LOCK | --compile FOLDER")


if __name__ == "__main__":
    main(sys.argv[1:])
