"""The interface of engines, and what the processor offers them."""

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

# CPU limit of a container, by Linux's cgroups v2: "QUOTA PERIOD" in microseconds, or "max PERIOD".
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class About:
    """Facts about an engine and the network it runs.

    Attributes:
        name: Library and version, such as "TensorFlow 2.21.0".
        device: "CPU", or "GPU: " and the name of the GPU.
        precision: Arithmetic of the convolutions.
        batch_size: Images per call that suit the device.
        callers: Concurrent calls that keep the device busy.
        sha256: SHA-256 of the weights, lower-case hex.
    """

    name: str
    device: str
    precision: Precision
    batch_size: int
    callers: int
    sha256: str


class Engine(Protocol):
    """Runs one network. Its methods may be called by several threads at once."""

    @property
    def about(self) -> About:
        """Facts about the engine."""

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the network's output.

        Args:
            images: float32 (n, height, width, 3), in the range and colour order that the network
                takes.

        Returns:
            The output tensor, float32. The caller may keep it: no later call overwrites it.
        """


def cores() -> int:
    """Returns how many cores the process may use, given its affinity and CPU limit."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    try:
        quota, period = map(int, _QUOTA.read_text().split())
        count = min(count, ceil(quota / period))
    except (OSError, ValueError, ZeroDivisionError):
        pass  # there is no such file, or it sets no limit
    return max(1, count)


def has_bfloat16() -> bool:
    """Whether the processor has bfloat16 instructions that the libraries use."""
    return bool(_flags() & {"avx512_bf16", "amx_bf16"})


def has_matrices() -> bool:
    """Whether the processor has matrix instructions for bfloat16 (AMX)."""
    return "amx_bf16" in _flags()


def _flags() -> set[str]:
    """Returns the feature flags of an x86 processor, by Linux's names."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return set()
    return set(Path("/proc/cpuinfo").read_text().split())
