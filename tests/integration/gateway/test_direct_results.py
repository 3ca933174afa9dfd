"""Results served directly from object storage."""

from collections.abc import Iterator

import httpx
import pytest

from poseway.jobs import JobOptions, JobRequest, Keys, new_job_id, now
from poseway.local.stack import Stack
from tests.support.gateways import assert_problem, gateway


@pytest.fixture(scope="module")
def job(stack: Stack) -> Iterator[str]:
    """A job with a result."""
    request = JobRequest(
        id=new_job_id(), name="wälk.mov", size=1, sha256="", created_at=now(), options=JobOptions()
    )
    keys = Keys(request.id)
    stack.store.put(keys.request, request.model_dump_json().encode(), "application/json")
    stack.store.put(keys.video, b"0123456789", "video/mp4")
    stack.store.put(keys.manifest, b"{}", "application/json")
    yield request.id
    stack.store.delete_prefix(keys.result)
    stack.store.delete_prefix(keys.record)


def test_result_redirects_to_the_public_endpoint(stack: Stack, job: str) -> None:
    public = (stack.storage_settings.s3_endpoint or "").replace("127.0.0.1", "localhost")
    path = f"/v1/jobs/{job}/video.mp4"
    with (
        gateway(stack, {"POSEWAY_S3_PUBLIC_ENDPOINT": public}) as url,
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        answer = http.get(path, params={"direct": "true"})
        assert answer.status_code == 307
        place = answer.headers["location"]
        assert place.startswith(f"{public}/")
        part = httpx.get(place, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        assert part.headers["content-type"] == "video/mp4"
        assert part.headers["content-disposition"].endswith("w%C3%A4lk_video.mp4")
        assert httpx.get(place.replace("video.mp4", "manifest.json")).status_code == 403
        missing = http.get(f"/v1/jobs/{job}/poster.jpg", params={"direct": "true"})
        assert_problem(missing, 404, "no_such_file")
        assert http.get(path).content == b"0123456789"
        head = http.head(path, params={"direct": "true"}, follow_redirects=True)
        assert (head.status_code, head.headers["content-length"]) == (200, "10")
        assert head.url.host == "127.0.0.1"


def test_result_is_served_without_a_public_endpoint(stack: Stack, job: str) -> None:
    answer = httpx.get(f"{stack.gateway_url}/v1/jobs/{job}/video.mp4?direct=true", timeout=30)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
