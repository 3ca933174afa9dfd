"""The page in a real browser, against the whole running system."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.videos import make_video

ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} blocked ${event.blockedURI}`));
"""


class Stack(Protocol):
    """The running system."""

    @property
    def gateway_url(self) -> str: ...


# Not for the whole session: Playwright's event loop would stand in the way of other tests' own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    with browser.new_context(base_url=stack.gateway_url) as context:
        yield context.new_page()


@pytest.fixture
def problems(page: Page, stack: Stack) -> list[str]:
    """Everything a page should not do; filled while it is used."""
    found: list[str] = []
    page.add_init_script(REPORT_VIOLATIONS)
    page.on("console", lambda m: found.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(stack.gateway_url) else found.append(request.url)
        ),
    )
    return found


def start(page: Page, *videos: Path) -> Locator:
    """Uploads through the form; the row of the last job that came of it."""
    page.get_by_label("Choose videos").set_input_files(videos)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.get_by_role("button", name="Start").click()
    return page.locator(f'[data-id="{answer.value.json()["id"]}"]')


def ids(page: Page) -> list[str]:
    """The newest jobs, as the API lists them."""
    return [job["id"] for job in page.request.get("/v1/jobs").json()["jobs"]]


def delete(page: Page, button: Locator) -> None:
    """Presses a Delete button and says yes."""
    button.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()


def delete_once_finished(page: Page, row: Locator) -> None:
    expect(row).to_have_attribute("data-state", re.compile("succeeded|failed|cancelled"))
    delete(page, row.get_by_role("button", name="Delete"))
    expect(row).to_have_count(0)


def see_progress(row: Locator) -> None:
    """Waits until the bar is somewhere between nothing and all."""
    seen = row.locator("progress").evaluate(
        """async (bar) => {
            const { dataset } = bar.closest("[data-state]");
            while (!/succeeded|failed/.test(dataset.state)) {
              if (bar.checkVisibility() && bar.position > 0 && bar.position < 1) return true;
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
            return false;
        }"""
    )
    assert seen, "the job finished without any progress"


def play(video: Locator) -> dict[str, float]:
    """Plays for half a second of video, and says what the player then shows."""
    shown: dict[str, float] = video.evaluate(
        """async (video) => {
            video.muted = true;
            await video.play();
            while (video.currentTime < 0.5) await new Promise((resolve) => setTimeout(resolve, 20));
            video.pause();
            return { width: video.videoWidth, height: video.videoHeight, ready: video.readyState,
                     duration: video.duration };
        }"""
    )
    return shown


def check_screenshots(page: Page) -> None:
    """All thumbnails load, and the large view is worked with the keyboard."""
    thumbnails = page.locator("#detail .gallery img")
    expect(thumbnails).to_have_count(5)  # frames 0, 50, 100, 150, 200 of 230
    for thumbnail in thumbnails.all():
        thumbnail.scroll_into_view_if_needed()
        assert thumbnail.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0

    page.get_by_role("button", name="Frame 0").press("Enter")
    viewer = page.get_by_role("dialog")
    expect(viewer).to_contain_text("Frame 0 (1 of 5)")
    page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("Frame 50 (2 of 5)")
    large = viewer.locator("img")
    assert large.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()


def check_downloads(page: Page) -> None:
    """Every download arrives, named after the video."""
    links = page.locator("#detail .downloads a").all()
    files: dict[str, Path] = {}
    for link in links:
        with page.expect_download() as download:
            link.click()
        files[link.inner_text()] = Path(download.value.path())
        assert files[link.inner_text()].stat().st_size > 0
    assert len(files) == 5
    assert files["Video"].read_bytes()[4:8] == b"ftyp"
    assert len(files["Keypoints"].read_text().splitlines()) >= 230
    assert json.loads(files["Summary"].read_text())["frames"] == 230


def check_fits(page: Page) -> None:
    """Nothing is wider than a phone."""
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert before is not None
    page.set_viewport_size(before)


# One story, because processing the video is what takes time.
def test_a_video_goes_in_and_its_result_comes_out(
    page: Page, sample: Path, problems: list[str]
) -> None:
    answer = page.goto("/")
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]

    with page.expect_request(lambda request: request.resource_type == "eventsource"):
        row = start(page, sample)
    see_progress(row)
    expect(row).to_have_attribute("data-state", "succeeded", timeout=120_000)
    poster = row.locator("img")
    expect(poster).to_be_visible()
    assert poster.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    check_fits(page)

    row.get_by_role("link", name=sample.name).click()
    expect(page.get_by_role("heading", level=1, name=sample.name)).to_be_focused()
    shown = play(page.locator("video[controls]"))
    assert (shown["width"], shown["height"]) == (1768, 994)
    assert shown["ready"] >= 2
    assert shown["duration"] == pytest.approx(230 / 30, abs=0.1)
    check_screenshots(page)
    check_downloads(page)
    check_fits(page)

    job = page.url.rpartition("/")[2]
    page.locator("#detail").get_by_role("button", name="Delete").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.request.get(f"/v1/jobs/{job}").ok, "Escape must not delete"

    delete(page, page.locator("#detail").get_by_role("button", name="Delete"))
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(row).to_have_count(0)
    assert page.request.get(f"/v1/jobs/{job}").status == 404
    expect(page.get_by_text("Nothing here yet.")).to_be_visible(visible=not ids(page))
    assert problems == []


