"""Starting and stopping the system from the command line."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from poseway.formats.manifest import Manifest, ModelInfo, SourceInfo
from poseway.jobs import Audio, JobOptions, Overlay, now
from poseway.local.errors import StackError
from poseway.local.ports import free_ports
from poseway.local.probes import is_ready
from poseway.local.stack import Stack, running
from poseway.local.supervisor import Process, Supervisor
from poseway.paths import ROOT
from tests.support.waiting import until

POSEWAY = [sys.executable, "-c", "from poseway.cli import app; app()"]


def behind_a_dead_proxy() -> dict[str, str]:
    """An environment whose proxy is dead, so that only direct requests succeed."""
    proxies = {f"{scheme}_proxy": "http://127.0.0.1:1" for scheme in ("http", "https", "all")}
    ours = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    return ours | proxies | {name.upper(): value for name, value in proxies.items()}


@pytest.fixture
def launched(tmp_path: Path, stack: Stack) -> Iterator[subprocess.Popen[bytes]]:
    """`poseway up`, beside the system that other tests share."""
    command = [*POSEWAY, "up", "--data-dir", str(tmp_path), "--port", str(free_ports(1)[0])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=behind_a_dead_proxy()) as process:
        until(lambda: process.poll() is not None or running(tmp_path))
        assert process.poll() is None, "it ended"
        yield process
        process.kill()


def assert_nothing_is_left(data_dir: Path, url: str) -> None:
    # The lock is released when the last process has ended.
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


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGKILL, marks=pytest.mark.essential),
        signal.SIGINT,
        signal.SIGTERM,
    ],
)
def test_nothing_is_left_however_the_launcher_ends(
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
    until(lambda: is_ready(stack.gateway_url))


def test_port_in_use_prevents_the_start(tmp_path: Path, stack: Stack) -> None:
    port = int(stack.gateway_url.rpartition(":")[2])
    second = Stack(tmp_path, port)
    with pytest.raises(StackError, match=f"port {port} already"), second:
        pytest.fail("it says that it runs")
    second.stop()


def test_ports_lie_outside_the_range_of_outgoing_connections() -> None:
    ports = free_ports(50)
    with socket.socket() as outgoing:
        outgoing.bind(("127.0.0.1", 0))
        assert max(ports) < outgoing.getsockname()[1]
    assert len(set(ports)) == 50
    with socket.create_server(("127.0.0.1", ports[0])):
        assert ports[0] not in free_ports(10_000)


def test_no_service_takes_the_port_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, *others = free_ports(16)
    monkeypatch.setattr("poseway.local.stack.free_ports", lambda _: [chosen, *others])
    system = Stack(tmp_path, chosen)
    addresses = system.inference_address, system.tracker_address, system.renderer_address
    ports = [system.storage_settings.s3_endpoint, system.env["POSEWAY_NATS_URL"], *addresses]
    assert system.gateway_url.endswith(f":{chosen}")
    assert not [port for port in ports if str(port).endswith(f":{chosen}")]
    system.stop()


def test_ended_process_is_not_ready_even_if_another_responds(tmp_path: Path) -> None:
    def another_responds() -> bool:
        assert process.running is not None
        process.running.wait()
        return True

    process = Process("short", [sys.executable, "-c", "print('bye')"], {}, another_responds)
    supervisor = Supervisor(tmp_path)
    try:
        with pytest.raises(StackError, match="short exited during start-up:\nbye"):
            supervisor.start([process])
    finally:
        supervisor.stop()


KILLED_WHILE_IT_STARTS = """
import os, signal, subprocess, sys
from pathlib import Path
from poseway.local.supervisor import Process, Supervisor

supervisor = Supervisor(Path(sys.argv[1]))
started = subprocess.Popen

def start_and_be_killed(*args, **kwargs):
    started(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)

