"""A format that is added to the table appears in the API, in the zip and on the command line."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from poseway.client import Client
from poseway.jobs import Job, JobState
from poseway.local.stack import Stack
from tests.support.gateways import gateway
from tests.support.toy_format import TOY
from tests.support.videos import make_video

WITH_TOY = (sys.executable, "-m", "tests.support.toy_format")
CONTENT = b"clip has 10 frames\n"


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    """A gateway with the toy format."""
    with gateway(stack, {}, command=(*WITH_TOY, "poseway_gateway.api")) as running:
        yield running


@pytest.fixture(scope="module")
def done(url: str) -> Iterator[Job]:
    """A job that succeeded, as that gateway shows it."""
    with Client(url) as client:
        job = client.wait(client.submit(make_video(10), name="clip.mp4").id)
        assert job.state is JobState.SUCCEEDED
        yield job
        client.delete(job.id)


def test_registered_format_has_a_route_a_link_and_a_description(url: str, done: Job) -> None:
    with httpx.Client(base_url=url) as http:
        assert done.links["toy"] == f"/v1/jobs/{done.id}/toy.txt"
        answer = http.get(done.links["toy"])
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["content-type"] == TOY.media_type
        assert answer.headers["content-disposition"].endswith("clip_toy.txt")
        listed = http.get(done.links["formats"]).json()["formats"]
        assert listed[-1]["title"] == "Toy"
        operation = http.get("/openapi.json").json()["paths"]["/v1/jobs/{job_id}/toy.txt"]["get"]
        assert operation["description"] == "Toy: the number of frames."


def test_zip_contains_a_registered_format(url: str, done: Job) -> None:
    whole = httpx.get(f"{url}{done.links['zip']}").content
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.read("clip/toy.txt") == CONTENT


def test_registered_format_has_a_flag(url: str, done: Job, tmp_path: Path) -> None:
    command = [*WITH_TOY, "poseway", "get", done.id, str(tmp_path), "--url", url]
    subprocess.run([*command, "--toy"], check=True, capture_output=True)
    assert (tmp_path / "toy.txt").read_bytes() == CONTENT
    helped = subprocess.run([*command, "--help"], check=True, capture_output=True, text=True)
    assert "Also fetch toy.txt: toy, the number of frames." in helped.stdout
