"""``python -m benchmarks.uploads``: many uploads at once, none of which may be lost.

200 clips arrive at the same time, first in forms, then in parts. While they arrive and while their
jobs run, the list of jobs is fetched and an event stream is opened, over and over. Then come files
so large that forms have to wait for memory. Each round starts a new system, so that the gateway's
memory begins afresh; its peak is compared with that of a single upload.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.clips import make_short
from poseway.client import Client
from poseway.jobs import JobState
from poseway.local.stack import Stack
from tests.support.upload_burst import Burst, Upload, burst, by_form, in_parts, median_and_p99

_RESULT: Final = Path("build/bench-uploads.json")
_COUNT: Final = 200
_LARGE_COUNT: Final = 40
_LARGE_BYTES: Final = 40 << 20

Row = tuple[Burst, int]
"""Outcome of a burst, and the number of lost uploads."""


def lost(url: str, frames: dict[str, int]) -> list[str]:
    """Waits for all jobs. Returns the ids of those that did not finish with all their frames.

    Args:
        url: Address of the gateway.
        frames: Number of frames by job id.
    """
    wrong = []
    with Client(url) as client:
        for job_id, count in frames.items():
            done = client.wait(job_id).state is JobState.SUCCEEDED
            if not done or client.manifest(job_id).frames != count:
                wrong.append(job_id)
    return wrong


def measured(upload: Upload, videos: list[bytes], frames: list[int] | None = None) -> Row:
    """Uploads videos to a new system.

    Args:
        upload: How each video is uploaded: `by_form` or `in_parts`.
        videos: The files' contents.
        frames: Number of frames of each video. If given, the jobs are waited for.

    Returns:
        Outcome of the burst, and the number of lost uploads.
    """
    with tempfile.TemporaryDirectory() as data, Stack(Path(data)) as stack:
        found = burst(stack.gateway_url, stack.pid("api"), upload, videos)
        wrong = len(videos) - len(found.accepted)
        if frames is not None:
            counts = {job: frames[number] for number, job in found.accepted.items()}
            wrong += len(lost(stack.gateway_url, counts))
    return found, wrong


def main() -> None:
    """Measures, prints a table and writes it as JSON."""
    console = Console()
    frames = [5 + number % 10 for number in range(_COUNT)]
    clips = {count: make_short(count) for count in set(frames)}
    small = [clips[count] for count in frames]
    large = [bytes(_LARGE_BYTES)] * _LARGE_COUNT
    rows = {"one clip": measured(by_form, small[:1], frames)}
    for way, upload in (("in a form", by_form), ("in parts", in_parts)):
        console.print(f"{_COUNT} clips, then {_LARGE_COUNT} files at once, {way} …")
        rows[f"{_COUNT} clips {way}"] = measured(upload, small, frames)
        rows[f"{_LARGE_COUNT} x {_LARGE_BYTES >> 20} MiB {way}"] = measured(upload, large)
    show(console, rows)
    if any(wrong for _, wrong in rows.values()):
        sys.exit("Uploads were lost.")


def show(console: Console, rows: dict[str, Row]) -> None:
    """Prints the figures and writes them to a file."""
    names = ("seconds", "megabytes", "ratio", "list_ms", "list_ms_p99", "event_ms", "event_ms_p99")
    table = Table("", "s", "peak MB", "x one", "list ms", "p99", "event ms", "p99", "lost")
    records = []
    alone = next(iter(rows.values()))[0].megabytes
    for what, (found, wrong) in rows.items():
        times = [*median_and_p99(found.list_seconds), *median_and_p99(found.event_seconds)]
        numbers = (found.seconds, found.megabytes, found.megabytes / alone, *times)
        table.add_row(what, *(f"{number:.1f}" for number in numbers), str(wrong))
        records.append({"what": what, "lost": wrong, **dict(zip(names, numbers, strict=True))})
    console.print(table)
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(records, indent=2) + "\n")


if __name__ == "__main__":
    main()
