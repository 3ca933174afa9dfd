"""``python -m benchmarks.uploads``: many uploads at once; none may be lost.

200 clips arrive in the same moment, in a form and then in parts. While they do, and while their
jobs run, the list is asked for and a stream of events opened, again and again. Then come files so
large that forms have to wait for memory. Each time the system is a new one, whose gateway has no
memory from before; what it takes at most is compared with one upload.
"""

import json
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
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
    answer = answered(lambda: http.post("/v1/jobs", files={"video": (name, video)}))
    return str(answer.json()["id"])


def in_parts(http: httpx.Client, name: str, video: bytes) -> str:
    """Uploads a video in parts; returns the job's id."""
    upload = answered(lambda: http.post("/v1/uploads", json={"name": name, "size": len(video)}))
    links, size = upload.json()["links"], upload.json()["part_bytes"]
    for number, start in enumerate(range(0, len(video), size), 1):
        place = links["part"].format(number=number)
        part = video[start : start + size]
        answered(partial(http.put, place, content=part))
    made = answered(lambda: http.post(links["complete"]))
    return str(made.json()["id"])


def answered(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Sends a request, and again when the gateway says to come back, as our clients do."""
    while (answer := send()).status_code == httpx.codes.SERVICE_UNAVAILABLE:
        time.sleep(float(answer.headers["Retry-After"]))
    answer.raise_for_status()
    return answer


@dataclass
class Burst:
    """What came of many uploads at once.

    Attributes:
        accepted: Ids of the jobs, by the number of the upload.
        seconds: Until the last of them was accepted.
        megabytes: Most memory that the gateway had resident meanwhile.
        list_seconds: How long the list of jobs took, each time that it was asked for.
        event_seconds: How long a stream of events took to say its first word, each time.
    """

    accepted: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: float = 0.0
    list_seconds: list[float] = field(default_factory=list)
    event_seconds: list[float] = field(default_factory=list)


Row = tuple[Burst, int]
"""What came of a burst, and how many were lost."""


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
                asked = time.perf_counter()
                with http.stream("GET", "/v1/events") as events:
                    next(events.iter_lines())
                found.event_seconds.append(time.perf_counter() - asked)

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


def measured(upload: Upload, videos: list[bytes], frames: list[int] | None = None) -> Row:
    """Uploads videos to a new system.

    Args:
        upload: How.
        videos: What.
        frames: How many each has, if they are videos; then their jobs are waited for.

    Returns:
        What came of it, and how many were lost.
    """
    with tempfile.TemporaryDirectory() as data, Stack(Path(data)) as stack:
        found = burst(stack.gateway_url, stack.pid("api"), upload, videos)
        wrong = len(videos) - len(found.accepted)
        if frames is not None:
            counts = {job: frames[number] for number, job in found.accepted.items()}
            wrong += len(lost(stack.gateway_url, counts))
    return found, wrong


def main() -> None:
    """Measures, prints a table, writes it as JSON."""
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
    """Prints and keeps what was found."""
    names = ("seconds", "megabytes", "ratio", "list_ms", "list_ms_p99", "event_ms", "event_ms_p99")
    table = Table("", "s", "peak MB", "x one", "list ms", "p99", "event ms", "p99", "lost")
    records = []
    alone = next(iter(rows.values()))[0].megabytes
    for what, (found, wrong) in rows.items():
        times = [*middle_and_slow(found.list_seconds), *middle_and_slow(found.event_seconds)]
        numbers = (found.seconds, found.megabytes, found.megabytes / alone, *times)
        table.add_row(what, *(f"{number:.1f}" for number in numbers), str(wrong))
        records.append({"what": what, "lost": wrong, **dict(zip(names, numbers, strict=True))})
    console.print(table)
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(records, indent=2) + "\n")


def middle_and_slow(seconds: list[float]) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds; not a number if there are none."""
    times = sorted(1000 * s for s in seconds) or [math.nan]
    return statistics.median(times), times[math.ceil(0.99 * len(times)) - 1]


if __name__ == "__main__":
    main()
