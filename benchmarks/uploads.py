"""``python -m benchmarks.uploads``: many uploads at once; none may be lost.

200 clips arrive in the same moment, in a form and then in parts. While they do, and while their
jobs run, the list is asked for again and again. Then come files so large that forms have to wait
for memory. The gateway's memory is compared with what it has after one upload.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.clips import make_short
from poseway.client import Client
from poseway.jobs import JobState
from poseway.local.stack import Stack

_RESULT: Final = Path("build/bench-uploads.json")
_COUNT: Final = 200
_LARGE_COUNT: Final = 40
_LARGE_BYTES: Final = 40 << 20
_PAUSE_SECONDS: Final = 0.05

Upload = Callable[[httpx.Client, str, bytes], str]


def by_form(http: httpx.Client, name: str, video: bytes) -> str:
    """Uploads a video in one request; returns the job's id."""
    answer = http.post("/v1/jobs", files={"video": (name, video)})
    answer.raise_for_status()
    return str(answer.json()["id"])


def in_parts(http: httpx.Client, name: str, video: bytes) -> str:
    """Uploads a video in parts; returns the job's id."""
    upload = http.post("/v1/uploads", json={"name": name, "size": len(video)})
    upload.raise_for_status()
    links, size = upload.json()["links"], upload.json()["part_bytes"]
    for number, start in enumerate(range(0, len(video), size), 1):
        place = links["part"].format(number=number)
        http.put(place, content=video[start : start + size]).raise_for_status()
    made = http.post(links["complete"])
    made.raise_for_status()
    return str(made.json()["id"])


@dataclass
class Burst:
    """What came of many uploads at once.

    Attributes:
        accepted: Ids of the jobs, by the number of the upload.
        seconds: Until the last of them was accepted.
        megabytes: Most memory that the gateway had resident meanwhile.
        list_seconds: How long the list of jobs took, each time that it was asked for.
    """

    accepted: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: float = 0.0
    list_seconds: list[float] = field(default_factory=list)


def burst(url: str, gateway: int, upload: Upload, videos: list[bytes]) -> Burst:
    """Uploads videos in the same moment, each over a connection of its own.

    Args:
        url: The gateway's address.
        gateway: Its process.
        upload: How.
        videos: What.
    """
    found = Burst()
    barrier, over = threading.Barrier(len(videos)), threading.Event()

    def send(number: int) -> None:
        with httpx.Client(base_url=url, timeout=600) as http:
            barrier.wait()
            found.accepted[number] = upload(http, f"{number}.mp4", videos[number])

    def look() -> None:
        with httpx.Client(base_url=url, timeout=60) as http:
            while not over.wait(_PAUSE_SECONDS):
                asked = time.perf_counter()
                http.get("/v1/jobs").raise_for_status()
                found.list_seconds.append(time.perf_counter() - asked)

    forget_peak(gateway)
    looking = threading.Thread(target=look)
    looking.start()
    began = time.perf_counter()
    try:
        with ThreadPoolExecutor(len(videos)) as pool:
            list(pool.map(send, range(len(videos))))
        found.seconds = time.perf_counter() - began
    finally:
        over.set()
        looking.join()
    found.megabytes = peak(gateway)
    return found


def peak(process: int) -> float:
    """Most megabytes that a process had resident since `forget_peak`."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def forget_peak(process: int) -> None:
    """Begins to look for the most memory of a process anew."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def lost(url: str, frames: dict[str, int]) -> list[str]:
    """The jobs that did not end with all their frames, after waiting for them all.

    Args:
        url: The gateway's address.
        frames: How many each job has, by its id.
    """
    wrong = []
    with Client(url) as client:
        for job_id, count in frames.items():
            done = client.wait(job_id).state is JobState.SUCCEEDED
            if not done or client.manifest(job_id).frames != count:
                wrong.append(job_id)
    return wrong


def main() -> None:
    """Measures, prints a table, writes it as JSON."""
    console = Console()
    clips = [make_short(frames) for frames in range(5, 15)]
    small = [clips[number % len(clips)] for number in range(_COUNT)]
    large = [bytes(_LARGE_BYTES)] * _LARGE_COUNT
    rows: list[tuple[str, Burst, str]] = []
    with tempfile.TemporaryDirectory() as data, Stack(Path(data)) as stack:
        url, gateway = stack.gateway_url, stack.pid("api")
        rows.append(("one clip", burst(url, gateway, by_form, small[:1]), ""))
        for what, upload in (("in a form", by_form), ("in parts", in_parts)):
            console.print(f"{_COUNT} clips at once, {what} …")
            found = burst(url, gateway, upload, small)
            frames = {job: number % len(clips) + 5 for number, job in found.accepted.items()}
            wrong = lost(url, frames)
            rows.append((f"{_COUNT} clips {what}", found, f"{len(wrong)} lost"))
        for what, upload in (("in a form", by_form), ("in parts", in_parts)):
            console.print(f"{_LARGE_COUNT} files of {_LARGE_BYTES >> 20} MiB at once, {what} …")
            found = burst(url, gateway, upload, large)
            missing = _LARGE_COUNT - len(found.accepted)
            rows.append((f"{_LARGE_COUNT} large files {what}", found, f"{missing} lost"))
    show(console, rows)
    if any(not result.startswith("0 ") for _, _, result in rows[1:]):
        sys.exit("Uploads were lost.")


def show(console: Console, rows: list[tuple[str, Burst, str]]) -> None:
    """Prints and keeps what was found."""
    table = Table("", "accepted in s", "peak MB", "x one", "list ms", "p99", "")
    records = []
    alone = rows[0][1].megabytes
    for what, found, result in rows:
        times = [1000 * seconds for seconds in found.list_seconds] or [0.0]
        middle, slow = statistics.median(times), sorted(times)[int(0.99 * (len(times) - 1))]
        numbers = (found.seconds, found.megabytes, found.megabytes / alone, middle, slow)
        table.add_row(what, *(f"{number:.1f}" for number in numbers), result)
        names = ("seconds", "megabytes", "ratio", "list_ms", "list_ms_p99")
        records.append({"what": what, "result": result, **dict(zip(names, numbers, strict=True))})
    console.print(table)
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(records, indent=2) + "\n")


if __name__ == "__main__":
    main()
