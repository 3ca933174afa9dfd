"""Settings of the inference service."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from poseway.models import MODELS_DIR
from poseway.settings import ServerSettings


class InferenceSettings(ServerSettings):
    """Environment variables ``POSEWAY_*`` of the inference service."""

    max_calls: int = Field(64, ge=1, description="Calls served side by side; more wait.")
    models_dir: Path = Field(MODELS_DIR, description="Where the cards and the weights are.")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Arithmetic of the network; auto takes what the device is fast in."
    )
    input_height: int = Field(
        368, ge=64, le=2048, multiple_of=8, description="Height of the network's input in pixels."
    )
    workers: int = Field(
        0, ge=0, description="Frames worked on side by side; 0: one per core, or two on a GPU."
    )
    max_frames: int = Field(
        256, ge=1, description="Frames taken and not yet answered; more are refused for now."
    )

    def worker_count(self, batch_size: int) -> int:
        """How many frames, or batches of `batch_size`, are worked on side by side."""
        if self.workers:
            return self.workers
        return _cores() if batch_size == 1 else 2


def _cores() -> int:
    """How many cores this process may run on, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
