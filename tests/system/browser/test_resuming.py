"""Multipart uploads over unreliable connections, with the whole system running."""

import base64
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, Response, Route, expect

from tests.support.videos import make_video
from tests.system.browser.page import delete_once_finished, ids, row_of

PART = 8 << 20
SLOW = 4_000_000  # bytes per second: slow enough to interrupt a part
DROP = """(target, [name, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type: "video/mp4" }));
    for (const type of ["dragover", "drop"])
      target.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A short video, padded to three parts by a box that players skip."""
    path = tmp_path / "large.mp4"
    size = 2 * PART + 100_000
    path.write_bytes(make_video(4) + size.to_bytes(4, "big") + b"free" + bytes(size - 8))
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.mp4"
    path.write_bytes(make_video(2))
    return path


class Parts:
    """Records the parts that a page sends.

    Attributes:
        begun: Numbers of the parts in the order of their requests.
        arrived: Numbers of the parts in the order of their successful responses.
    """

    def __init__(self, page: Page) -> None:
        self.begun: list[int] = []
        self.arrived: list[int] = []
        page.on("request", self._begin)
        page.on("response", self._arrive)

    def _begin(self, request: Request) -> None:
        if number := _part(request):
            self.begun.append(number)

    def _arrive(self, response: Response) -> None:
        if (number := _part(response.request)) and response.ok:
            self.arrived.append(number)


def _part(request: Request) -> int | None:
    found = re.search(r"/parts/(\d+)$", request.url)
    return int(found[1]) if found and request.method == "PUT" else None


def _throttle(page: Page, bytes_per_second: int) -> None:
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        },
    )


def _begin(page: Page, *files: Path) -> Locator:
    """Starts an upload. Returns its row."""
    page.locator("#files").set_input_files(files)
    page.locator("#start").click()
    return page.locator(".upload")


def _wait_for_a_part(page: Page, parts: Parts) -> None:
    while not parts.arrived:
        page.wait_for_timeout(50)


@pytest.fixture
def finished(page: Page) -> Iterator[list[str]]:
    """Ids of jobs that must succeed after the test, and are then deleted."""
    wanted: list[str] = []
    yield wanted
    for job in wanted:
        row = row_of(page, job)
        expect(row).to_have_attribute("data-state", "succeeded", timeout=60_000)
        delete_once_finished(page, row)


def _nothing_is_remembered(page: Page) -> None:
    """Waits until the page has checked all remembered uploads and forgotten them."""
    end = time.monotonic() + 30
    while (left := page.evaluate("localStorage.getItem('poseway-uploads')")) != "[]":
        assert time.monotonic() < end, left
        page.wait_for_timeout(100)


def _new_job(page: Page, before: list[str], name: str) -> str:
    """Waits for the job of an upload. Returns its id."""
    row = page.locator(".job", has_text=name)
    expect(row).to_have_count(1, timeout=60_000)
    job = row.get_attribute("data-id")
    assert job is not None
    assert job not in before
    return job


def test_dropped_video_is_uploaded(
    page: Page, small: Path, problems: list[str], finished: list[str]
) -> None:
    page.goto("/")
    before = ids(page)
    data = base64.b64encode(small.read_bytes()).decode()
    # Dropped outside the box: the browser must not replace the page with the file.
    page.locator("header").evaluate(DROP, [small.name, data])
    chosen = page.get_by_role("list", name="Chosen files")
    expect(chosen).to_contain_text(small.name)
    page.get_by_role("button", name="Start", exact=True).press("Enter")
    finished.append(_new_job(page, before, small.name))
    assert problems == []


def test_rejected_files_are_marked_in_their_rows(
    page: Page, small: Path, tmp_path: Path, finished: list[str]
) -> None:
    notes, empty, huge = tmp_path / "notes.txt", tmp_path / "empty.mov", tmp_path / "huge.mp4"
    notes.write_text("milk")
    empty.touch()
    with huge.open("wb") as file:
        file.truncate(51 << 20)
    page.goto("/")
    before = ids(page)
    page.locator("#files").set_input_files([notes, empty, huge, small])
    chosen = page.get_by_role("list", name="Chosen files").get_by_role("listitem")
    expect(chosen.nth(0)).to_contain_text("neither a video nor an image")
    expect(chosen.nth(1)).to_contain_text("This file is empty.")
    page.get_by_role("button", name="Remove empty.mov").click()
    page.get_by_role("button", name="Start 2 files").click()
    refused = page.locator('.upload[data-state="failed"]')
    expect(refused).to_contain_text(huge.name)
    expect(refused).to_contain_text("larger than the limit of 52,428,800 bytes")
    refused.get_by_role("button", name="Dismiss").click()
    # The other file is uploaded all the same.
    finished.append(_new_job(page, before, small.name))
    assert len(ids(page)) == len(before) + 1


def test_upload_resumes_after_a_broken_connection(
    page: Page, large: Path, finished: list[str]
) -> None:
    page.goto("/")
    before = ids(page)
    parts = Parts(page)
    _throttle(page, SLOW)
    upload = _begin(page, large)
    expect(upload).to_contain_text(re.compile(r"of 16\.9 MB · .*B/s · .* left"))
    _wait_for_a_part(page, parts)
    arrived = list(parts.arrived)
    assert len(arrived) < 3, "the connection was too fast for this test"
    page.context.set_offline(True)
    expect(upload).to_contain_text("You are offline. The upload continues automatically")
    parts.begun.clear()
    page.context.set_offline(False)
    finished.append(_new_job(page, before, large.name))
    assert set(parts.begun) == {1, 2, 3} - set(arrived)
    assert sorted(parts.arrived) == [1, 2, 3]
    assert page.request.get(f"/v1/jobs/{finished[0]}").json()["size"] == large.stat().st_size


