"""The real stack: how fast it processes a video, and the CPU time of each of its parts."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from poseway.client import Client
from poseway.errors import PosewayError
from poseway.formats.manifest import Manifest
from poseway.jobs import JobState
from poseway.local.stack import Stack
from tests.support.processes import PARTS, cpu_seconds


@dataclass(frozen=True, slots=True)
class Run:
    """A video processed by the stack.

    Attributes:
        manifest: Manifest of the job.
        seconds: Wall-clock time from the first byte of the upload to the complete result.
        cpu: CPU seconds of each part.
    """

    manifest: Manifest
    seconds: float
    cpu: dict[str, float]


class Running:
    """A running stack, idle between calls."""

    def __init__(self, data_dir: Path) -> None:
        """Starts the stack."""
        self._stack = Stack(data_dir)
        self._stack.start()
        self._client = Client(self._stack.gateway_url)

    def process(self, video: Path) -> Run:
        """Processes a video.

        Raises:
            PosewayError: The job did not succeed.
        """
        before = self._cpu()
        began = time.perf_counter()
        submitted = self._client.submit(video)
        *_, job = self._client.watch(submitted.id)
        seconds = time.perf_counter() - began
        if job.state is not JobState.SUCCEEDED:
            raise PosewayError(f"The job ended as {job.state}: {job.error}", "benchmark")
        after = self._cpu()
        manifest = self._client.manifest(job.id)
        self._client.delete(job.id)
        return Run(manifest, seconds, {part: after[part] - before[part] for part in PARTS})

    def pid(self, part: str) -> int:
        """Returns the process id of a part."""
        return self._stack.pid(part)

    def _cpu(self) -> dict[str, float]:
        return {part: cpu_seconds(self._stack.pid(part)) for part in PARTS}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._stack.stop()
