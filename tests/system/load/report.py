"""``python -m tests.system.load.report``: the measurements of `make test-load` for the docs."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "load.json"


def write(figures: dict[str, Any], folder: Path) -> None:
    """Collects the measurements and prints them."""
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_text(json.dumps(figures, indent=2) + "\n")
    sys.stdout.write(text(figures))


def text(figures: dict[str, Any]) -> str:
    """The measurements in Markdown."""
    return "\n".join(_lines(json.loads(json.dumps(figures)))) + "\n"


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    burst, steady = figures["burst"], figures["steady"]
    for what, phase in (("burst", burst), ("steady", steady)):
        yield (
            f"{what}: {phase['jobs']} jobs of {phase['tenants']} tenants in "
            f"{phase['seconds']:.0f} s, {figures['cores']} cores"
        )
    yield from (
        "",
        "| tenant | jobs | waiting when its last was accepted | bound | done when its last was |",
    )
    yield "| --- | --- | --- | --- | --- |"
    for name, share in burst["share"].items():
        numbers = (share[what] for what in ("jobs", "in_line", "bound", "done_after"))
        yield " | ".join((f"| {name}", *map(str, numbers))) + " |"
    yield from ("", "| request | burst: median ms | p99 ms | steady: median ms | p99 ms |")
    yield "| --- | --- | --- | --- | --- |"
    for what, times in sorted(burst["milliseconds"].items()):
        other = steady["milliseconds"][what]
        yield (
            f"| {what} | {times['median']:.0f} | {times['p99']:.0f} "
            f"| {other['median']:.0f} | {other['p99']:.0f} |"
        )
    yield from ("", "| part | open files | resident MB |", "| --- | --- | --- |")
    for part, (before, after) in steady["megabytes"].items():
        files = steady["files"][part]
        yield f"| {part} | {files[0]:.0f}, {files[1]:.0f} | {before:.0f}, {after:.0f} |"
    before, after = steady["unfinished"]["quarters"]
    most = steady["unfinished"]["most"]
    yield from ("", f"jobs that had not ended: {before:.0f}, {after:.0f}, at most {most}")


if __name__ == "__main__":
    sys.stdout.write(text(json.loads((Path("build") / NAME).read_text())))
