"""Share links to one job."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from poseway.api_keys import ApiKeys
from poseway.local.stack import Stack
from tests.support.gateways import KEYS, assert_problem, gateway, submit, user
from tests.support.videos import make_video


@dataclass(frozen=True)
class Owner:
    """A client with a key and a job that succeeded."""

    url: str
    name: str
    key: str
    job: str

    def share(self, seconds: int = 3600) -> dict[str, str]:
        with user(self.url, self.key) as client:
            body = {"expires_in_seconds": seconds}
            answer = client.post(f"/v1/jobs/{self.job}/shares", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, str] = answer.json()
        return made


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Iterator[Owner]:
    _, key = ApiKeys(stack.store).create("shares")
    with gateway(stack, KEYS) as url, user(url, key) as client:
        job = submit(client, make_video(6))
        with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
            assert any('"state":"succeeded"' in line for line in stream.iter_lines())
        yield Owner(url, "shares", key, job)


def test_share_link_shows_the_job_and_its_result(owner: Owner) -> None:
    made = owner.share()
    assert made["page"] == f"/#/{owner.job}?share={made['token']}"
    with user(owner.url) as guest:
        path = f"/v1/jobs/{owner.job}"
        job = guest.get(path, params={"share": made["token"]}).json()
        assert job["state"] == "succeeded"
        assert {"video", "keypoints", "csv"} <= set(job["links"])
        for link in job["links"].values():
            assert guest.get(path).status_code == 401
            assert guest.get(link).status_code == 200, link
        events = guest.get(f"{path}/events", params={"share": made["token"]}).text
        assert made["token"] in events
        head = guest.head(job["links"]["video"])
        assert (head.status_code, head.headers["accept-ranges"]) == (200, "bytes")


def test_share_link_gives_no_other_access(owner: Owner) -> None:
    query = {"share": owner.share()["token"]}
    with user(owner.url, owner.key) as client:
        other = submit(client)
    with user(owner.url) as guest:
        assert_problem(guest.get(f"/v1/jobs/{other}", params=query), 404, "job_not_found")
        for path in ("/v1/jobs", "/v1/session", "/v1/models", f"/v1/jobs/../jobs?x={owner.job}"):
            assert guest.get(path, params=query).status_code in (401, 404), path
        assert_problem(guest.delete(f"/v1/jobs/{owner.job}", params=query), 401, "key_missing")
        again = guest.post(f"/v1/jobs/{owner.job}/shares", params=query)
        assert_problem(again, 401, "key_missing")


def test_share_link_works_with_another_key(stack: Stack, owner: Owner) -> None:
    _, key = ApiKeys(stack.store).create("visitor")
    query = {"share": owner.share()["token"]}
    with user(owner.url, key) as visitor:
        job = visitor.get(f"/v1/jobs/{owner.job}", params=query).json()
        assert query["share"] in job["links"]["video"]
        assert_problem(visitor.get(f"/v1/jobs/{owner.job}"), 404, "job_not_found")
        assert_problem(visitor.delete(f"/v1/jobs/{owner.job}", params=query), 404, "job_not_found")


def test_lifetime_of_share_links_is_bounded(owner: Owner) -> None:
    with user(owner.url, owner.key) as client:
        for seconds in (0, 59, 10**9):
            body = {"expires_in_seconds": seconds}
            answer = client.post(f"/v1/jobs/{owner.job}/shares", json=body)
            assert_problem(answer, 422, "invalid_request")
        usual = client.post(f"/v1/jobs/{owner.job}/shares").json()
    assert usual["expires_at"] > owner.share()["expires_at"]


def test_openapi_documents_share_links(owner: Owner) -> None:
    with user(owner.url, owner.key) as client:
        for path, methods in (("/shares", "POST"), ("", "DELETE, GET, HEAD")):
            refused = client.put(f"/v1/jobs/{owner.job}{path}")
            assert_problem(refused, 405, "method_not_allowed")
            assert refused.headers["allow"] == methods


def test_share_links_work_without_keys(stack: Stack) -> None:
    with user(stack.gateway_url) as client:
        job = submit(client)
        made = client.post(f"/v1/jobs/{job}/shares").json()
        shown = client.get(f"/v1/jobs/{job}", params={"share": made["token"]}).json()
        assert made["token"] in shown["links"]["self"]


def test_share_links_end_with_the_key_of_their_owner(stack: Stack, owner: Owner) -> None:
    query = {"share": owner.share()["token"]}
    with user(owner.url) as guest:

        def ask() -> httpx.Response:
            return guest.get(f"/v1/jobs/{owner.job}", params=query)

        ApiKeys(stack.store).rotate(owner.name)
        assert ask().status_code == 200
        ApiKeys(stack.store).revoke(owner.name)
        began = time.monotonic()
        while ask().status_code == 200:
            assert time.monotonic() - began < 30
            time.sleep(0.2)
        assert_problem(ask(), 404, "job_not_found")
