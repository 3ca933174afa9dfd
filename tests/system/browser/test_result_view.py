"""The player in a real browser shows the right content, exact to the frame."""

import itertools
import re
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from poseway.client import Client
from poseway.jobs import Job
from poseway.local.stack import Stack
from tests.support.videos import make_video, numbered_people
from tests.system.browser.player import (
    COMPARE,
    FRAMES,
    LASTING,
    NOT_SEEN,
    api_frames,
    check_frame,
    coloured,
    open_result,
    shown_frame,
    wait_for_skeletons,
)


@pytest.mark.parametrize("mode", ["Video", "As rendered"])
def test_step_shows_the_announced_frame(
    page: Page, job: Job, mode: str, problems: list[str]
) -> None:
    player = open_result(page, job)
    player.get_by_role("radio", name=mode).check()
    check_frame(page, 0)
    on = player.get_by_role("button", name="Next frame")
    for index in range(1, 7):
        on.click()
        check_frame(page, index)
    player.get_by_role("button", name="Previous frame").click()
    check_frame(page, 5)
    for key, index in ((".", 6), (",", 5), ("ArrowRight", 6), ("ArrowLeft", 5)):
        page.keyboard.press(key)
        check_frame(page, index)
    for _ in range(20):  # faster than frames load: every step counts
        page.keyboard.press(".")
    check_frame(page, 25)
    page.get_by_role("slider", name="Position").first.press("End")
    check_frame(page, FRAMES - 1)
    on.click()
    check_frame(page, FRAMES - 1)
    page.get_by_role("slider", name="Position").first.press("Home")
    check_frame(page, 0)
    assert problems == []


def test_frame_number_is_right_after_playback(page: Page, job: Job) -> None:
    player = open_result(page, job)
    player.get_by_label("Speed").select_option("0.5")
    player.get_by_role("button", name="Play").click()
    expect(player.locator(".clock")).to_have_text(re.compile(r"0:00\.[5-9]"))
    page.keyboard.press("k")
    expect(player.get_by_role("button", name="Play")).to_be_visible()
    page.wait_for_timeout(200)
    index = shown_frame(page)
    assert index > 10
    check_frame(page, index)
    assert player.locator("video").evaluate("(video) => video.playbackRate") == 0.5


def test_people_and_body_parts_can_be_hidden(page: Page, job: Job, problems: list[str]) -> None:
    player = open_result(page, job)
    page.locator(".shots").get_by_role("button", name="Frame 60").click()
    page.get_by_role("button", name="Go to this frame").click()
    check_frame(page, 60)
    both = coloured(page)
    names = page.locator(".timeline .who")
    expect(names).to_have_count(2)

    names.first.click()
    expect(names.first).to_have_attribute("aria-pressed", "false")
    one = coloured(page)
    assert 50 < one < both
    page.get_by_role("button", name="All off").click()
    assert coloured(page) == 0
    page.get_by_role("button", name="All on").click()
    assert coloured(page) == both

    left = both
    for part in ("Head", "Torso", "Arms"):
        player.get_by_role("button", name=part).click()
        assert coloured(page) < left
        left = coloured(page)
    player.get_by_role("button", name="Legs").click()
    assert coloured(page) == 0
    player.get_by_role("button", name="Torso").click()
    player.get_by_label("Thickness").press("End")
    thick = coloured(page)
    player.get_by_label("Thickness").press("Home")
    assert 0 < coloured(page) < thick / 2
    assert problems == []


def test_drawn_skeletons_match_the_rendered_ones(
    page: Page, stack: Stack, sample: Path, tmp_path: Path
) -> None:
    """Drawn and rendered skeletons match, for an odd size and non-square pixels."""
    pictures = numbered_people(sample, 8)
    video = tmp_path / "odd.mp4"
    video.write_bytes(
        make_video(
            8,
            picture=lambda index: pictures(index)[:495, :883],
            pix_fmt="yuv444p",
            pixel_aspect=Fraction(4, 3),
        )
    )
    with Client(stack.gateway_url) as client:
        *_, done = client.watch(client.submit(video, {"max_resolution": 360}).id)
        player = page.locator(".player")
        page.goto(f"/#/{done.id}")
        player.get_by_role("radio", name="Skeletons only").check()
        wait_for_skeletons(page)
        player.get_by_label("Numbers").uncheck()
        box = player.locator(".stage").bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(883 / 495 * 4 / 3, rel=0.01)
        assert player.locator(".stage").evaluate(COMPARE) > 0.8
        client.delete(done.id)


def test_timeline_seeks_and_follows_playback(page: Page, job: Job) -> None:
    open_result(page, job)
    axis = page.locator(".timeline").get_by_role("slider")
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 5)
    page.mouse.up()
    middle = sum(itertools.islice(itertools.cycle(LASTING), FRAMES)) / 2000
    expect(axis).to_have_attribute("aria-valuenow", re.compile(rf"{middle:.1f}"[:3]))
    index = shown_frame(page)
    axis.press("ArrowRight")
    check_frame(page, index + 1)

    page.locator(".timeline").get_by_text("As text").click()
    tracks = page.request.get(f"{job.links['self']}/tracks.json").json()["tracks"]
    page.locator(".timeline details button").last.click()
    check_frame(page, tracks[-1]["spans"][-1][0])


def test_plots_show_the_values_of_the_data(page: Page, job: Job) -> None:
    player = open_result(page, job)
    plots = page.locator(".plots")
    plots.get_by_text("Choose joints").click()
    plots.get_by_role("button", name="Left elbow").click()
    player.get_by_role("button", name="Next frame").click()
    frames = api_frames(page, job)
    expect(plots.locator(".angles .line").first).to_be_attached()
    for index in (1, 2, 3):
        check_frame(page, index)
        before, person = (
            next(one for one in frames[at]["people"] if one["id"] == 1) for at in (index - 1, index)
        )
        angle = person["angles"]["left_elbow"]
        words = NOT_SEEN if angle is None else f"{angle:.0f}°"
        row = plots.get_by_role("row", name="Person 1, left elbow")
        expect(row.get_by_role("cell")).to_have_text(words)
        expect(plots.locator(".angles caption")).to_have_text(
            re.compile(rf"{frames[index]['time']:.2f}$")
        )
        moved = [person["keypoints"][at] - before["keypoints"][at] for at in (12, 13)]
        seen = all(one["keypoints"][14] or 4 in one["filled"] for one in (person, before))
        seconds = frames[index]["time"] - frames[index - 1]["time"]
        speed = (moved[0] ** 2 + moved[1] ** 2) ** 0.5 / seconds
        row = plots.get_by_role("row", name="Person 1, right wrist")
        expect(row.get_by_role("cell")).to_have_text(f"{speed:,.0f} px/s" if seen else NOT_SEEN)
        player.get_by_role("button", name="Next frame").click()

    area = plots.locator(".angles .area")
    area.scroll_into_view_if_needed()
    area.click(position={"x": 5, "y": 30})
    expect(player.locator(".clock")).to_have_text(re.compile(r"^0:00\.0"))
