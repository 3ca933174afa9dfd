"""The route for frames of a time range."""

import itertools
from collections.abc import Iterator

import httpx
import pytest

from poseway.formats import keypoints
from poseway.jobs import JobOptions, JobRequest, Keys, new_job_id, now
from poseway.local.stack import Stack
from tests.support.walk import walk


@pytest.fixture
def job(stack: Stack) -> Iterator[str]:
    """A job with keypoints, but no manifest yet."""
    request = JobRequest(
        id=new_job_id(), name="a", size=1, sha256="", created_at=now(), options=JobOptions()
    )
    keys = Keys(request.id)
    stack.store.put(keys.request, request.model_dump_json().encode(), "application/json")
    stack.store.put(keys.keypoints, walk(smoothed=True), keypoints.CONTENT_TYPE)
    yield request.id
    stack.store.delete_prefix(keys.result)
    stack.store.delete_prefix(keys.record)


def test_frames_route(stack: Stack, job: str) -> None:
    with httpx.Client(base_url=f"{stack.gateway_url}/v1/jobs/{job}", timeout=60) as http:
        assert http.get("/frames").json()["code"] == "no_result"
        stack.store.put(Keys(job).manifest, b"{}", "application/json")
        answer = http.get("/frames", params={"start": 0.1, "end": 0.2})
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        assert [frame["frame"] for frame in body["frames"]] == [2, 3, 4, 5]
        assert body["next"] == pytest.approx(6 * 1001 / 30000, abs=1e-6)
        again = http.get("/frames", headers={"If-None-Match": f'"x", {answer.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        for wrong in ({"start": 3, "end": 3}, {"start": -1}, {"start": "nan"}, {"end": "inf"}):
            refused = http.get("/frames", params=wrong)
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), wrong


def test_frames_of_adjacent_ranges_join(stack: Stack, job: str) -> None:
    stack.store.put(Keys(job).manifest, b"{}", "application/json")
    url = f"{stack.gateway_url}/v1/jobs/{job}/frames"
    whole = httpx.get(url, timeout=60).json()["frames"]
    edges = [0, 2 * 1001 / 30000, 5 * 1001 / 30000, 60]
    parts = [
        httpx.get(url, params={"start": round(a, 6), "end": round(b, 6)}, timeout=60).json()
        for a, b in itertools.pairwise(edges)
    ]
    assert [frame for part in parts for frame in part["frames"]] == whole
