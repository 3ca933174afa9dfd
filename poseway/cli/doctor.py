"""``poseway doctor``: checks what Poseway needs."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape

from poseway.cli.parameters import Key, Url
from poseway.cli.result import print_json
from poseway.cli.system import DEFAULT_DATA_DIR, DataDir
from poseway.cli.terminal import Exit, Json, console, ending
from poseway.doctor import Finding, State, examine_gateway, examine_machine, examine_software

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


def doctor(
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    json: Json = False,
) -> None:
    """Checks what Poseway needs: packages, models, codecs, ports, disk and the gateway."""
    with ending():
        found = []
        for finding in _examine(url, key, data_dir):
            found.append(finding)
            if not json:
                _print(finding)
    bad = any(finding.state is State.FAIL for finding in found)
    if json:
        print_json({"ok": not bad, "checks": [asdict(finding) for finding in found]})
    sys.exit(Exit.ERROR if bad else Exit.OK)


def _examine(url: str | None, key: str | None, data_dir: Path) -> Iterator[Finding]:
    here = _running(data_dir)
    yield from examine_software()
    yield from examine_machine(data_dir, in_use=here is not None)
    yield from examine_gateway(url or here, key)


def _running(data_dir: Path) -> str | None:
    try:
        from poseway.local.stack import running
    except ImportError:
        return None  # packages are missing, which a check reports
    return running(data_dir)


def _print(finding: Finding) -> None:
    colour = _COLOURS[finding.state]
    console.print(
        f"[{colour}]{finding.state:4}[/]  {escape(finding.name)}: {escape(finding.says)}",
        highlight=False,
        soft_wrap=True,
    )
    if finding.advice:
        console.print(f"      {escape(finding.advice)}", highlight=False, soft_wrap=True)
