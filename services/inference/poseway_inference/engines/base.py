"""What every engine is, and what the processor can do."""

import os
import platform
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

EngineName = Literal["tensorflow", "openvino"]
Precision = Literal["float32", "bfloat16", "float16"]

# How much CPU time a container may have, by Linux's cgroups v2: "QUOTA PERIOD", or "max PERIOD".
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class About:
    """What an engine is.

    Attributes:
        name: Library and version, for example "TensorFlow 2.21.0".
        device: What the network runs on: "CPU", or "GPU: " and its name.
        precision: Arithmetic of the convolutions.
        batch_size: Number of images per call that suits the device.
        callers: Number of calls at once that keeps the device busy.
        sha256: SHA-256 of the weights, lower-case hex.
    """

    name: str
    device: str
    precision: Precision
    batch_size: int
    callers: int
    sha256: str


class Engine(Protocol):
    """Runs a network; may be called from several threads at once."""

    @property
    def about(self) -> About:
        """What it is."""

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the network's output.

        Args:
            images: float32 (n, h, w, 3), as the network wants them.

        Returns:
            float32: the output tensor; nothing else writes to it later.
        """


def cores() -> int:
    """How many cores this process may use, which can be fewer than the machine has."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    try:
        quota, period = map(int, _QUOTA.read_text().split())
        count = min(count, ceil(quota / period))
    except (OSError, ValueError, ZeroDivisionError):
        pass  # there is no such file, or no limit in it
    return max(1, count)


def has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16, and the libraries use them."""
    return bool(_flags() & {"avx512_bf16", "amx_bf16"})


def has_matrices() -> bool:
    """Whether the processor has instructions for matrices of bfloat16 (AMX)."""
    return "amx_bf16" in _flags()


def _flags() -> set[str]:
    """What an x86 processor can do, by Linux's names."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return set()
    return set(Path("/proc/cpuinfo").read_text().split())
