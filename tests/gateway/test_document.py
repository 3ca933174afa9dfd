"""What the running gateway answers is what its OpenAPI document says, whatever it is asked."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from poseway.client import Client
from poseway.jobs import Job, JobState
from poseway.local.stack import Stack
from tests.videos import make_video

# What these object to is documented, and as it should be.
UNFIT = (
    # A job is made before its result is: until then that is not found.
    "ensure_resource_availability",
    # A schema does not say that a part must be one of this upload, or that start is before end.
    "positive_data_acceptance",
    # GET /v1/jobs/{job_id}/{path} takes every path, so that of the shares, too: with 404.
    "allow_header_conformance",
)


@pytest.fixture(scope="module")
def document(stack: Stack) -> dict[str, Any]:
    answer = httpx.get(f"{stack.gateway_url}/openapi.json")
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def done(stack: Stack) -> Iterator[Job]:
    """A short job that succeeded."""
    with Client(stack.gateway_url) as client:
        path = stack.data_dir / "documented.mp4"
        path.write_bytes(make_video(6, sound=True))
        *_, last = client.watch(client.submit(path).id)
        assert last.state is JobState.SUCCEEDED, last.error
        yield last


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_every_operation_is_described_and_its_answers_have_examples(
    document: dict[str, Any],
) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        for status, answer in operation["responses"].items():
            assert answer["description"], (name, status)
            for media_type, content in answer.get("content", {}).items():
                if int(status) >= 400:
                    assert media_type == "application/problem+json", (name, status)
                    assert content["examples"], (name, status)


# Each example is a request to the running system; the seed makes a failure come again.
def test_nothing_is_answered_that_is_not_documented(
    stack: Stack, done: Job, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    checks = "".join(f"{name}.enabled = false\n" for name in UNFIT)
    config.write_text(
        f'[parameters]\njob_id = "{done.id}"\n[checks]\n{checks}'
        "[generation]\nallow-x00 = true\ndatabase = 'none'\n"
    )
    command: list[Path | str] = [
        Path(sys.executable).with_name("schemathesis"),
        f"--config-file={config}",
        "--no-color",
        "run",
        f"{stack.gateway_url}/openapi.json",
        "--max-examples=25",
        "--seed=1",
        "--request-timeout=30",
        "--continue-on-failure",
        "--exclude-method=DELETE",
        "--exclude-path=/v1/events",  # it does not end
    ]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
