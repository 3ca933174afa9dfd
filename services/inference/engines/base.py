"""What every engine is, and what the processor can do."""

import os
import platform
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Precision = Literal["float32", "bfloat16", "float16"]


class Engine(Protocol):
    """Runs a network; may be called from several threads at once."""

    @property
    def name(self) -> str:
        """Library and version, for example "TensorFlow 2.21.0"."""

    @property
    def device(self) -> str:
        """What the network runs on: "CPU", or "GPU: " and its name."""

    @property
    def precision(self) -> Precision:
        """Arithmetic of the convolutions."""

    @property
    def batch_size(self) -> int:
        """Number of images per call that suits the device."""

    @property
    def callers(self) -> int:
        """Number of calls at once that keeps the device busy."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, lower-case hex."""

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the network's output.

        Args:
            images: float32 (n, h, w, 3), as the network wants them.

        Returns:
            float32: the output tensor; nothing else writes to it later.
        """


def cores() -> int:
    """How many cores this process may run on, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