def test_failed_part_is_retried(page: Page, large: Path, finished: list[str]) -> None:
    page.goto("/")
    before = ids(page)
    parts = Parts(page)
    broken = iter(["abort", "overloaded"])

    def disturb(route: Route) -> None:
        match next(broken, None):
            case "abort":
                route.abort()
            case "overloaded":
                route.fulfill(status=503, headers={"Retry-After": "1"})
            case _:
                route.continue_()

    page.route("**/parts/2", disturb)
    upload = _begin(page, large)
    expect(upload).to_contain_text(re.compile(r"continues automatically; next attempt in \d+ s"))
    finished.append(_new_job(page, before, large.name))
    assert parts.begun.count(2) == 3
    assert sorted(parts.arrived) == [1, 2, 3]


def test_lost_response_creates_no_second_upload(
    page: Page, small: Path, finished: list[str]
) -> None:
    """The first response is lost, and the gateway is still processing it at the retry."""
    in_progress = {"detail": "Being answered.", "code": "idempotency_in_progress"}
    begun: list[str] = []
    keys: list[str | None] = []

    def disturb(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        match len(keys):
            case 1:
                begun.append(route.fetch().json()["id"])
                route.abort()
            case 2:
                route.fulfill(status=409, headers={"Retry-After": "1"}, json=in_progress)
            case _:
                route.continue_()

    page.route("**/v1/uploads", disturb)
    page.goto("/")
    before = ids(page)
    upload = _begin(page, small)
    expect(upload).to_contain_text(
        re.compile(r"Being answered\. The upload continues automatically")
    )
    finished.append(_new_job(page, before, small.name))
    assert finished == begun
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_upload_resumes_after_a_reload(page: Page, large: Path, finished: list[str]) -> None:
    page.goto("/")
    before = ids(page)
    parts = Parts(page)
    _throttle(page, SLOW)
    _begin(page, large)
    _wait_for_a_part(page, parts)
    page.on("dialog", lambda dialog: dialog.accept())  # "Leave the page?"
    page.reload()
    upload = page.locator(".upload")
    expect(upload).to_contain_text(
        re.compile(r"Stopped at \d+ %\. Choose the same file to continue")
    )
    assert page.context.storage_state()["origins"], "nothing is remembered"
    arrived = set(parts.arrived)
    parts.begun.clear()
    parts.arrived.clear()

    other = large.with_name("other.mp4")
    other.write_bytes(b"other")
    choose = upload.get_by_label("Choose large.mp4 again to continue")
    choose.set_input_files(other)
    expect(upload).to_contain_text("“other.mp4” is a different file")
    choose.set_input_files(large)
    finished.append(_new_job(page, before, large.name))
    assert set(parts.begun) == {1, 2, 3} - arrived
    _nothing_is_remembered(page)


def test_unfinished_upload_can_be_discarded(page: Page) -> None:
    asked = {"name": "left.mp4", "size": 2 * PART}
    page.goto("/")
    left = page.request.post("/v1/uploads", data=asked).json()["id"]
    gone = "f" * 32
    page.evaluate(
        """(ids) => localStorage.setItem("poseway-uploads", JSON.stringify(
            ids.map((id) => ({ id, name: "left.mp4", size: 16777216, lastModified: 1 }))))""",
        [left, gone],
    )
    page.reload()
    upload = page.locator(".upload")
    expect(upload).to_have_count(1)
    upload.get_by_role("button", name="Discard the upload of left.mp4").click()
    expect(page.get_by_role("region", name="Uploads")).to_be_hidden()
    _nothing_is_remembered(page)


def test_upload_can_be_cancelled(page: Page, large: Path, problems: list[str]) -> None:
    page.goto("/")
    before = ids(page)
    _throttle(page, 200_000)
    with page.expect_response(lambda answer: answer.url.endswith("/v1/uploads")) as made:
        upload = _begin(page, large)
    expect(upload).to_contain_text(re.compile(r"[1-9].* of .* MB"))
    assert 0 < upload.locator("progress").evaluate("(bar) => bar.position") < 1
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as dropped:
        upload.get_by_role("button", name="Cancel").click()
    expect(upload).to_have_count(0)
    assert dropped.value.status == 204
    assert page.request.get(f"/v1/uploads/{made.value.json()['id']}").status == 404
    assert ids(page) == before
    assert problems == []


def test_parts_go_through_the_gateway_if_storage_is_unreachable(
    page: Page, small: Path, finished: list[str]
) -> None:
    asked: list[str] = []

    def promise(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"direct": True})

    def lead_astray(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"url": "http://127.0.0.1:9/", "expires_at": ""})

    page.route("**/v1/uploads", promise)
    page.route("**/parts/1/url", lead_astray)
    page.goto("/")
    before = ids(page)
    parts = Parts(page)
    _begin(page, small)
    finished.append(_new_job(page, before, small.name))
    assert len(asked) == 1
    assert parts.arrived == [1]
