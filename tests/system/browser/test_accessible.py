"""The page is accessible: axe-core finds no violations, on phones and desktops, light and dark."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from poseway.jobs import Job, JobError, JobState, Progress
from poseway.local.stack import Stack
from tests.system.browser.records import Record, records

AXE = Axe()
SIZES = {"phone": (390, 844), "desk": (1440, 900)}
Theme = Literal["light", "dark"]
Answer = dict[str, Any] | Literal["abort"] | None


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> ViewportSize:
    width, height = SIZES[request.param]
    return {"width": width, "height": height}


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> Theme:
    theme: Theme = request.param
    return theme


@pytest.fixture
def page(browser: Browser, stack: Stack, size: ViewportSize, theme: Theme) -> Iterator[Page]:
    with browser.new_context(
        base_url=stack.gateway_url, viewport=size, color_scheme=theme, reduced_motion="reduce"
    ) as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def jobs(stack: Stack) -> Iterator[list[str]]:
    """Jobs in all states."""
    error = JobError(code="not_a_video", message="The file is not a video. Upload one that is.")
    every = [
        Record("waits.mp4"),
        Record("works.mp4", JobState.RUNNING, Progress(fraction=0.4, eta_seconds=50)),
        Record("done.mp4", JobState.SUCCEEDED),
        Record("fails.mp4", JobState.FAILED, error=error),
        Record("stopped.mp4", JobState.CANCELLED),
    ]
    with records(stack, every) as ids:
        yield ids


def check(page: Page) -> None:
    """Checks for violations and for content wider than the screen."""
    options = {"resultTypes": ["violations"]}
    found = AXE.run(page, options=options).response["violations"]
    assert [(f["id"], [n["html"] for n in f["nodes"]]) for f in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def check_touch(page: Page) -> None:
    """Checks that every touch target has 44 pixels (WCAG 2.5.5)."""
    small = page.locator("#home button, #home .button, #home select, .top a").evaluate_all(
        """(all) => all.filter((node) => node.checkVisibility())
            .map((node) => [node.textContent.trim(), node.getBoundingClientRect()])
            .filter(([, box]) => box.height < 43.9 || box.width < 43.9).map(([text]) => text)"""
    )
    assert small == []


def test_list_is_accessible(page: Page, jobs: list[str]) -> None:
    page.goto("/")
    expect(page.locator(".job")).to_have_count(len(jobs))
    check(page)
    check_touch(page)
    page.get_by_role("button", name="Delete done.mp4").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page)


def test_form_is_accessible(page: Page, tmp_path: Path) -> None:
    video, notes = tmp_path / "video.mp4", tmp_path / "notes.txt"
    video.write_bytes(b"video")
    notes.write_bytes(b"notes")
    page.goto("/")
    page.get_by_text("Options").click()
    page.get_by_text("Drawing and quality").click()
    page.locator("#files").set_input_files([video, notes])
    expect(page.get_by_text("neither a video nor an image")).to_be_visible()
    check(page)
    check_touch(page)


def test_empty_list_is_accessible(page: Page) -> None:
    page.route("**/v1/jobs?*", lambda route: route.fulfill(json={"jobs": [], "next_cursor": None}))
    page.goto("/")
    expect(page.get_by_role("button", name="Try it with a sample")).to_be_visible()
    check(page)
    check_touch(page)


def test_search_without_matches_is_accessible(page: Page, jobs: list[str]) -> None:
    page.goto("/#/?q=no+job+is+called+this&state=failed")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    check(page)


def _waits(page: Page) -> None:
    expect(page.locator(".upload").first).to_contain_text("0 bytes of 5 bytes")
    page.context.set_offline(True)
    expect(page.locator(".upload").first).to_contain_text("You are offline")


def _breaks(page: Page) -> None:
    expect(page.locator(".upload").first).to_contain_text("continues automatically; next attempt")


def _refused(page: Page) -> None:
    expect(page.locator(".upload").first).to_contain_text("Too large.")


@pytest.mark.parametrize(
    ("path", "answer", "see"),
    [
        ("**/parts/1", None, _waits),
        ("**/parts/1", "abort", _breaks),
        ("**/v1/uploads", {"status": 413, "json": {"detail": "Too large."}}, _refused),
    ],
)
def test_uploads_are_accessible(
    page: Page, tmp_path: Path, path: str, answer: Answer, see: Callable[[Page], None]
) -> None:
    files = [tmp_path / name for name in ("first.mp4", "second.mp4")]
    for file in files:
        file.write_bytes(b"video")

    def disturb(route: Route) -> None:
        if answer == "abort":
            route.abort()
        elif answer:
            route.fulfill(**answer)

    page.route(path, disturb)
    page.goto("/")
    page.locator("#files").set_input_files(files)
    page.locator("#start").click()
    see(page)
    check(page)
    page.context.set_offline(False)
    for row in page.locator(".upload").all()[::-1]:
        row.get_by_role("button", name=re.compile("Cancel|Dismiss")).click()
    expect(page.locator(".upload")).to_have_count(0)


def test_unfinished_upload_is_accessible(page: Page) -> None:
    page.goto("/")
    upload = page.request.post("/v1/uploads", data={"name": "left.mp4", "size": 1000}).json()
    page.evaluate(
        """(id) => localStorage.setItem("poseway-uploads",
            JSON.stringify([{ id, name: "left.mp4", size: 1000, lastModified: 1 }]))""",
        upload["id"],
    )
    page.reload()
    expect(page.get_by_text("Choose the same file to continue")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Discard the upload of left.mp4").click()


def test_sign_in_form_is_accessible(page: Page) -> None:
    refusal = {"status": 401, "json": {"detail": "This key is not known.", "code": "key_unknown"}}
    page.route("**/v1/**", lambda route: route.fulfill(**refusal))
    page.goto("/")
    page.get_by_label("Your API key").fill("pw_00000000_0")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This key is not known.")
    check(page)


def test_missing_job_is_accessible(page: Page) -> None:
    page.goto(f"/#/{'0' * 32}")
    expect(page.get_by_role("alert")).to_contain_text("There is no job")
    check(page)


@pytest.mark.parametrize("name", ["waits.mp4", "works.mp4", "fails.mp4", "stopped.mp4"])
def test_job_without_result_is_accessible(page: Page, jobs: list[str], name: str) -> None:
    page.goto("/")
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    check(page)


@pytest.mark.essential
def test_result_is_accessible(page: Page, job: Job) -> None:
    page.goto(f"/#/{job.id}")
    expect(page.get_by_role("heading", name="Motion")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("Person 1")
    closed = page.locator("#detail details:not([open]) > summary")
    while closed.count():
        closed.first.click()
    check(page)
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Frame 20", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("Frame 20")
    check(page)
