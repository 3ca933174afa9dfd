"""Services exit on SIGTERM, whatever their libraries are doing."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen, TimeoutExpired

import pytest

from poseway.local.stack import Stack
from poseway.paths import ROOT
from tests.support.paths import python_path

# A thread for which a normal exit would wait forever, and which receives the signal.
STUCK = """
import signal, threading
threading.Thread(target=threading.Event().wait).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
"""

# The signal arrives while this module is imported.
EARLY = """
import os, signal, sys
sys.addaudithook(
    lambda event, args: event == "import"
    and args[0] == "structlog"
    and os.kill(os.getpid(), signal.SIGTERM)
)
"""


@contextmanager
def running(before: str, name: str, log: Path, env: dict[str, str]) -> Iterator[Popen[bytes]]:
    """A service whose process runs some code first."""
    code = f"{before}\nimport runpy\nrunpy.run_module('poseway_{name}', run_name='__main__')"
    env = {**os.environ, **env, "PYTHONPATH": python_path(ROOT), "POSEWAY_METRICS_PORT": "0"}
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
def test_endless_thread_does_not_prevent_exit(name: str, stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(STUCK, name, log, stack.env | {"POSEWAY_PORT": "0"}) as process:
        while not logged(log, "serving"):
            with pytest.raises(TimeoutExpired):
                process.wait(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert logged(log, "stopping")


@pytest.mark.parametrize(
    "name", ["gateway.api", "gateway.dispatcher", "inference", "tracker", "renderer"]
)
def test_sigterm_during_start_up_exits_at_once(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(STUCK + EARLY, name, log, {}) as process:
        # As the first process of a container, without a handler of its own, it would go on; here
        # the signal would end it, and its status say so.
        assert process.wait(60) == 0
        assert not logged(log, "serving")
