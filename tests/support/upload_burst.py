"""Concurrent uploads, and the gateway's memory and response times meanwhile."""

import math
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import httpx

from tests.support.processes import peak, reset_peak

_PAUSE_SECONDS: Final = 0.05

Upload = Callable[[httpx.Client, str, bytes], str]
"""Uploads a video under a file name and returns the job's id."""


def by_form(http: httpx.Client, name: str, video: bytes) -> str:
    """Uploads a video in one request. Returns the job's id."""
    answer = answered(lambda: http.post("/v1/jobs", files={"video": (name, video)}))
    return str(answer.json()["id"])


def in_parts(http: httpx.Client, name: str, video: bytes) -> str:
    """Uploads a video as a multipart upload. Returns the job's id."""
    upload = answered(lambda: http.post("/v1/uploads", json={"name": name, "size": len(video)}))
    links, size = upload.json()["links"], upload.json()["part_bytes"]
    for number, start in enumerate(range(0, len(video), size), 1):
        path = links["part"].format(number=number)
        part = video[start : start + size]
        answered(partial(http.put, path, content=part))
    made = answered(lambda: http.post(links["complete"]))
    return str(made.json()["id"])


def answered(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Sends a request and repeats it after each 503, as the client does.

    Raises:
        httpx.HTTPStatusError: The gateway answered with another error.
    """
    while (answer := send()).status_code == httpx.codes.SERVICE_UNAVAILABLE:
        time.sleep(float(answer.headers["Retry-After"]))
    answer.raise_for_status()
    return answer


@dataclass
class Burst:
    """Outcome of many uploads that started together.

    Attributes:
        accepted: Job ids by the number of the upload.
        seconds: Time until the last upload was accepted.
        megabytes: Highest resident memory of the gateway during the uploads, in MiB.
        list_seconds: Response times of the list of jobs.
        event_seconds: Times until an event stream sent its first line.
    """

    accepted: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: float = 0.0
    list_seconds: list[float] = field(default_factory=list)
    event_seconds: list[float] = field(default_factory=list)


def burst(url: str, gateway: int, upload: Upload, videos: list[bytes]) -> Burst:
    """Uploads all videos at the same time, each over its own connection.

    Args:
        url: Address of the gateway.
        gateway: Process id of the gateway.
        upload: How each video is uploaded: `by_form` or `in_parts`.
        videos: The files' contents.
    """
    found = Burst()
    barrier, over = threading.Barrier(len(videos)), threading.Event()

    def send(number: int) -> None:
        with httpx.Client(base_url=url, timeout=600) as http:
            barrier.wait()
            found.accepted[number] = upload(http, f"{number}.mp4", videos[number])

    def probe() -> None:
        with httpx.Client(base_url=url, timeout=60) as http:
            while not over.wait(_PAUSE_SECONDS):
                asked = time.perf_counter()
                http.get("/v1/jobs").raise_for_status()
                found.list_seconds.append(time.perf_counter() - asked)
                asked = time.perf_counter()
                with http.stream("GET", "/v1/events") as events:
                    next(events.iter_lines())
                found.event_seconds.append(time.perf_counter() - asked)

    reset_peak(gateway)
    probing = threading.Thread(target=probe)
    probing.start()
    began = time.perf_counter()
    try:
        with ThreadPoolExecutor(len(videos)) as pool:
            list(pool.map(send, range(len(videos))))
        found.seconds = time.perf_counter() - began
    finally:
        over.set()
        probing.join()
    found.megabytes = peak(gateway)
    return found


def median_and_p99(seconds: list[float]) -> tuple[float, float]:
    """Returns median and 99th percentile in milliseconds; both are NaN for an empty list."""
    times = sorted(1000 * s for s in seconds) or [math.nan]
    return statistics.median(times), times[math.ceil(0.99 * len(times)) - 1]
