"""A local system for other users of the network, with the commands in docs/access.md."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from poseway.local.ports import free_ports
from poseway.local.stack import running
from poseway.paths import ROOT
from tests.support.waiting import until

COMMANDS = re.findall(r"^(?:poseway|curl) .*$", (ROOT / "docs/access.md").read_text(), re.M)
POSEWAY = [sys.executable, "-c", "from poseway.cli import app; app()"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    port = str(free_ports(1)[0])
    said = {"POSEWAY_DATA_DIR": str(tmp_path / "data"), "POSEWAY_GATEWAY_PORT": port}
    return {**os.environ, **said, "COLUMNS": "200"}


@pytest.fixture
def launched(env: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """Starts the system and yields the file with its launcher's output."""
    said = tmp_path / "said"
    (up,) = [command for command in COMMANDS if command.startswith("poseway up")]
    with said.open("wb") as log:
        process = subprocess.Popen([*POSEWAY, *up.split()[1:]], stdout=log, stderr=log, env=env)
    try:
        until(lambda: process.poll() is not None or running(Path(env["POSEWAY_DATA_DIR"])))
        assert process.poll() is None, said.read_text()
        yield said
    finally:
        process.terminate()
        process.wait(60)


def test_documented_commands_work(launched: Path, env: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{env['POSEWAY_GATEWAY_PORT']}"
    found = re.search(r"pw_\w+", launched.read_text())
    assert found is not None
    assert httpx.get(f"{url}/v1/session").status_code == 401
    env["POSEWAY_API_KEY"] = found[0]
    for command in COMMANDS[1:]:
        if command.startswith("poseway"):
            words = [*POSEWAY, *command.split()[1:]]
        else:
            words = ["bash", "-c", command.replace("http://127.0.0.1:8080", url)]
        ran = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{command}: {ran.stderr}"
    assert '"name":"first"' in ran.stdout
    assert len(COMMANDS) == 6
