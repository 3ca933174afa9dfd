"""The page in a real browser, with the whole system running."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.system.browser.page import check_fits, delete, ids, start


def see_progress(row: Locator) -> None:
    """Waits until the progress bar is between its ends."""
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
    assert seen, "the job finished without showing progress"


def play(video: Locator) -> dict[str, float]:
    """Plays half a second of video. Returns size, duration and state of the player."""
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
    """Checks that thumbnails load and that the large view works with the keyboard."""
    thumbnails = page.locator("#detail .shots img")
    expect(thumbnails).to_have_count(5)  # frames 0, 50, 100, 150, 200 of 230
    for thumbnail in thumbnails.all():
        thumbnail.scroll_into_view_if_needed()
        assert thumbnail.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0

    page.locator("#detail .shots").get_by_role("button", name="Frame 0").press("Enter")
    viewer = page.get_by_role("dialog")
    expect(viewer).to_contain_text("Frame 0 (1 of 5)")
    page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("Frame 50 (2 of 5)")
    large = viewer.locator("img")
    assert large.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()


def check_stills(page: Page) -> None:
    """Checks the still of each person, and the contact sheet."""
    path = f"/v1/jobs/{page.url.rpartition('/')[2]}/tracks.json"
    tracks = page.request.get(path).json()["tracks"]
    lasting = [track["id"] for track in tracks if track["frames"] >= 15]
    assert len(lasting) >= 2
    stills = page.locator("#detail .stills img")
    expect(stills).to_have_count(len(lasting))
    for still in stills.all():
        still.scroll_into_view_if_needed()
        assert still.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    page.get_by_role("button", name=f"Person {lasting[1]}").last.click()
    expect(page.get_by_role("dialog")).to_contain_text(f"(2 of {len(lasting)})")
    page.keyboard.press("Escape")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Contact sheet").click()
    expect(popup.value.locator("img")).to_be_visible()
    popup.value.close()


def check_timeline(page: Page) -> None:
    """Checks for a row and a sentence for each of the two people."""
    section = page.locator("#detail .timeline")
    expect(section.get_by_role("heading")).to_contain_text("2 people in 7.7 s")
    expect(section.locator(".bars path").first).to_be_visible()
    section.get_by_text("As text").click()
    expect(section.locator("ul li")).to_have_text(
        [re.compile(r"^Person 1: 0\.0 to "), re.compile("^Person 2")]
    )


def check_downloads(page: Page) -> None:
    """Checks that every download arrives and is named after the video."""
    links = page.locator("#detail .downloads a").all()
    files: dict[str, Path] = {}
    for link in links:
        with page.expect_download() as download:
            link.click()
        files[link.inner_text()] = Path(download.value.path())
        assert files[link.inner_text()].stat().st_size > 0
    assert len(files) >= 8
    assert files["Video"].read_bytes()[4:8] == b"ftyp"
    assert len(files["Keypoints"].read_text().splitlines()) >= 230
    assert json.loads(files["Summary"].read_text())["frames"] == 230


# A single test, because processing the video takes the most time.
@pytest.mark.essential
def test_video_is_uploaded_and_its_result_shown(
    page: Page, sample: Path, problems: list[str]
) -> None:
    with page.expect_request(lambda request: request.resource_type == "eventsource"):
        answer = page.goto("/")
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]

    row = start(page, sample)
    see_progress(row)
    expect(row).to_have_attribute("data-state", "succeeded", timeout=120_000)
    poster = row.locator("img")
    expect(poster).to_be_visible()
    assert poster.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    check_fits(page)

    row.get_by_role("link", name=sample.name).click()
    expect(page.get_by_role("heading", level=1, name=sample.name)).to_be_focused()
    shown = play(page.locator(".player video"))
    assert (shown["width"], shown["height"]) == (1768, 994)
    assert shown["ready"] >= 2
    assert shown["duration"] == pytest.approx(230 / 30, abs=0.1)
    check_screenshots(page)
    check_stills(page)
    check_timeline(page)
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
    expect(page.get_by_text("Nothing here yet")).to_be_visible(visible=not ids(page))
    assert problems == []


def test_deleted_job_is_explained(page: Page) -> None:
    page.goto(f"/#/{'0' * 32}")
    expect(page.get_by_role("alert")).to_contain_text("There is no job")
    page.get_by_role("link", name="All jobs").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_page_follows_the_colour_scheme(page: Page) -> None:
    page.goto("/")

    def brightness(scheme: str) -> int:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", colour))

    assert brightness("dark") < 150
    assert brightness("light") > 600
