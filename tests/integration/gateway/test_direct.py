"""Parts sent directly to object storage at its public endpoint."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from poseway.client import Client
from poseway.errors import ConflictError
from poseway.jobs import JobOptions, JobState, Keys, new_job_id
from poseway.local.stack import Stack
from poseway_gateway.api.uploads.multipart_uploads import PART_BYTES, MultipartUploads
from tests.support.gateways import assert_problem, gateway
from tests.support.videos import make_video

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CORSConfigurationTypeDef


@pytest.fixture(scope="module")
def public(stack: Stack) -> str:
    """Another name of the same server, as known outside a cluster."""
    return (stack.storage_settings.s3_endpoint or "").replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def http(stack: Stack, public: str) -> Iterator[httpx.Client]:
    """A gateway that returns signed URLs of object storage."""
    with (
        gateway(stack, {"POSEWAY_S3_PUBLIC_ENDPOINT": public}) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def test_parts_are_sent_directly_to_object_storage(
    http: httpx.Client, stack: Stack, public: str
) -> None:
    video = make_video(6)
    new = {"name": "clip.mp4", "size": len(video)}
    upload = http.post("/v1/uploads", json=new).json()
    assert upload["direct"] is True
    place = upload["links"]["part"].format(number=1)
    url = http.get(f"{place}/url").json()["url"]
    assert url.startswith(f"{public}/")
    assert httpx.put(url.replace("partNumber=1", "partNumber=2"), content=video).status_code == 403
    assert httpx.put(url, content=video).status_code == 200
    assert http.get(upload["links"]["self"]).json()["parts"] == [{"number": 1, "size": len(video)}]
    assert http.post(upload["links"]["complete"]).status_code == 201
    with Client(stack.gateway_url) as client:
        assert client.wait(upload["id"]).state is JobState.SUCCEEDED


def test_object_storage_rejects_parts_of_other_sizes(http: httpx.Client) -> None:
    upload = http.post("/v1/uploads", json={"name": "a.mp4", "size": PART_BYTES + 10}).json()
    place = upload["links"]["part"]
    assert http.put(place.format(number=1), content=bytes(PART_BYTES)).status_code == 204
    url = http.get(place.format(number=2) + "/url").json()["url"]
    for size in (0, 9, 11, PART_BYTES):
        assert httpx.put(url, content=bytes(size)).status_code == 403
    assert_problem(http.post(upload["links"]["complete"]), 409, "upload_incomplete")
    assert_problem(http.get(place.format(number=3) + "/url"), 422, "wrong_part")
    assert http.delete(upload["links"]["self"]).status_code == 204
    assert httpx.put(url, content=bytes(10)).status_code == 404


def test_latest_part_of_the_right_size_counts(stack: Stack) -> None:
    uploads = MultipartUploads(stack.store, 1000, 60)
    pending = uploads.begin(new_job_id(), "a.mp4", 10, JobOptions(), "", None)

    def send(data: bytes) -> None:
        stack.store.client.upload_part(
            Bucket=stack.store.bucket,
            Key=Keys(pending.id).upload,
            UploadId=pending.storage_id,
            PartNumber=1,
            Body=data,
        )

    for _ in range(5):  # as a server that does not check sizes would accept them
        send(bytes(11))
    with pytest.raises(ConflictError, match="wrong size"):
        uploads.complete(pending)
    for data in (b"a" * 10, b"b" * 10, bytes(9)):
        send(data)
    try:
        assert uploads.arrived(pending) == {1: 10}
        uploads.complete(pending)
        assert stack.store.get(Keys(pending.id).upload)[0] == b"b" * 10
    finally:
        uploads.discard(pending)
    assert not stack.store.exists(Keys(pending.id).upload)


def test_parts_go_through_the_gateway_without_a_public_endpoint(stack: Stack) -> None:
    with httpx.Client(base_url=stack.gateway_url) as http:
        upload = http.post("/v1/uploads", json={"name": "a.mp4", "size": 10}).json()
        assert upload["direct"] is False
        answer = http.get(upload["links"]["part"].format(number=1) + "/url")
        assert_problem(answer, 404, "not_direct")
        http.delete(upload["links"]["self"])


def test_page_may_connect_to_object_storage_only(http: httpx.Client, public: str) -> None:
    policy = http.get("/").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for kind in ("connect-src", "img-src", "media-src"):
        assert rules[kind] == f"'self' {public}"
    assert rules["default-src"] == "'self'"


def test_bucket_cors_rules_admit_browsers(http: httpx.Client, stack: Stack) -> None:
    """Follows docs/uploads.md; without these rules, browsers use the gateway."""
    rules: CORSConfigurationTypeDef = {
        "CORSRules": [
            {
                "AllowedOrigins": ["https://poseway.example.org"],
                "AllowedMethods": ["GET", "PUT"],
                "AllowedHeaders": ["*"],
                "MaxAgeSeconds": 3600,
            }
        ]
    }
    upload = http.post("/v1/uploads", json={"name": "a.mp4", "size": 10}).json()
    url = http.get(upload["links"]["part"].format(number=1) + "/url").json()["url"]
    asks = {"Origin": "https://poseway.example.org", "Access-Control-Request-Method": "PUT"}
    stack.store.client.put_bucket_cors(Bucket=stack.store.bucket, CORSConfiguration=rules)
    try:
        allowed = httpx.options(url, headers=asks)
        assert allowed.is_success, json.dumps(dict(allowed.headers))
        assert allowed.headers["access-control-allow-origin"] == asks["Origin"]
        other = httpx.options(url, headers={**asks, "Origin": "https://elsewhere.example.org"})
        assert "access-control-allow-origin" not in other.headers
    finally:
        stack.store.client.delete_bucket_cors(Bucket=stack.store.bucket)
        http.delete(upload["links"]["self"])
