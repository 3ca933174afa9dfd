"""``python -m requirements.audit [OPTION...]``: is something known against what we pin?

Asks with pip-audit, which gets the options, of every version in every lock file, those for other
systems included. Ends with 0 only if all of them were looked up and nothing is known, with 1 if
something is, and with 2 if not all could be looked up: pip-audit itself passes over packages that
its source does not know, and ends well if that is all of them.
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
    """pip-audit told nothing."""


@dataclass
class Found:
    """What was found.

    Attributes:
        audited: Packages that were looked up, as ``name version``.
        passed_over: Those that were not, with the reason.
        known: What is known, a line each.
    """

    audited: set[str] = field(default_factory=set)
    passed_over: dict[str, str] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)

    def take(self, package: dict[str, Any]) -> None:
        """Takes in what is told of one package."""
        if "skip_reason" in package:
            self.passed_over[package["name"]] = package["skip_reason"]
            return
        name = f"{package['name']} {package['version']}"
        self.audited.add(name)
        for told in package["vulns"]:
            fixed = ", ".join(told["fix_versions"]) or "no version"
            names = ", ".join([told["id"], *told.get("aliases", ())])
            self.known.append(f"{name}: {names}, fixed in {fixed}")


def rounds(locks: list[Path]) -> list[list[lock.Pin]]:
    """Every version that is pinned, in lists that have each package once, as pip-audit wants it."""
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
    """What pip-audit tells of packages.

    Raises:
        NotReachedError: It tells nothing; the reason is its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        # Without markers, since it would leave out what is not for this machine.
        lines = (
            f"{pin.name}=={pin.version} " + " ".join(f"--hash=sha256:{h}" for h in pin.hashes)
            for pin in pins
        )
        path.write_text("\n".join(lines))
        quiet = ["--format=json", "--progress-spinner=off", "--disable-pip", "--require-hashes"]
        command = [sys.executable, "-m", "pip_audit", *quiet, *options, "-r", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        told: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        raise NotReachedError(done.stderr.strip().rpartition("\n")[2]) from None
    return told


def verdict(found: Found, locks: int) -> tuple[int, list[str]]:
    """Status to end with, and what to say."""
    if not found.audited:
        reasons = sorted(set(found.passed_over.values()))[:1]
        return 2, [*reasons, NOT_REACHED]
    lines = sorted(found.known)
    lines += [f"{name} was not audited: {why}" for name, why in sorted(found.passed_over.items())]
    known = f"{len(found.known)} known vulnerabilities" if found.known else "nothing is known"
    of = f"{len(found.audited)} packages of {locks} lock files audited"
    left_out = f", {len(found.passed_over)} not" if found.passed_over else ""
    return (1 if found.known else 2 if left_out else 0), [*lines, f"{of}{left_out}: {known}"]


def main(options: list[str], folder: Path = _FOLDER) -> int:
    """Audits the lock files of a folder; returns the status to end with."""
    locks = sorted(folder.glob("*.lock"))
    found = Found()
    try:
        for pins in rounds(locks):
            for package in ask(pins, options):
                found.take(package)
    except NotReachedError as error:
        # What was audited before is not told: it would look like all of it.
        status, lines = 2, [str(error), NOT_REACHED]
    else:
        status, lines = verdict(found, len(locks))
    print("\n".join(lines), file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
