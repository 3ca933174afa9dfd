"""``python -m requirements.audit [OPTION...]``: checks pinned packages for known vulnerabilities.

Passes every version in every lock file, for all systems, to pip-audit together with the options.
Exits with 0 if all packages were audited and none is vulnerable, with 1 if some are vulnerable, and
with 2 if not all could be audited. pip-audit itself skips packages that its source does not know,
and succeeds even if these are all of them.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from requirements import lock

_FOLDER: Final = Path(__file__).parent
NOT_REACHED: Final = "vulnerability data cannot be reached: nothing was audited"


class NotReachedError(Exception):
    """pip-audit returned no result."""


@dataclass
class Found:
    """Result of an audit.

    Attributes:
        audited: Audited packages, as ``name version``.
        skipped: Reasons by name, for packages that were not audited.
        known: Known vulnerabilities, one line each.
    """

    audited: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)

    def take(self, package: dict[str, Any]) -> None:
        """Adds pip-audit's record of one package."""
        if "skip_reason" in package:
            self.skipped[package["name"]] = package["skip_reason"]
            return
        name = f"{package['name']} {package['version']}"
        self.audited.add(name)
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version"
            names = ", ".join([found["id"], *found.get("aliases", ())])
            self.known.append(f"{name}: {names}, fixed in {fixed}")


def rounds(locks: list[Path]) -> list[list[lock.Pin]]:
    """Returns all pinned versions, in lists with at most one version per package for pip-audit."""
    versions: dict[str, dict[str, lock.Pin]] = defaultdict(dict)
    for path in locks:
        for pin in lock.read(path):
            versions[pin.name][pin.version] = pin
    count = max(len(pins) for pins in versions.values())
    return [
        [list(pins.values())[n] for pins in versions.values() if len(pins) > n]
        for n in range(count)
    ]


def ask(pins: list[lock.Pin], options: list[str]) -> list[dict[str, Any]]:
    """Returns pip-audit's records of packages.

    Raises:
        NotReachedError: pip-audit returned no result. The message is the last line of its output.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        # Without markers, because pip-audit would omit packages for other systems.
        lines = (
            f"{pin.name}=={pin.version} " + " ".join(f"--hash=sha256:{h}" for h in pin.hashes)
            for pin in pins
        )
        path.write_text("\n".join(lines))
        quiet = ["--format=json", "--progress-spinner=off", "--disable-pip", "--require-hashes"]
        command = [sys.executable, "-m", "pip_audit", *quiet, *options, "-r", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        records: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        raise NotReachedError(done.stderr.strip().rpartition("\n")[2]) from None
    return records


def verdict(found: Found, locks: int) -> tuple[int, list[str]]:
    """Returns the exit status and the lines of the report."""
    if not found.audited:
        reasons = sorted(set(found.skipped.values()))[:1]
        return 2, [*reasons, NOT_REACHED]
    lines = sorted(found.known)
    lines += [f"{name} was not audited: {why}" for name, why in sorted(found.skipped.items())]
    known = f"{len(found.known)} known vulnerabilities" if found.known else "nothing is known"
    of = f"{len(found.audited)} packages of {locks} lock files audited"
    left_out = f", {len(found.skipped)} not" if found.skipped else ""
    return (1 if found.known else 2 if left_out else 0), [*lines, f"{of}{left_out}: {known}"]


def main(options: list[str], folder: Path = _FOLDER) -> int:
    """Audits the lock files of a folder. Returns the exit status."""
    locks = sorted(folder.glob("*.lock"))
    found = Found()
    try:
        for pins in rounds(locks):
            for package in ask(pins, options):
                found.take(package)
    except NotReachedError as error:
        # Partial results are not reported, because they would look complete.
        status, lines = 2, [str(error), NOT_REACHED]
    else:
        status, lines = verdict(found, len(locks))
    print("\n".join(lines), file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
