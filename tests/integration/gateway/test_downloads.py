"""Export routes, with a result placed in real storage."""

import io
import zipfile
from collections.abc import Iterator
from fractions import Fraction

import httpx
import pytest

from poseway.formats import keypoints, tracks
from poseway.formats.exports import FORMATS
from poseway.jobs import JobOptions, JobRequest, JobState, JobStatus, Keys, new_job_id, now
from poseway.local.stack import Stack
from poseway.storage import ObjectStore
from tests.support.walk import FRAMES, SPANS, source, walk

TYPES = {
    "csv": ("keypoints.csv", "text/csv; charset=utf-8"),
    "angles": ("angles.csv", "text/csv; charset=utf-8"),
    "coco": ("coco.json", "application/json"),
    "openpose": ("openpose.zip", "application/zip"),
    "trc": ("trc.zip", "application/zip"),
}
FILES = {
    "contact_sheet.jpg": (b"sheet", "image/jpeg"),
    "stills/person_001.jpg": (b"still", "image/jpeg"),
    "stills/person_1000.jpg": (b"other", "image/jpeg"),
}


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        yield client


@pytest.fixture
def job(stack: Stack) -> Iterator[str]:
    """A job without a result; files that the test adds are removed."""
    request = JobRequest(
        id=new_job_id(),
        name="my wälk.mov",
        size=1,
        sha256="0" * 64,
        created_at=now(),
        options=JobOptions(),
    )
    keys = Keys(request.id)
    stack.store.put(keys.request, request.model_dump_json().encode(), "application/json")
    yield request.id
    stack.store.delete_prefix(keys.result)
    stack.store.delete_prefix(keys.record)


def finish(store: ObjectStore, job: str, *, with_tracks: bool = True) -> bytes:
    keys = Keys(job)
    file = walk(smoothed=True)
    store.put(keys.keypoints, file, keypoints.CONTENT_TYPE)
    if with_tracks:
        runs = {
            track: [tracks.Run(first, last, first / 30, (last + 1) / 30) for first, last in its]
            for track, its in SPANS.items()
        }
        found = tracks.presence(runs, FRAMES, Fraction(30), Fraction(FRAMES, 30))
        store.put(keys.tracks, found.file(), "application/json")
    for path, (data, content_type) in FILES.items():
        store.put(keys.result + path, data, content_type)
    status = JobStatus(state=JobState.SUCCEEDED)
    store.put(keys.status, status.model_dump_json().encode(), "application/json")
    store.put(keys.manifest, b"{}", "application/json")
    return file


def test_exports_are_not_found_before_the_result_exists(http: httpx.Client, job: str) -> None:
    for name, _ in TYPES.values():
        for answer in (http.get(f"/v1/jobs/{job}/{name}"), http.head(f"/v1/jobs/{job}/{name}")):
            assert answer.status_code == 404, name
    assert http.get(f"/v1/jobs/{job}/{name}").json()["code"] == "no_result"


def test_links_lead_to_every_export(stack: Stack, http: httpx.Client, job: str) -> None:
    file = finish(stack.store, job)
    links = http.get(f"/v1/jobs/{job}").json()["links"]
    for link, (name, media_type) in TYPES.items():
        assert links[link] == f"/v1/jobs/{job}/{name}"
        head, got = http.head(links[link]), http.get(links[link])
        assert head.content == b""
        for answer in (head, got):
            assert answer.status_code == 200
            assert answer.headers["content-type"] == media_type
            assert answer.headers["content-disposition"] == (
                f"attachment; filename*=UTF-8''my%20w%C3%A4lk_{name}"
            )
    for made in FORMATS:
        content = b"".join(made.convert(source(file, "my wälk")))
        assert http.get(links[made.name]).content == content, made.name


def test_export_formats_are_listed(stack: Stack, http: httpx.Client, job: str) -> None:
    finish(stack.store, job)
    answer = http.get(http.get(f"/v1/jobs/{job}").json()["links"]["formats"])
    assert answer.status_code == 200
    listed = answer.json()["formats"]
    assert {made["name"]: (made["file"], made["media_type"]) for made in listed} == TYPES
    assert listed[0] == {
        "name": "csv",
        "file": "keypoints.csv",
        "media_type": "text/csv; charset=utf-8",
        "title": "Keypoints as a table",
        "contents": "a row per person and frame",
    }


@pytest.mark.parametrize("with_tracks", [True, False])
def test_trc_of_older_results_has_a_file_per_person(
    stack: Stack, http: httpx.Client, job: str, with_tracks: bool
) -> None:
    finish(stack.store, job, with_tracks=with_tracks)
    archive = zipfile.ZipFile(io.BytesIO(http.get(f"/v1/jobs/{job}/trc.zip").content))
    assert archive.testzip() is None
    assert archive.namelist() == [f"my wälk_person_{track:03d}.trc" for track in SPANS]


def test_images_and_tracks_are_served(stack: Stack, http: httpx.Client, job: str) -> None:
    finish(stack.store, job)
    for path, (data, content_type) in FILES.items():
        answer = http.get(f"/v1/jobs/{job}/{path}")
        assert (answer.status_code, answer.content) == (200, data)
        assert answer.headers["content-type"] == content_type
        assert http.head(f"/v1/jobs/{job}/{path}").headers["content-length"] == str(len(data))
    links = http.get(f"/v1/jobs/{job}").json()["links"]
    assert http.get(links["contact_sheet"]).content == b"sheet"
    assert http.get(links["tracks"]).json()["format"] == "poseway-tracks"
    for path in ("stills/person_1.jpg", "stills/person_002.jpg", "stills/request.json"):
        assert http.get(f"/v1/jobs/{job}/{path}").status_code == 404
