"""The view of a result: running, shared, without people, of an image, on a phone."""

import re
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from poseway.client import Client
from poseway.jobs import Job
from poseway.local.stack import Stack
from tests.support.still_images import encoded
from tests.support.videos import make_video, numbered_people
from tests.system.browser.page import check_fits
from tests.system.browser.player import (
    NOT_SEEN,
    READ_NUMBER,
    api_frames,
    check_frame,
    open_result,
    wait_for_skeletons,
)


def test_result_without_people_is_explained(
    page: Page, stack: Stack, tmp_path: Path, problems: list[str]
) -> None:
    video = tmp_path / "nobody.mp4"
    video.write_bytes(make_video(12))
    with Client(stack.gateway_url) as client:
        *_, done = client.watch(client.submit(video, {}).id)
        page.goto(f"/#/{done.id}")
        expect(page.get_by_text("No people were found")).to_be_visible()
        expect(page.locator(".timeline")).to_be_hidden()
        page.keyboard.press(".")
        expect(page.locator(".player .at")).to_have_text("Frame 1 / 11")
        client.delete(done.id)
    assert problems == []


def test_result_of_an_image_is_an_image(
    page: Page, stack: Stack, sample: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "people.png"
    people = numbered_people(sample, 60)(59)
    picture.write_bytes(encoded(people, "png"))
    with Client(stack.gateway_url) as client:
        *_, done = client.watch(client.submit(picture, {}).id)
        page.goto(f"/#/{done.id}")
        image = page.get_by_role("img", name="The image with skeletons")
        assert image.evaluate("(node) => node.decode().then(() => node.naturalWidth)") == 884
        expect(page.locator(".player")).to_have_count(0)
        frames = api_frames(page, done)
        angles = page.get_by_role("row", name="Left elbow")
        for person, cell in zip(frames[0]["people"], angles.get_by_role("cell").all(), strict=True):
            angle = person["angles"]["left_elbow"]
            expect(cell).to_have_text(NOT_SEEN if angle is None else f"{angle:.0f}°")
        check_fits(page)
        client.delete(done.id)


def test_share_link_shows_the_result_without_a_session(
    page: Page, job: Job, browser: Browser, stack: Stack
) -> None:
    open_result(page, job)
    page.locator("#detail").get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="1 day").check()
    dialog.get_by_role("button", name="Create link").click()
    expect(dialog).to_contain_text("Valid until")
    link = dialog.get_by_label("Link").input_value()
    assert link.startswith(f"{stack.gateway_url}/#/{job.id}?share=")

    with browser.new_context() as context:
        guest = context.new_page()
        guest.goto(link)
        expect(guest.locator(".player canvas")).to_be_visible()
        wait_for_skeletons(guest)
        expect(guest.get_by_role("button", name="Delete")).to_have_count(0)
        expect(guest.get_by_role("button", name="Share")).to_have_count(0)
        expect(guest.get_by_role("link", name="All jobs")).to_have_count(0)
        with guest.expect_download() as download:
            guest.get_by_role("link", name="Everything").click()
        with zipfile.ZipFile(download.value.path()) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
        assert {"video.mp4", "keypoints.jsonl", "manifest.json", "background.mp4"} <= names
        for link_node in guest.locator(".downloads a").all():
            address = link_node.get_attribute("href")
            assert address is not None
            assert "share=" in address


def test_finished_segments_of_a_running_job_play(
    page: Page, sample: Path, stack: Stack, tmp_path: Path
) -> None:
    """Finished segments play one after another, each at its time in the whole video."""
    video = tmp_path / "running.mp4"
    video.write_bytes(make_video(230, picture=numbered_people(sample, 230), rate=Fraction(10)))
    with Client(stack.gateway_url) as client:
        made = client.submit(video, {})
        page.goto(f"/#/{made.id}")
        preview = page.locator(".preview")
        expect(preview).to_be_visible(timeout=60_000)
        expect(page.locator("#detail .progress")).to_be_visible()
        preview.get_by_role("button", name="Play").click()
        # After the first segment, which ends at 2.5 seconds.
        expect(preview.locator(".clock")).to_have_text(re.compile(r"^0:0[3-9]"), timeout=60_000)
        # During playback the displayed time lags by up to a quarter of a second.
        page.wait_for_function(
            f"""() => {{
                const preview = document.querySelector(".preview");
                const video = preview.querySelector("video:not([hidden])");
                const [, seconds] = preview.querySelector(".clock").textContent.split(/[: ]/);
                return Math.abs(({READ_NUMBER})(video) - 10 * Number(seconds)) <= 4;
            }}"""
        )
        *_, done = client.watch(made.id)
        expect(page.locator(".player canvas")).to_be_visible()
        expect(preview).to_have_count(0)
        client.delete(done.id)


@pytest.mark.parametrize("width", [390, 1440])
def test_layout_fits_phone_and_desktop(page: Page, job: Job, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    player = open_result(page, job)
    check_fits(page)
    box = player.locator(".stage").bounding_box()
    assert box is not None
    video = player.locator("video").bounding_box()
    canvas = player.locator("canvas").bounding_box()
    assert video == canvas == box
    scrub = player.locator(".scrub").bounding_box()
    assert scrub is not None
    assert scrub["width"] > 0.9 * box["width"]
    if width == 390:
        assert box["width"] == 390
        for button in player.locator("button:visible, select").all():
            size = button.bounding_box()
            assert size is not None
            assert size["height"] >= 44
            assert size["width"] >= 40
    ratio = page.evaluate("document.querySelector('.player canvas').width / devicePixelRatio")
    assert ratio == pytest.approx(box["width"], abs=1)


def test_shortcuts_are_ignored_while_typing(page: Page, job: Job) -> None:
    player = open_result(page, job)
    player.get_by_role("button", name="Shortcuts").click()
    expect(page.get_by_role("dialog")).to_contain_text("Previous, next frame")
    page.keyboard.press("Escape")
    player.get_by_label("Speed").focus()
    page.keyboard.press(".")
    check_frame(page, 0)
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Enable these shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press(".")
    page.wait_for_timeout(300)
    check_frame(page, 0)
