"""Where Python finds the packages of a checkout."""

from pathlib import Path


def python_path(checkout: Path) -> str:
    """``PYTHONPATH`` for this version and for those whose services were no packages yet."""
    services = sorted(path for path in (checkout / "services").iterdir() if path.is_dir())
    return ":".join(map(str, [checkout, *services]))
