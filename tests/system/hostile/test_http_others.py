"""Ids of other owners: on every documented route they look like ids that do not exist."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from poseway.client import Client
from poseway.jobs import JobState
from tests.support.gateways import user
from tests.support.videos import make_video
from tests.system.hostile.conftest import Keyed
from tests.system.hostile.http_raw import PATIENCE, Answer

NOBODYS = "f" * 32
# Headers that differ between responses anyway.
VARIES = ("date", "ratelimit-remaining", "ratelimit-reset", "content-length")
# Parameters of paths other than ids.
WITHIN = {"number": "1", "path": "manifest.json"}


@dataclass
class Owned:
    """Objects that belong to a key."""

    job: str
    upload: str


@pytest.fixture(scope="module")
def owned(keyed: Keyed) -> Iterator[Owned]:
    with Client(keyed.url, keyed.keys[0]) as client, user(keyed.url, keyed.keys[0]) as http:
        job = client.wait(client.submit(make_video(10), name="mine.mp4").id)
        assert job.state is JobState.SUCCEEDED
        begun = http.post("/v1/uploads", json={"name": "mine", "size": 10}).json()
        assert http.put(f"/v1/uploads/{begun['id']}/parts/1", content=b"x" * 10).is_success
        yield Owned(job.id, begun["id"])
        client.delete(job.id)
        http.delete(f"/v1/uploads/{begun['id']}")


def operations(url: str) -> list[tuple[str, str, dict[str, Any]]]:
    """All documented operations with an id in the path."""
    paths = httpx.get(f"{url}/openapi.json", timeout=PATIENCE).json()["paths"]
    return [
        (method, path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "_id}" in path
    ]


def ask(client: httpx.Client, method: str, path: str, thing: str, body: object) -> httpx.Response:
    place = re.sub(r"\{(\w+)\}", lambda name: WITHIN.get(name[1], thing), path)
    if isinstance(body, bytes):
        answer = client.request(method, place, content=body)
    else:
        answer = client.request(method, place, json=body)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    Answer(answer.status_code, headers, answer.content).check(str(answer.request.url).encode())
    return answer


def shape(answer: httpx.Response, thing: str) -> tuple[int, dict[str, str], str]:
    headers = {name: value for name, value in answer.headers.items() if name not in VARIES}
    return answer.status_code, headers, answer.text.replace(thing, "ID")


def body_of(operation: dict[str, Any]) -> object:
    """A valid body, so that only the id is wrong."""
    kinds = operation.get("requestBody", {}).get("content", {})
    return b"x" * 10 if "application/octet-stream" in kinds else {} if kinds else b""


def test_ids_of_other_owners_look_nonexistent(keyed: Keyed, owned: Owned) -> None:
    asked = operations(keyed.url)
    assert len(asked) > 15
    with user(keyed.url, keyed.keys[1]) as other:
        for method, path, operation in asked:
            body = body_of(operation)
            for thing in (owned.job, owned.upload):
                found = shape(ask(other, method, path, thing, body), thing)
                assert found == shape(ask(other, method, path, NOBODYS, body), NOBODYS), path
                assert found[0] == 404, (method, path)


def test_their_owner_still_sees_them_unchanged(keyed: Keyed, owned: Owned) -> None:
    with user(keyed.url, keyed.keys[0]) as owner:
        for method, path, _ in operations(keyed.url):
            if method == "get":
                thing = owned.job if "{job_id}" in path else owned.upload
                answer = ask(owner, method, path, thing, b"")
                unknown = answer.status_code == 404 and answer.json()["code"]
                assert unknown not in ("job_not_found", "upload_not_found"), path
        assert owner.get(f"/v1/jobs/{owned.job}").json()["state"] == "succeeded"
        upload = owner.get(f"/v1/uploads/{owned.upload}").json()
        assert (len(upload["parts"]), upload["complete"]) == (1, False)


def test_lists_and_searches_show_nothing_of_other_owners(keyed: Keyed, owned: Owned) -> None:
    with user(keyed.url, keyed.keys[1]) as other:
        for query in ({}, {"q": "mine"}, {"cursor": "0" * 32}, {"cursor": owned.job}):
            assert owned.job not in other.get("/v1/jobs", params=query).text