subprocess.Popen = start_and_be_killed
supervisor.start([Process("sleep", ["sleep", sys.argv[2]], {}, lambda: True)])
"""


def test_launcher_killed_during_a_start_leaves_nothing(tmp_path: Path) -> None:
    seconds = f"{10**6 + os.getpid()}"  # also identifies the process
    command = [sys.executable, "-c", KILLED_WHILE_IT_STARTS, str(tmp_path), seconds]
    # The reaper and the process hold the output open, so it ends with the last of them.
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=15, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not any(
        seconds.encode() in _command(entry)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit()
    )


def test_address_left_by_a_killed_system_is_not_trusted(tmp_path: Path, stack: Stack) -> None:
    left = tmp_path / "stack.json"
    left.write_text(json.dumps({"gateway_url": stack.gateway_url}))
    assert running(tmp_path) is None
    # Nor while the next system is starting and already holds the lock.
    (tmp_path / "lock").touch()
    assert running(tmp_path) is None
    starting = Stack(tmp_path)
    assert running(tmp_path) is None
    starting.stop()
    assert running(stack.data_dir) == stack.gateway_url


def test_secrets_are_readable_by_the_owner_only(stack: Stack) -> None:
    for name in ("secrets.json", "nats.conf"):
        assert (stack.data_dir / name).stat().st_mode & 0o077 == 0


def test_no_secret_is_logged(stack: Stack) -> None:
    secrets = json.loads((stack.data_dir / "secrets.json").read_text()).values()
    logs = "".join(path.read_text(errors="replace") for path in stack.data_dir.glob("logs/*.log"))
    assert logs
    assert not [secret for secret in secrets if secret in logs]


def leave_an_older_result(folder: Path, video: Path) -> None:
    """Leaves an older result of a video, with images that the new one lacks."""
    content = video.read_bytes()
    source = SourceInfo(
        name=video.name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        codec="vp9",
        width=1768,
        height=994,
        frame_rate="30",
        time_base="1/30",
    )
    manifest = Manifest(
        job="0" * 32,
        source=source,
        options=JobOptions(),
        model=ModelInfo(name="any", sha256="", engine="", device="", precision=""),
        frames=1,
        duration_seconds=1,
        people=0,
        tracks=0,
        segments=1,
        seconds={},
        audio_codec=None,
        files=[],
        created_at=now(),
    )
    for name in ("stills/person_099.jpg", "screenshots/frame_000099.jpg"):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"old")
    (folder / "manifest.json").write_text(manifest.model_dump_json())


def test_run_leaves_the_result_in_a_folder(stack: Stack, sample: Path, tmp_path: Path) -> None:
    # Square brackets are markup to the library that prints the paths.
    video = tmp_path / "my clip [draft].mp4"
    video.symlink_to(sample)
    command = [
        *POSEWAY,
        "run",
        str(video),
        "--output",
        str(tmp_path),
        *("--overlay", "faces_blurred", "--no-ids", "--scores", "--boxes", "--trails"),
        *("--line-width", "3", "--crf", "35", "--max-resolution", "360"),
        *("--csv", "--openpose", "--coco", "--trc", "--angles"),
        "--data-dir",
        str(stack.data_dir),
    ]
    env = behind_a_dead_proxy()
    folder = tmp_path / video.stem
    leave_an_older_result(folder, sample)
    first = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert "230 frames" in first.stdout
    assert f"  {folder}/video.mp4\n" in first.stdout
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "video.mp4",
        "poster.jpg",
        "contact_sheet.jpg",
        "screenshots",
        "stills",
        "keypoints.jsonl",
        "tracks.json",
        "keypoints.csv",
        "openpose.zip",
        "coco.json",
        "trc.zip",
        "angles.csv",
        "manifest.json",
    }
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_text())
    assert manifest.options == JobOptions(
        model=manifest.model.name,
        overlay=Overlay.FACES_BLURRED,
        ids=False,
        scores=True,
        boxes=True,
        trails=True,
        line_width=3,
        crf=35,
        max_resolution=360,
        audio=Audio.DROP,  # the default, as no option was given
    )
    pictures = {f"{path.parent.name}/{path.name}" for path in folder.glob("*/*.jpg")}
    assert pictures == {file.path for file in manifest.files if "/" in file.path}
    # Another video of the same name does not overwrite it.
    other = tmp_path / "other" / video.name
    other.parent.mkdir()
    other.write_bytes(b"not a video")
    command[len(POSEWAY) + 1] = str(other)
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert "video_unreadable" in second.stderr
    assert {path.name for path in folder.iterdir()} == names


def test_error_is_printed_verbatim(stack: Stack, sample: Path) -> None:
    command = [*POSEWAY, "run", str(sample), "--model", "[/b]", "--data-dir", str(stack.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "There is no model '[/b]'" in done.stderr


def test_make_run_takes_any_file_name(tmp_path: Path) -> None:
    program = tmp_path / "poseway"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    name = 'my "best" holiday\'s [1].mp4'
    # Only the command itself; everything before it counts as done.
    done_before = ("weights", "poseway/v1/.generated", "requirements/run.lock")
    command = ["make", "--silent", "run", *(f"--old-file={target}" for target in done_before)]
    command += [f"BIN={tmp_path}", f"VIDEO={name}", "ARGS=--csv"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["run", "--csv", "--", name]
