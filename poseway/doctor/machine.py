"""Checks of the machine: processor, GPU, disk and ports."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from poseway.doctor.finding import Finding, fail, ok, warn
from poseway.local.errors import StackError
from poseway.local.ports import free_ports, is_free

_CPU_INFO: Final = Path("/proc/cpuinfo")
_FAST: Final = {
    "avx512_bf16": "bfloat16",
    "amx_bf16": "bfloat16 on AMX tiles",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
}
_PAGE_PORT: Final = 8080
_LEAST_BYTES: Final = 1 << 30
_ENOUGH_BYTES: Final = 5 << 30
_PORTS: Final = 16


def examine_machine(data_dir: Path, *, in_use: bool) -> Iterator[Finding]:
    """Checks the machine.

    Args:
        data_dir: Folder for the data of the local system.
        in_use: Whether the local system is running, so that its ports are taken.
    """
    yield _cpu()
    yield _gpu()
    yield _disk(data_dir)
    yield from _ports(in_use=in_use)


def _cpu() -> Finding:
    cores = f"{os.cpu_count()} cores"
    try:
        flags = set(_CPU_INFO.read_text().partition("flags")[2].partition("\n")[0].split())
    except OSError:
        return ok("processor", f"{platform.machine()}, {cores}")
    if not flags:  # ARM names them differently
        return ok("processor", f"{platform.machine()}, {cores}")
    fast = [name for flag, name in _FAST.items() if flag in flags]
    if "avx2" not in flags:
        return warn(
            "processor",
            f"{cores} without AVX2",
            "Poseway works, but slowly; a newer processor is faster.",
        )
    return ok("processor", f"{cores} with {', '.join(fast)}")


def _gpu() -> Finding:
    found = _graphics_cards()
    if not found:
        return ok("GPU", "no NVIDIA GPU; the processor is used")
    if not any(map(_installed, ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13"))):
        return warn(
            "GPU",
            f"{found}, which the installed TensorFlow cannot use",
            "For the inference service, install the extra `gpu` instead of `cpu`.",
        )
    return ok("GPU", f"{found}, and TensorFlow with CUDA")


def _graphics_cards() -> str:
    """Returns the names of the NVIDIA GPUs; asking TensorFlow would take seconds."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    asked = subprocess.run(  # noqa: S603 # no argument comes from outside
        [program, "--query-gpu=name", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    return ", ".join(asked.stdout.split("\n")).strip(", ") if asked.returncode == 0 else ""


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _disk(data_dir: Path) -> Finding:
    folder = data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    says = f"{free / 1e9:,.1f} GB free for {data_dir}"
    if free < _LEAST_BYTES:
        return fail("disk", says, "Make room, or choose another folder with --data-dir.")
    if free < _ENOUGH_BYTES:
        return warn(
            "disk", says, "Uploads and results go there; choose a larger disk with --data-dir."
        )
    if not os.access(folder, os.W_OK):
        return fail(
            "disk", f"{folder} cannot be written to", "Choose another folder with --data-dir."
        )
    return ok("disk", says)


def _ports(*, in_use: bool) -> Iterator[Finding]:
    try:
        free_ports(_PORTS)
    except StackError as error:
        yield fail(
            "ports", f"none are free on loopback ({error})", "Stop the programs that use them."
        )
        return
    if in_use or is_free(_PAGE_PORT):
        yield ok("ports", "free on loopback, and 8080 for the page")
    else:
        yield warn(
            "ports",
            "8080 is used by another program",
            "The page gets another port, which `poseway up` prints; choose one with --port.",
        )
