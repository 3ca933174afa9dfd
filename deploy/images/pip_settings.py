"""Exports this machine's pip configuration, for use as build secrets.

``pip_settings.py FOLDER`` writes ``pip.conf`` and ``ca``, the certificates that pip trusts. Local
folders are omitted, because a build cannot access them.
"""

import ast
import subprocess
import sys
from pathlib import Path

_PASSED_ON = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout")


def configured() -> dict[str, str]:
    """Returns pip's settings by name. The environment takes precedence over files."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    lines = dict(line.split("=", 1) for line in listed.stdout.splitlines())
    found = {}
    for section in ("global", "install", ":env:"):
        for name, value in lines.items():
            if name.startswith(f"{section}."):
                found[name.removeprefix(f"{section}.")] = str(ast.literal_eval(value))
    return found


def main(folder: Path) -> None:
    """Writes both files; either is empty if nothing is configured."""
    settings = configured()
    lines = ["[global]"]
    for name in _PASSED_ON:
        words = [word for word in settings.get(name, "").split() if not word.startswith("file:")]
        if words:
            lines.append(f"{name} = {' '.join(words)}")
    (folder / "pip.conf").write_text("\n".join(lines) + "\n")
    certificates = settings.get("cert")
    (folder / "ca").write_bytes(Path(certificates).read_bytes() if certificates else b"")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
