"""The HTTP API of the running system."""

import asyncio
import inspect
import re
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from poseway.client import Client
from poseway.jobs import Job, JobOptions, JobState, Keys
from poseway.local.stack import Stack
from poseway.model_cards import load_cards
from poseway_gateway.api.web.object_response import StoredResponse
from tests.support.videos import make_video

FEW_FRAMES = 6


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def done(stack: Stack) -> Job:
    """A short job that succeeded."""
    with Client(stack.gateway_url) as client:
        path = stack.data_dir / "numbers.mp4"
        path.write_bytes(make_video(FEW_FRAMES, sound=True))
        job = client.submit(path, {"screenshot_frames": "2"})
        *_, last = client.watch(job.id)
    assert last.state is JobState.SUCCEEDED, last.error
    return last


def post(http: httpx.Client, data: bytes, **options: str) -> httpx.Response:
    return http.post("/v1/jobs", data=options, files={"video": ("clip.mp4", data)})


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert len(body["detail"]) > 10


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"model": "best-model-ever"}, "unknown_model"),
        ({"overlay": "rainbow"}, "invalid_options"),
        ({"smoothing": "much"}, "invalid_options"),
        ({"screenshot_frames": "0"}, "invalid_options"),
        ({"screenshot_frames": "5", "screenshot_seconds": "1"}, "invalid_options"),
        ({"max_people": "many"}, "invalid_options"),
        ({"accurate": "perhaps"}, "invalid_options"),
        ({"colour": "red"}, "invalid_options"),
    ],
)
def test_bad_options_are_refused(
    http: httpx.Client, stack: Stack, options: dict[str, str], code: str
) -> None:
    before = {item.key for item in stack.store.walk("uploads/")}
    assert_problem(post(http, b"x" * 100, **options), 422, code)
    assert {item.key for item in stack.store.walk("uploads/")} <= before


def test_empty_file_is_refused(http: httpx.Client) -> None:
    assert_problem(post(http, b""), 400, "empty_file")


def test_form_without_a_video_is_refused(http: httpx.Client) -> None:
    assert_problem(http.post("/v1/jobs", files={"film": b"x"}), 422, "unknown_field")
    assert_problem(http.post("/v1/jobs", content=b"{}"), 400, "not_a_form")


def test_too_large_body_of_unknown_length_is_refused(http: httpx.Client) -> None:
    def body() -> Iterator[bytes]:
        yield b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n'
        for _ in range(60):
            yield bytes(1 << 20)

    headers = {"content-type": "multipart/form-data; boundary=edge"}
    try:
        answer = http.post("/v1/jobs", content=body(), headers=headers)
    except httpx.WriteError:
        pytest.fail("the connection was cut before the answer could be read")
    assert_problem(answer, 413, "too_large")


def test_unknown_jobs_and_files_are_not_found(http: httpx.Client, done: Job) -> None:
    nobody = "f" * 32
    for path in (f"/v1/jobs/{nobody}", f"/v1/jobs/{nobody}/events", f"/v1/jobs/{nobody}/video.mp4"):
        assert_problem(http.get(path), 404, "job_not_found")
    assert_problem(http.delete(f"/v1/jobs/{nobody}"), 404, "job_not_found")
    assert_problem(http.get("/v1/jobs/..%2f..%2fetc"), 404, "job_not_found")
    assert_problem(http.get(f"/v1/jobs/{done.id}/request.json"), 404, "no_such_file")


