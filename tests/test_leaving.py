"""Services end when they are told to, whatever the libraries in them still do."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen, TimeoutExpired

import pytest

from poseway.local.stack import ROOT, Stack

# What Python's own way out would wait for until the end of time.
STUCK = """
import threading
threading.Thread(target=threading.Event().wait).start()
"""

# The signal comes while models are loaded.
EARLY = """
import os, signal
from services.inference import models
models.load_models = lambda _: os.kill(os.getpid(), signal.SIGTERM)
"""


@contextmanager
def running(before: str, name: str, log: Path, env: dict[str, str]) -> Iterator[Popen[bytes]]:
    """A service whose process does something else before."""
    code = f"{before}\nimport runpy\nrunpy.run_module('services.{name}', run_name='__main__')"
    env = {**os.environ, **env, "PYTHONPATH": str(ROOT), "POSEWAY_METRICS_PORT": "0"}
    with log.open("wb") as output:
        process = Popen([sys.executable, "-c", code], env=env, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def logged(log: Path, event: str) -> bool:
    return f'"event": "{event}"' in log.read_text()


@pytest.mark.parametrize("name", ["inference", "tracker", "renderer"])
def test_a_thread_that_never_ends_keeps_no_service(name: str, stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(STUCK, name, log, stack.env | {"POSEWAY_PORT": "0"}) as process:
        while not logged(log, "serving"):
            with pytest.raises(TimeoutExpired):
                process.wait(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert logged(log, "stopping")


def test_inference_that_loads_its_models_has_nothing_to_finish(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(STUCK + EARLY, "inference", log, {}) as process:
        assert process.wait(60) == 0
        assert not logged(log, "serving")