def test_options_reach_the_job_and_the_job_can_be_cancelled(
    page: Page, sample: Path, problems: list[str]
) -> None:
    page.goto("/")
    page.get_by_text("Options").press("Enter")
    page.get_by_label("Accurate").check()
    page.get_by_label("on black").check()
    page.get_by_label("Unit of the screenshot interval").select_option("seconds")
    page.get_by_label("Screenshot interval", exact=True).fill("1.5")
    page.get_by_label("Most people in a frame").fill("1")
    row = start(page, sample)
    job = page.request.get(f"/v1/jobs/{row.get_attribute('data-id')}").json()
    chosen = {name: value for name, value in job["options"].items() if name != "model"}
    assert chosen == {
        "accurate": True,
        "overlay": "black",
        "screenshot_frames": None,
        "screenshot_seconds": 1.5,
        "max_people": 1,
    }

    row.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(row).to_have_attribute("data-state", "cancelled", timeout=30_000)
    delete_once_finished(page, row)
    assert problems == []


def test_a_model_says_how_good_and_how_fast_it_is(page: Page, problems: list[str]) -> None:
    page.goto("/")
    model = page.request.get("/v1/models").json()["models"][0]
    measured = model["measured"]
    if measured is None:
        pytest.skip("the card of the default model says nothing of measurements")
    page.get_by_text("Options").press("Enter")
    menu = page.get_by_label("Model")
    expect(menu).to_have_value(model["name"])
    expect(menu).to_have_accessible_description(re.compile(f"precision {measured['ap']:.1f} %"))
    accurate = page.get_by_label("Accurate")
    times = round(measured["accurate_milliseconds"] / measured["milliseconds"])
    expect(accurate).to_have_accessible_name(re.compile(f"takes about {times} times longer"))
    accurate.check()
    better = f"precision {measured['ap_accurate']:.1f} %"
    expect(menu).to_have_accessible_description(re.compile(better))
    check_fits(page)
    assert problems == []


def test_a_result_says_that_it_is_accurate(page: Page, tmp_path: Path, problems: list[str]) -> None:
    video = tmp_path / "short.mp4"
    video.write_bytes(make_video(2))
    page.goto("/")
    page.get_by_text("Options").press("Enter")
    page.get_by_label("Accurate").check()
    row = start(page, video)
    expect(row).to_have_attribute("data-state", "succeeded", timeout=60_000)
    row.get_by_role("link", name=video.name).click()
    expect(page.locator("#detail .facts")).to_contain_text("openpose-mobilenet-thin, accurate")
    delete(page, page.locator("#detail").get_by_role("button", name="Delete"))
    assert problems == []


def test_an_upload_can_be_cancelled(page: Page, sample: Path, problems: list[str]) -> None:
    page.goto("/")
    before = ids(page)
    network = page.context.new_cdp_session(page)
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000},
    )
    page.get_by_label("Choose videos").set_input_files(sample)
    page.get_by_role("button", name="Start").click()
    upload = page.get_by_role("region", name="Uploading")
    expect(upload).to_contain_text(re.compile(r"[1-9].* of .* MB"))
    assert 0 < upload.locator("progress").evaluate("(bar) => bar.position") < 1
    with page.expect_event("requestfailed", lambda request: request.method == "POST"):
        upload.get_by_role("button", name="Cancel").click()
    expect(upload).to_be_hidden()
    assert ids(page) == before
    assert problems == []


def test_what_is_no_video_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    notes = tmp_path / "notes.mp4"
    notes.write_text("milk\nbread\n" * 1000)
    page.goto("/")
    page.get_by_label("Choose videos").set_input_files(notes)
    page.get_by_role("button", name="Start").click()

    # The gateway may say so at once, or a worker when it opens the file.
    refused = page.locator('.upload[data-state="failed"] .note')
    failed = page.locator('.job[data-state="failed"]', has_text=notes.name)
    expect(refused.or_(failed).first).to_be_visible(timeout=60_000)
    words = (refused if refused.count() else failed.locator(".error")).inner_text()
    assert "not a video" in words
    if failed.count():
        delete_once_finished(page, failed)


def test_a_job_that_is_gone_is_explained(page: Page) -> None:
    page.goto(f"/#/{'0' * 32}")
    expect(page.get_by_role("alert")).to_contain_text("There is no job")
    page.get_by_role("link", name="All jobs").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_the_page_follows_the_colour_scheme(page: Page) -> None:
    page.goto("/")

    def brightness(scheme: str) -> int:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", colour))

    assert brightness("dark") < 150
    assert brightness("light") > 600