def test_lists_newest_first_in_pages(http: httpx.Client, done: Job) -> None:
    ids = [post(http, b"not a video").json()["id"] for _ in range(3)]
    first = http.get("/v1/jobs", params={"limit": 2}).json()
    assert [job["id"] for job in first["jobs"]] == [ids[2], ids[1]]
    second = http.get("/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert second["jobs"][0]["id"] == ids[0]
    # Other tests leave jobs, so there may be more pages.
    page, listed = first, first["jobs"]
    while page["next_cursor"] is not None:
        page = http.get("/v1/jobs", params={"limit": 100, "cursor": page["next_cursor"]}).json()
        listed += page["jobs"]
    assert done.id in [job["id"] for job in listed]
    assert http.get("/v1/jobs", params={"cursor": "../x"}).status_code == 422


def test_results_have_media_types_and_ranges(http: httpx.Client, done: Job) -> None:
    types = {
        "manifest": "application/json",
        "video": "video/mp4",
        "poster": "image/jpeg",
        "keypoints": "application/x-ndjson",
        "csv": "text/csv; charset=utf-8",
        "openpose": "application/zip",
    }
    for name, media_type in types.items():
        answer = http.get(done.links[name])
        assert answer.status_code == 200, name
        assert answer.headers["content-type"] == media_type
    whole = http.get(done.links["video"])
    part = http.get(done.links["video"], headers={"range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == whole.content[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    tail = http.get(done.links["video"], headers={"range": "bytes=-5"})
    assert tail.content == whole.content[-5:]
    beyond = http.get(done.links["video"], headers={"range": "bytes=999999999-"})
    assert_problem(beyond, 416, "range_not_satisfiable")
    head = http.head(done.links["video"])
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.content == b""
    same = http.get(done.links["video"], headers={"if-none-match": whole.headers["etag"]})
    assert same.status_code == 304


def test_manifest_lists_every_file(http: httpx.Client, done: Job) -> None:
    manifest = http.get(done.links["manifest"]).json()
    assert manifest["frames"] == FEW_FRAMES
    assert manifest["people"] == 0
    assert manifest["audio_codec"] == "aac"
    paths = [file["path"] for file in manifest["files"]]
    assert [p for p in paths if p.startswith("screenshots/")] == [
        f"screenshots/frame_{i:06d}.jpg" for i in (0, 2, 4)
    ]
    for file in manifest["files"]:
        answer = http.get(f"{done.links['self']}/{file['path']}")
        assert len(answer.content) == file["bytes"]
        assert answer.headers["content-type"] == file["content_type"]


def test_events_of_a_finished_job_report_once_and_end(http: httpx.Client, done: Job) -> None:
    answer = http.get(done.links["events"])
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert re.findall("^event: (.*)$", answer.text, re.MULTILINE) == ["job"]
    assert '"state":"succeeded"' in answer.text


def test_finished_job_can_be_removed(http: httpx.Client, stack: Stack) -> None:
    with Client(stack.gateway_url) as client:
        job_id = post(http, b"this is no video").json()["id"]
        *_, last = client.watch(job_id)
    assert last.state is JobState.FAILED
    assert http.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert http.get(f"/v1/jobs/{job_id}").status_code == 404
    assert [item.key for item in stack.store.walk("") if job_id in item.key] == []


# While people are detected, and while the last segment is rendered and the result published.
@pytest.mark.parametrize("frames", [11, 150])
def test_running_job_can_be_cancelled(
    http: httpx.Client, client: Client, stack: Stack, short_sample: Path, frames: int
) -> None:
    job = client.submit(short_sample, {"screenshot_frames": "1"})
    for state in client.watch(job.id):
        if state.progress.frames_done >= frames:
            answer = http.delete(f"/v1/jobs/{job.id}")
            assert answer.status_code == 202
            break
    *_, last = client.watch(job.id)
    assert last.state is JobState.CANCELLED
    keys = Keys(job.id)
    for pause in (0, 2):  # nothing is left, and nothing is written afterwards
        time.sleep(pause)
        left = [item.key for item in stack.store.walk("") if job.id in item.key]
        assert set(left) == {keys.request, keys.status, keys.cancel}


def test_queued_job_can_be_cancelled(
    http: httpx.Client, client: Client, short_sample: Path
) -> None:
    running, waiting = client.submit(short_sample), client.submit(short_sample)
    answer = http.delete(f"/v1/jobs/{waiting.id}")
    assert answer.status_code == 202
    assert answer.json()["state"] == "cancelled"
    http.delete(f"/v1/jobs/{running.id}")
    *_, last = client.watch(running.id)
    assert last.state is JobState.CANCELLED


def test_probes_and_metrics(http: httpx.Client) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json() == {"status": "ok"}
    assert "python_info" in http.get("/metrics").text
    document = http.get("/openapi.json").json()
    assert "/v1/jobs" in document["paths"]
    assert "code" in document["components"]["schemas"]["Problem"]["properties"]


def test_models_are_listed_from_their_cards(http: httpx.Client) -> None:
    models = http.get("/v1/models").json()["models"]
    fields = {"name", "title", "licence", "default", "measured"}
    cards = [card for card in load_cards() if card.is_fetched()]
    assert models == [card.model_dump(mode="json", include=fields) for card in cards]
    assert [model["default"] for model in models].index(True) == 0
    assert all(model["measured"]["ap"] > 0 for model in models if model["licence"] != "unknown")


def test_record_of_a_job_names_the_default_model(done: Job) -> None:
    assert done.options.model == load_cards()[0].name


def test_openapi_describes_every_option(http: httpx.Client) -> None:
    create = http.get("/openapi.json").json()["paths"]["/v1/jobs"]["post"]
    form = create["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert set(form) == {"video", "webhook_url", *JobOptions.model_fields}
    assert all(option["description"] for option in form.values())
    assert (form["accurate"]["type"], form["accurate"]["default"]) == ("boolean", False)


def test_pages_load_nothing_from_other_origins(http: httpx.Client) -> None:
    for path in ("/", "/docs"):
        answer = http.get(path)
        assert answer.status_code == 200
        assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", answer.text)
        assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_head_has_the_headers_of_get(http: httpx.Client, done: Job) -> None:
    paths = ["/", "/healthz", "/metrics", "/openapi.json", "/v1/jobs", "/v1/models"]
    for path in [*paths, *done.links.values()]:
        head = http.head(path)
        assert head.status_code == 200, path
        assert head.content == b""
        with http.stream("GET", path) as get:
            assert head.headers["content-type"] == get.headers["content-type"]
    assert http.head("/v1/jobs/" + "f" * 32).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/jobs", "GET, POST, HEAD"),
        ("POST", "/v1/jobs/{id}", "DELETE, GET, HEAD"),
        ("DELETE", "/v1/jobs/{id}/video.mp4", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
def test_unsupported_method_lists_the_supported_ones(
    http: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = http.request(method, path.format(id="f" * 32))
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


def test_missing_screenshot_is_reported_in_terms_of_the_result(
    http: httpx.Client, done: Job
) -> None:
    answer = http.get(f"{done.links['self']}/screenshots/frame_999999.jpg")
    assert_problem(answer, 404, "no_such_file")
    assert "results/" not in answer.text


def test_object_is_closed_when_the_client_disconnects() -> None:
    def read() -> Generator[bytes]:
        while True:
            yield b"x"

    source = read()
    sent = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            sent.set()

    async def receive() -> Message:
        await sent.wait()
        return {"type": "http.disconnect"}

    asyncio.run(StoredResponse(source, source)({"type": "http"}, receive, send))
    assert inspect.getgeneratorstate(source) == inspect.GEN_CLOSED
