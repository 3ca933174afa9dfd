"""File names are returned as given, and downloads have portable names."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import httpx
import pytest

from poseway.cli import result
from poseway.client import Client
from poseway.formats.manifest import SourceInfo
from poseway.jobs import JobState
from poseway.local.stack import Stack
from tests.support.videos import make_video
from tests.unit.gateway.api.uploads.test_content_disposition import NASTY
from tests.unit.poseway.test_filenames import assert_portable

LONG = (
    "日" * 77 + ".mp4",
    "a" * 251 + ".mp4",
    "e\u0301" * 83 + ".mp4",
    "👨\u200d👩\u200d👧" * 13 + ".mp4",
)
RESERVED = ("CON.mp4", "nul.2024.mov", "COM¹", "aux .mp4", " . .mp4", "a?.mp4")
NAMES = (*NASTY, "a%22b.mp4", *LONG, *RESERVED)
ARCHIVES = ("openpose.zip", "trc.zip", "all.zip")


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        yield client


def by_client(http: httpx.Client, name: str) -> str:
    with Client(str(http.base_url)) as client:
        return client.submit(b"no video", name=name).id


def by_file(http: httpx.Client, name: str, folder: Path) -> str:
    (folder / name).write_bytes(b"no video")
    with Client(str(http.base_url)) as client:
        return client.submit(folder / name).id


def by_parts(http: httpx.Client, name: str) -> str:
    upload = http.post("/v1/uploads", json={"name": name, "size": 8}).json()
    assert upload["name"] == name
    http.put(upload["links"]["part"].format(number=1), content=b"no video")
    return str(http.post(upload["links"]["complete"]).json()["id"])


def by_form(http: httpx.Client, name: str) -> str:
    return str(http.post("/v1/jobs", files={"video": (name, b"no video")}).json()["id"])


def assert_kept(http: httpx.Client, job: str, name: str) -> None:
    assert http.get(f"/v1/jobs/{job}").json()["name"] == name
    listed = http.get("/v1/jobs", params={"limit": "100"}).json()["jobs"]
    assert name in {other["name"] for other in listed if other["id"] == job}
    # They are many, and would delay the jobs of other tests.
    assert http.delete(f"/v1/jobs/{job}").is_success


@pytest.mark.parametrize("name", NAMES)
def test_name_is_returned_as_given(http: httpx.Client, name: str, tmp_path: Path) -> None:
    ways: list[Callable[[httpx.Client, str], str]] = [by_client, by_parts]
    if "%22" not in name:  # in a form, this stands for a quote
        ways.append(by_form)
    for way in ways:
        assert_kept(http, way(http, name), name)
    if len(name.encode()) <= 255:
        assert_kept(http, by_file(http, name, tmp_path), name)


@pytest.mark.parametrize("name", ['a"b.mp4', "gpj\u202e.mp4", LONG[0], LONG[3], *RESERVED])
def test_downloads_have_portable_names(
    http: httpx.Client, client: Client, tmp_path: Path, name: str
) -> None:
    job = client.wait(client.submit(make_video(3), name=name).id)
    assert job.state is JobState.SUCCEEDED
    for file in ("video.mp4", "keypoints.csv", *ARCHIVES):
        answer = http.get(f"/v1/jobs/{job.id}/{file}")
        suggested = unquote(answer.headers["content-disposition"].partition("filename*=UTF-8''")[2])
        assert_portable(suggested)
        assert suggested.endswith(f"_{file}")
        if file in ARCHIVES:
            entries = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
            assert len({entry.casefold() for entry in entries}) == len(entries)
            for entry in entries:
                for part in PurePosixPath(entry).parts:
                    assert_portable(part)
    folder = result.target(tmp_path, client.manifest(job.id).source)
    assert_portable(folder.name)
    client.fetch(job, folder, only=["manifest.json"])
    assert (tmp_path / folder.name / "manifest.json").exists()


@pytest.mark.parametrize("name", ["日" * 84 + ".mp4", "a.mp4", "CON"])
def test_second_result_with_the_same_name_has_its_own_folder(tmp_path: Path, name: str) -> None:
    source = SourceInfo(
        name=name,
        size=1,
        sha256="0",
        codec="h264",
        width=8,
        height=8,
        frame_rate="30",
        time_base="1/30",
    )
    first = result.target(tmp_path, source)
    first.mkdir()
    second = result.target(tmp_path, source)
    assert second.name.endswith("-2")
    assert first != second
    for folder in (first, second):
        assert_portable(folder.name)
