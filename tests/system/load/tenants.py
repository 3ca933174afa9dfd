"""Owners who submit jobs, and what they submit."""

import time
from datetime import UTC, datetime
from functools import cache

import httpx

from poseway.api_keys import ApiKeys, Limits
from poseway.client import Client
from poseway.jobs import Job
from poseway.local.stack import Stack
from tests.support.still_images import card, encoded
from tests.support.upload_burst import answered
from tests.support.videos import make_video, numbered

SIZE = 64
KINDS = 5


@cache
def file(kind: int) -> tuple[str, bytes, int]:
    """An image or a video of one to four frames, as small as accepted; and its frames."""
    if kind == 0:
        return "photo.png", encoded(card(SIZE, SIZE), "png"), 1
    small = make_video(kind, picture=lambda index: numbered(index, SIZE, SIZE))
    return f"clip-{kind}.mp4", small, kind


class Tenant:
    """An owner with an API key. Safe to use from several threads.

    Attributes:
        name: Name of the key.
        sent: Number of frames of each accepted job, by its id.
        queued: Time by which each of these jobs was queued.
        seconds: Duration of each request that created a job.
    """

    def __init__(self, stack: Stack, name: str) -> None:
        unlimited = Limits(requests_per_minute=None)
        _, self._key = ApiKeys(stack.store).create(name, unlimited)
        self._url = stack.gateway_url
        self.name = name
        self.sent: dict[str, int] = {}
        self.queued: list[datetime] = []
        self.seconds: list[float] = []
        # As many connections as there are requests at once.
        self.http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {self._key}"},
            # Idle ones are dropped before the gateway closes them, after five seconds.
            limits=httpx.Limits(max_connections=None, keepalive_expiry=2),
            timeout=120,
        )

    def send(self, number: int) -> None:
        """Submits the job of a number."""
        name, data, frames = file(number % KINDS)

        def post() -> httpx.Response:
            began = time.perf_counter()
            answer = self.http.post("/v1/jobs", files={"video": (name, data)})
            self.seconds.append(time.perf_counter() - began)
            return answer

        job_id = answered(post).json()["id"]
        self.queued.append(datetime.now(UTC))
        self.sent[job_id] = frames

    def wait(self) -> None:
        """Waits until all jobs have ended."""
        with Client(self._url, self._key) as client:
            for job_id in list(self.sent):
                client.wait(job_id)

    def listed(self) -> list[Job]:
        """All jobs of this tenant, as the API lists them."""
        with Client(self._url, self._key) as client:
            return list(client.jobs())

    def frames(self, job_id: str) -> int:
        """Number of frames of a result."""
        with Client(self._url, self._key) as client:
            return client.manifest(job_id).frames
