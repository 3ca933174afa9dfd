"""Starting and ending the system from the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from poseway.local.place import StackError, free_ports
from poseway.local.stack import Stack, is_ready, running

POSEWAY = [sys.executable, "-c", "from poseway.cli import app; app()"]


@pytest.fixture
def launched(tmp_path: Path, stack: Stack) -> Iterator[subprocess.Popen[bytes]]:
    """`poseway up`, beside the system that the other tests use."""
    command = [*POSEWAY, "up", "--data-dir", str(tmp_path), "--port", str(free_ports(1)[0])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 90
        while running(tmp_path) is None:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.2)
        yield process
        process.kill()


def assert_nothing_is_left(data_dir: Path, url: str) -> None:
    # The lock is let go when the last process is gone.
    again = Stack(data_dir)
    again.stop()
    assert not is_ready(url)
    owned = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(data_dir).encode() in _command(entry)
    ]
    assert owned == []


def _command(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_however_the_launcher_ends_nothing_is_left(
    launched: subprocess.Popen[bytes], tmp_path: Path, stack: Stack, number: signal.Signals
) -> None:
    url = running(tmp_path)
    assert url is not None
    assert url != stack.gateway_url
    with pytest.raises(StackError, match="Another system"):
        Stack(tmp_path)
    os.kill(launched.pid, number)
    launched.wait(40)
    assert_nothing_is_left(tmp_path, url)
    assert is_ready(stack.gateway_url)


def test_secrets_are_for_their_owner_only(stack: Stack) -> None:
    for name in ("secrets.json", "nats.conf"):
        assert (stack.data_dir / name).stat().st_mode & 0o077 == 0


def test_no_secret_is_logged(stack: Stack) -> None:
    secrets = json.loads((stack.data_dir / "secrets.json").read_text()).values()
    logs = "".join(path.read_text(errors="replace") for path in stack.data_dir.glob("logs/*.log"))
    assert logs
    assert not [secret for secret in secrets if secret in logs]


def test_run_leaves_the_result_in_a_folder(stack: Stack, sample: Path, tmp_path: Path) -> None:
    command = [
        *POSEWAY,
        "run",
        str(sample),
        "--output",
        str(tmp_path),
        "--csv",
        "--openpose",
        "--data-dir",
        str(stack.data_dir),
    ]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "230 frames" in first.stdout
    folder = tmp_path / sample.stem
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "video.mp4",
        "poster.jpg",
        "screenshots",
        "keypoints.jsonl",
        "keypoints.csv",
        "openpose.zip",
        "manifest.json",
    }
    # Another video of that name does not touch it.
    other = tmp_path / "other" / sample.name
    other.parent.mkdir()
    other.write_bytes(b"not a video")
    command[len(POSEWAY) + 1] = str(other)
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "video_unreadable" in second.stderr
    assert {path.name for path in folder.iterdir()} == names
