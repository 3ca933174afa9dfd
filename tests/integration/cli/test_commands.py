"""The commands, used as in a terminal and in scripts, on the running system."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from poseway.client import Client
from poseway.jobs import Job, JobState
from poseway.local.stack import Stack
from poseway.paths import ROOT
from tests.support.paths import python_path
from tests.support.videos import make_video

POSEWAY = [sys.executable, "-c", "from poseway.cli import app; app()"]


def poseway(*arguments: str | Path, url: str = "", folder: Path = ROOT) -> tuple[int, str, str]:
    """Runs a command without a terminal; returns exit code, standard output and standard error."""
    env = os.environ | {"PYTHONPATH": python_path(ROOT), "POSEWAY_URL": url, "NO_COLOR": "1"}
    done = subprocess.run(
        [*POSEWAY, *map(str, arguments)],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of grey without people."""
    grey = np.full((120, 160, 3), 128, np.uint8)
    path = tmp_path / "grey [1].mp4"
    path.write_bytes(make_video(10, picture=lambda _: grey))
    return path


@pytest.fixture
def done(client: Client, clip: Path) -> Iterator[Job]:
    """A job that succeeded."""
    job = client.wait(client.submit(clip).id)
    assert job.state is JobState.SUCCEEDED
    yield job
    client.delete(job.id)


def test_several_videos_are_submitted_at_once(stack: Stack, client: Client, clip: Path) -> None:
    bad = clip.with_name("bad.mp4")
    bad.write_bytes(b"not a video")
    code, out, err = poseway(
        "submit", clip, bad, "--wait", "--json", "--crf", "30", url=stack.gateway_url
    )
    good, failed = map(Job.model_validate, json.loads(out))
    assert (good.name, good.state, good.options.crf) == (clip.name, JobState.SUCCEEDED, 30)
    assert failed.state is JobState.FAILED
    assert code == 3
    assert "video_unreadable" in err
    for job in (good, failed):
        client.delete(job.id)


def test_rejected_video_does_not_stop_the_others(stack: Stack, client: Client, clip: Path) -> None:
    empty = clip.with_name("empty.mp4")
    empty.touch()
    code, out, err = poseway("submit", empty, clip, url=stack.gateway_url)
    assert code == 1
    assert "empty_file: empty.mp4: The file is empty" in err
    (job_id,) = out.split()
    assert client.wait(job_id).name == clip.name
    client.delete(job_id)


def test_repeated_word_makes_no_second_job(stack: Stack, client: Client, clip: Path) -> None:
    command = ("submit", clip, "--once", clip.parent.name)
    first, second = (poseway(*command, url=stack.gateway_url)[1] for _ in range(2))
    assert first == second
    client.delete(first.strip())


def test_result_is_fetched_in_part_and_whole(stack: Stack, done: Job, tmp_path: Path) -> None:
    url = stack.gateway_url
    code, out, _ = poseway(
        "get", done.id, "--only", "video.mp4", "--only", "csv", url=url, folder=tmp_path
    )
    assert code == 0
    folder = Path("outputs") / "grey [1]"
    assert out.split("\n")[:2] == [str(folder / "video.mp4"), str(folder / "keypoints.csv")]
    assert (tmp_path / folder / "video.mp4").stat().st_size > 0
    code, out, _ = poseway("get", done.id, tmp_path / "here", "--angles", "--json", url=url)
    answer = json.loads(out)
    assert code == 0
    assert answer["manifest"]["frames"] == 10
    files = {Path(path).relative_to(tmp_path / "here") for path in answer["files"]}
    assert {Path("video.mp4"), Path("angles.csv"), Path("manifest.json")} <= files
    assert all((tmp_path / "here" / file).is_file() for file in files)
    code, _, err = poseway("get", done.id, "--only", "film.mp4", url=url, folder=tmp_path)
    assert (code, "no_such_file" in err) == (5, True)


def test_jobs_are_followed_and_listed(stack: Stack, done: Job) -> None:
    url = stack.gateway_url
    code, out, _ = poseway("watch", done.id, "--json", url=url)
    assert code == 0
    assert Job.model_validate_json(out.splitlines()[-1]).state is JobState.SUCCEEDED
    code, out, _ = poseway("list", "--json", "--state", "succeeded", "--search", "GREY", url=url)
    assert done.id in [job["id"] for job in json.loads(out)]
    code, out, _ = poseway("list", "--json", "--state", "failed", "--search", "grey", url=url)
    assert json.loads(out) == []
    code, out, _ = poseway("list", "--search", "grey", url=url)
    (line,) = (line for line in out.splitlines() if done.id in line)
    assert line.split()[1:4] == ["grey", "[1].mp4", "succeeded"]


def test_delete_asks_for_confirmation(stack: Stack, client: Client, clip: Path) -> None:
    url = stack.gateway_url
    job = client.submit(clip)
    code, out, err = poseway("delete", job.id, url=url)
    assert (code, out) == (1, "")
    assert f"Remove {clip.name} with all results?" in err
    assert client.job(job.id).id == job.id
    code, out, _ = poseway("delete", job.id, "--yes", "--json", url=url)
    assert (code, json.loads(out)) == (0, {"deleted": [job.id]})
    for command in ("watch", "get", "delete"):
        code, out, err = poseway(command, job.id, url=url)
        assert (code, out) == (5, "")
        assert "job_not_found" in err


@contextmanager
def refusing() -> Iterator[str]:
    """Yields the address of a gateway that needs a key."""

    class Refuse(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"detail": "This needs an API key.", "code": "key_missing"}).encode()
            self.send_response(200 if self.path == "/readyz" else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refuse) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_each_error_has_its_exit_code(tmp_path: Path) -> None:
    assert poseway("list", url="http://127.0.0.1:1")[0] == 4
    code, _, err = poseway("list", "--data-dir", tmp_path)
    assert (code, "not_running" in err) == (4, True)
    assert poseway("list", "--state", "asleep")[0] == 2
    assert poseway("list", url="ftp://host")[0] == 1
    with refusing() as url:
        code, out, err = poseway("list", "--json", url=url)
    assert (code, out, "key_missing" in err) == (6, "", True)


def test_models_are_listed_and_fetched() -> None:
    code, out, _ = poseway("models", "--json")
    default, *_ = json.loads(out)
    assert code == 0
    assert default["default"]
    assert default["measured"]["ap"] > 0
    code, out, _ = poseway("models", "fetch", default["name"], "--json")
    assert json.loads(out)["fetched"] == [default["name"]]
    code, _, err = poseway("models", "fetch", "none-such")
    assert (code, "unknown_model" in err) == (1, True)


def test_doctor_finds_a_working_system(stack: Stack) -> None:
    code, out, err = poseway("doctor", "--json", url=stack.gateway_url)
    answer = json.loads(out)
    assert (code, answer["ok"]) == (0, True), out + err
    says = {check["name"]: check["says"] for check in answer["checks"]}
    assert says["gateway"] == f"{stack.gateway_url} accepts jobs"
    assert says["API key"] == "none is needed"
    assert "x264" in says["FFmpeg"]


def test_doctor_gives_advice(tmp_path: Path) -> None:
    code, out, _ = poseway("doctor", "--url", "http://127.0.0.1:1", "--data-dir", tmp_path)
    assert code == 1
    assert "fail  gateway: " in out
    assert "Start it with `poseway up`" in out
    with refusing() as url:
        code, out, _ = poseway("doctor", "--json", url=url)
    (check,) = (check for check in json.loads(out)["checks"] if check["name"] == "API key")
    assert (code, check["state"], check["says"]) == (1, "fail", "this gateway needs one")
