"""The form for new jobs in a real browser, with the whole system running."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.videos import make_video
from tests.system.browser.page import check_fits, delete, delete_once_finished, ids, start


def test_options_reach_the_job_which_can_be_cancelled(
    page: Page, sample: Path, problems: list[str]
) -> None:
    page.goto("/")
    page.get_by_text("Options").press("Enter")
    page.get_by_label("Accurate").check()
    page.get_by_label("on black").check()
    page.get_by_label("strongly").check()
    page.get_by_label("Unit of the screenshot interval").select_option("seconds")
    page.get_by_label("Screenshot interval", exact=True).fill("1.5")
    page.get_by_label("Maximum number of people per frame").fill("1")
    page.get_by_text("Drawing and quality").press("Enter")
    page.get_by_label("each person's number").uncheck()
    page.get_by_label("each person's confidence").check()
    page.get_by_label("trails of the last second").check()
    page.get_by_label("Line width").fill("2.5")
    page.get_by_label("Maximum resolution").select_option("720p")
    page.get_by_label("Quality").fill("30")
    row = start(page, sample)
    job = page.request.get(f"/v1/jobs/{row.get_attribute('data-id')}").json()
    chosen = {name: value for name, value in job["options"].items() if name != "model"}
    assert chosen == {
        "accurate": True,
        "overlay": "black",
        "smoothing": "strong",
        "screenshot_frames": None,
        "screenshot_seconds": 1.5,
        "max_people": 1,
        "ids": False,
        "scores": True,
        "boxes": False,
        "trails": True,
        "line_width": 2.5,
        "crf": 30,
        "max_resolution": 720,
        "audio": "keep",
        "background": True,
    }

    row.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(row).to_have_attribute("data-state", "cancelled", timeout=30_000)
    delete_once_finished(page, row)
    assert problems == []


def test_sound_follows_the_overlay_until_the_user_chooses(page: Page) -> None:
    page.goto("/")
    page.get_by_text("Options").press("Enter")
    keep, drop = page.get_by_label("keep it"), page.get_by_label("leave it out")
    expect(keep).to_be_checked()
    page.get_by_label("on the video with faces blurred").check()
    expect(drop).to_be_checked()
    expect(page.get_by_text("A voice can identify a person")).to_be_visible()
    page.get_by_label("on black").check()
    expect(keep).to_be_checked()
    drop.check()
    page.get_by_label("on the video with everything blurred").check()
    expect(drop).to_be_checked()
    keep.check()
    page.get_by_label("on the video with faces blurred").check()
    expect(keep).to_be_checked()


def test_empty_options_are_left_to_the_server(page: Page, sample: Path) -> None:
    page.goto("/")
    row = start(page, sample)
    job = page.request.get(f"/v1/jobs/{row.get_attribute('data-id')}").json()
    assert "max_resolution" not in job["options"]
    row.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(row).to_have_attribute("data-state", "cancelled", timeout=30_000)
    delete_once_finished(page, row)


def test_invalid_value_in_closed_details_is_shown(page: Page, tmp_path: Path) -> None:
    video = tmp_path / "short.mp4"
    video.write_bytes(make_video(2))
    page.goto("/")
    before = ids(page)
    page.get_by_text("Options").press("Enter")
    page.get_by_text("Drawing and quality").press("Enter")
    quality = page.get_by_label("Quality")
    quality.fill("60")
    page.get_by_text("Options").press("Enter")
    expect(quality).to_be_hidden()
    page.get_by_label("Choose videos").set_input_files(video)
    page.get_by_role("button", name="Start").click()
    expect(quality).to_be_visible()
    check_fits(page)
    assert ids(page) == before


def test_files_chosen_before_the_script_loads_are_kept(page: Page, tmp_path: Path) -> None:
    video = tmp_path / "early.mp4"
    video.write_bytes(b"video")
    held: list[Route] = []
    page.route("**/app.js", lambda route: held.append(route))
    page.goto("/", wait_until="commit")
    page.get_by_label("Choose videos").set_input_files(video)
    expect(page.locator("#start")).to_be_hidden()
    held[0].continue_()
    expect(page.get_by_role("list", name="Chosen files")).to_contain_text(video.name)
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def test_model_shows_its_accuracy_and_speed(page: Page, problems: list[str]) -> None:
    page.goto("/")
    model = page.request.get("/v1/models").json()["models"][0]
    measured = model["measured"]
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


NOTHING = {
    "ap": 0.0,
    "ap_accurate": None,
    "milliseconds": 0.2,
    "accurate_milliseconds": None,
    "on": "one image",
}


@pytest.mark.parametrize(
    ("measured", "plain", "accurate"),
    [
        (None, "", ""),
        (NOTHING, "Measured: average precision 0.0 %, 0 ms per image (one image)", ""),
    ],
)
def test_model_without_measurements_shows_none(
    page: Page, problems: list[str], measured: dict[str, Any] | None, plain: str, accurate: str
) -> None:
    models = page.request.get("/v1/models").json()["models"]
    models[0]["measured"] = measured
    page.route("**/v1/models", lambda route: route.fulfill(json={"models": models}))
    page.goto("/")
    page.get_by_text("Options").press("Enter")
    menu = page.get_by_label("Model")
    expect(menu).to_have_value(models[0]["name"])
    expect(menu).to_have_accessible_description(plain)
    page.get_by_label("Accurate: finds more people, takes several times longer").check()
    expect(menu).to_have_accessible_description(accurate)
    assert problems == []


def test_result_shows_the_accurate_option(page: Page, tmp_path: Path, problems: list[str]) -> None:
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


def test_file_that_is_not_a_video_is_rejected_with_a_message(page: Page, tmp_path: Path) -> None:
    notes = tmp_path / "notes.mp4"
    notes.write_text("milk\nbread\n" * 1000)
    page.goto("/")
    page.get_by_label("Choose videos").set_input_files(notes)
    page.get_by_role("button", name="Start").click()

    # Rejected either by the gateway at once, or by a worker that opens the file.
    refused = page.locator('.upload[data-state="failed"] .note')
    failed = page.locator('.job[data-state="failed"]', has_text=notes.name)
    expect(refused.or_(failed).first).to_be_visible(timeout=60_000)
    words = (refused if refused.count() else failed.locator(".error")).inner_text()
    assert "not a readable video" in words
    if failed.count():
        delete_once_finished(page, failed)
