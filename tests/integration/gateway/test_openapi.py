"""The running gateway responds to any request as its OpenAPI document says."""

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
from tests.support.gateways import KEYS, gateway, submit, user
from tests.support.videos import make_video

# Checks that object to documented and intended behaviour.
UNFIT = (
    # A job exists before its result, which is not found until then.
    "ensure_resource_availability",
    # A schema cannot express that a part belongs to the upload, or that start precedes end.
    "positive_data_acceptance",
    # GET /v1/jobs/{job_id}/{path} matches every path, including that of shares: with 404.
    "allow_header_conformance",
    # An invalid share link gets the same response as a stranger: 404, no such job.
    # tests/integration/gateway/test_keys.py checks that every route requires a key.
    "ignored_auth",
)

KEY = "pw_00000005_" + "cd" * 20


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


def test_every_operation_is_described_with_examples_of_its_responses(
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


def assert_as_documented(url: str, folder: Path, *options: str, **parameters: str) -> None:
    """Sends generated requests to a gateway, with these values for path parameters."""
    config = folder / "schemathesis.toml"
    given = "".join(f'{name} = "{value}"\n' for name, value in parameters.items())
    checks = "".join(f"{name}.enabled = false\n" for name in UNFIT)
    config.write_text(
        f"[parameters]\n{given}[checks]\n{checks}"
        "[generation]\nallow-x00 = true\ndatabase = 'none'\n"
    )
    command: list[Path | str] = [
        Path(sys.executable).with_name("schemathesis"),
        f"--config-file={config}",
        "--no-color",
        "run",
        f"{url}/openapi.json",
        "--seed=1",  # makes failures reproducible
        "--request-timeout=30",
        "--continue-on-failure",
        "--exclude-path=/v1/events",  # its response never ends
        *options,
    ]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


# Each example is a request to the running system.
def test_responses_are_documented(stack: Stack, done: Job, tmp_path: Path) -> None:
    options = ("--max-examples=25", "--exclude-method=DELETE")
    assert_as_documented(stack.gateway_url, tmp_path, *options, job_id=done.id)


def test_responses_to_deletions_are_documented(stack: Stack, tmp_path: Path) -> None:
    """Deletes only what does not exist, since other tests need the rest."""
    options = ("--max-examples=10", "--include-method=DELETE")
    assert_as_documented(stack.gateway_url, tmp_path, *options, job_id="f" * 32, upload_id="f" * 32)


def test_unsatisfiable_range_is_documented(stack: Stack, done: Job, tmp_path: Path) -> None:
    options = ("--max-examples=5", "--include-method=GET", "--phases=examples,fuzzing")
    wanted = "--header=Range: bytes=99999999999-"
    assert_as_documented(
        stack.gateway_url, tmp_path, *options, wanted, job_id=done.id, path="video.mp4"
    )


def test_responses_with_keys_required_are_documented(stack: Stack, tmp_path: Path) -> None:
    options = ("--max-examples=5", "--exclude-method=DELETE")
    with gateway(stack, {**KEYS, "POSEWAY_FIRST_KEY": KEY}) as url:
        with user(url, KEY) as owner:
            job = submit(owner)
        key = f"--header=Authorization: Bearer {KEY}"
        assert_as_documented(url, tmp_path, *options, key, job_id=job)
