"""The result view in a real browser: what is shown is what belongs there, to the frame."""

import itertools
import re
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from poseway.client import Client
from poseway.jobs import Job, JobState
from poseway.local.stack import Stack
from tests.browser.page import check_fits
from tests.photos import encoded
from tests.videos import make_video, numbered_people

FRAMES = 90
# Milliseconds that a frame is shown: a variable frame rate, as phones have it.
LASTING = (20, 60, 30, 35, 25)

# What the pixels of the video say: the bits that `numbered_people` drew, from left to right.
READ_NUMBER = """
(video) => {
  const canvas = new OffscreenCanvas(video.videoWidth, 16);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const luma = (bit) => context.getImageData(bit * 16 + 8, 8, 1, 1).data[1];
  return [...Array(8).keys()].reduce((sum, bit) => sum + (luma(bit) > 128 ? 1 << bit : 0), 0);
}
"""
# Pixels of the canvas that are neither clear nor black.
COUNT_COLOURED = """
(canvas) => {
  // Of a copy: reading back what is drawn on would slow the drawing down.
  const { width, height } = canvas;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 128 && Math.max(data[at], data[at + 1], data[at + 2]) > 60) count += 1;
  return count;
}
"""
# Part of the brightest pixels of the canvas that have much the same colour in the video behind.
COMPARE = """
(stage) => {
  const [video, canvas] = ["video", "canvas"].map((tag) => stage.querySelector(tag));
  const { width, height } = canvas;
  const read = (source) => {
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(source, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  const [rendered, drawn] = [read(video), read(canvas)];
  let [all, like] = [0, 0];
  for (let at = 0; at < drawn.length; at += 4) {
    const near = (of) => Math.abs(drawn[at + of] - rendered[at + of]) < 90;
    if (Math.max(drawn[at], drawn[at + 1], drawn[at + 2]) < 250) continue;
    all += 1;
    if (near(0) && near(1) && near(2)) like += 1;
  }
  return like / all;
}
"""
NOT_SEEN = "\N{EN DASH}"


@pytest.fixture(scope="module")
def job(stack: Stack, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A finished job of two people, whose frames carry their numbers and last differently."""
    times = list(
        itertools.accumulate(itertools.islice(itertools.cycle(LASTING), FRAMES - 1), initial=0)
    )
    video = tmp_path_factory.mktemp("result") / "numbered.mp4"
    video.write_bytes(
        make_video(
            FRAMES,
            picture=numbered_people(sample, FRAMES),
            times=times,
            time_base=Fraction(1, 1000),
            sound=True,
        )
    )
    with Client(stack.gateway_url) as client:
        options: dict[str, Any] = {"background": True, "screenshot_frames": 20}
        made = client.submit(video, options)
        *_, done = client.watch(made.id)
        assert done.state is JobState.SUCCEEDED, done.error
        yield done
        client.delete(done.id)


def open_result(page: Page, job: Job) -> Locator:
    """The player, once it shows skeletons; and the page had nothing to say against anything."""
    page.goto(f"/#/{job.id}")
    canvas = page.locator(".player canvas")
    expect(canvas).to_be_visible()
    wait_for_skeletons(page)
    return page.locator(".player")


def wait_for_skeletons(page: Page) -> None:
    page.wait_for_function(
        f"() => ({COUNT_COLOURED})(document.querySelector('.player canvas')) > 50"
    )


def coloured(page: Page) -> int:
    return int(page.locator(".player canvas").evaluate(COUNT_COLOURED))


def check_frame(page: Page, index: int) -> None:
    """The words and the pixels of the video both say that it is this frame."""
    expect(page.locator(".player .at")).to_have_text(f"Frame {index} / {FRAMES - 1}")
    assert page.locator(".player video").evaluate(READ_NUMBER) == index


def shown_frame(page: Page) -> int:
    found = re.search(r"\d+", page.locator(".player .at").inner_text())
    assert found is not None
    return int(found[0])


def api_frames(page: Page, job: Job) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = page.request.get(f"{job.links['frames']}?start=0&end=60").json()[
        "frames"
    ]
    return frames


@pytest.mark.parametrize("mode", ["Video", "As rendered"])
def test_a_step_shows_the_frame_that_it_says(
    page: Page, job: Job, mode: str, problems: list[str]
) -> None:
    player = open_result(page, job)
    player.get_by_role("radio", name=mode).check()
    check_frame(page, 0)
    on = player.get_by_role("button", name="One frame on")
    for index in range(1, 7):
        on.click()
        check_frame(page, index)
    player.get_by_role("button", name="One frame back").click()
    check_frame(page, 5)
    for key, index in ((".", 6), (",", 5), ("ArrowRight", 6), ("ArrowLeft", 5)):
        page.keyboard.press(key)
        check_frame(page, index)
    for _ in range(20):  # faster than frames are loaded: all of them count
        page.keyboard.press(".")
    check_frame(page, 25)
    page.get_by_role("slider", name="Position").first.press("End")
    check_frame(page, FRAMES - 1)
    on.click()
    check_frame(page, FRAMES - 1)
    page.get_by_role("slider", name="Position").first.press("Home")
    check_frame(page, 0)
    assert problems == []


def test_what_is_shown_after_playing_is_the_frame_that_is_said(page: Page, job: Job) -> None:
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


def test_people_and_parts_are_switched_off_and_on(
    page: Page, job: Job, problems: list[str]
) -> None:
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


def test_skeletons_are_where_they_were_rendered(
    page: Page, stack: Stack, sample: Path, tmp_path: Path
) -> None:
    """What the page draws has its colours where the rendered video has them: odd, wide pixels."""
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


def test_where_nobody_is_found_the_page_says_so(
    page: Page, stack: Stack, tmp_path: Path, problems: list[str]
) -> None:
    video = tmp_path / "nobody.mp4"
    video.write_bytes(make_video(12))
    with Client(stack.gateway_url) as client:
        *_, done = client.watch(client.submit(video, {}).id)
        page.goto(f"/#/{done.id}")
        expect(page.get_by_text("Nobody was found")).to_be_visible()
        expect(page.locator(".timeline")).to_be_hidden()
        page.keyboard.press(".")
        expect(page.locator(".player .at")).to_have_text("Frame 1 / 11")
        client.delete(done.id)
    assert problems == []


def test_the_result_of_a_picture_is_a_picture(
    page: Page, stack: Stack, sample: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "people.png"
    people = numbered_people(sample, 60)(59)
    picture.write_bytes(encoded(people, "png"))
    with Client(stack.gateway_url) as client:
        *_, done = client.watch(client.submit(picture, {}).id)
        page.goto(f"/#/{done.id}")
        image = page.get_by_role("img", name="The picture with skeletons")
        assert image.evaluate("(node) => node.decode().then(() => node.naturalWidth)") == 884
        expect(page.locator(".player")).to_have_count(0)
        frames = api_frames(page, done)
        angles = page.get_by_role("row", name="Left elbow")
        for person, cell in zip(frames[0]["people"], angles.get_by_role("cell").all(), strict=True):
            angle = person["angles"]["left_elbow"]
            expect(cell).to_have_text(NOT_SEEN if angle is None else f"{angle:.0f}°")
        check_fits(page)
        client.delete(done.id)


def test_the_timeline_seeks_and_follows(page: Page, job: Job) -> None:
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

    page.locator(".timeline").get_by_text("In words").click()
    tracks = page.request.get(f"{job.links['self']}/tracks.json").json()["tracks"]
    page.locator(".timeline details button").last.click()
    check_frame(page, tracks[-1]["spans"][-1][0])


def test_plots_say_what_the_data_says(page: Page, job: Job) -> None:
    player = open_result(page, job)
    plots = page.locator(".plots")
    plots.get_by_text("Choose joints").click()
    plots.get_by_role("button", name="Left elbow").click()
    player.get_by_role("button", name="One frame on").click()
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
        player.get_by_role("button", name="One frame on").click()

    area = plots.locator(".angles .area")
    area.scroll_into_view_if_needed()
    area.click(position={"x": 5, "y": 30})
    expect(player.locator(".clock")).to_have_text(re.compile(r"^0:00\.0"))


def test_a_link_shows_the_result_to_whoever_has_it(
    page: Page, job: Job, browser: Browser, stack: Stack
) -> None:
    open_result(page, job)
    page.locator("#detail").get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="1 day").check()
    dialog.get_by_role("button", name="Make a link").click()
    expect(dialog).to_contain_text("It works until")
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


def test_a_running_job_can_be_watched(
    page: Page, sample: Path, stack: Stack, tmp_path: Path
) -> None:
    """Segments follow each other as they are finished, each at its place in the whole."""
    video = tmp_path / "running.mp4"
    video.write_bytes(make_video(230, picture=numbered_people(sample, 230), rate=Fraction(10)))
    with Client(stack.gateway_url) as client:
        made = client.submit(video, {})
        page.goto(f"/#/{made.id}")
        preview = page.locator(".preview")
        expect(preview).to_be_visible(timeout=60_000)
        expect(page.locator("#detail .progress")).to_be_visible()
        preview.get_by_role("button", name="Play").click()
        # Beyond the first segment, which ends after 2.5 seconds.
        expect(preview.locator(".clock")).to_have_text(re.compile(r"^0:0[3-9]"), timeout=60_000)
        preview.get_by_role("button", name="Pause").click()
        page.wait_for_timeout(200)
        clock = preview.locator(".clock").inner_text().split()[0]
        index = preview.locator("video:visible").evaluate(READ_NUMBER)
        assert index == pytest.approx(10 * float(clock.removeprefix("0:")), abs=1.5)
        *_, done = client.watch(made.id)
        expect(page.locator(".player canvas")).to_be_visible()
        expect(preview).to_have_count(0)
        client.delete(done.id)


@pytest.mark.parametrize("width", [390, 1440])
def test_everything_has_its_place_on_phone_and_desktop(page: Page, job: Job, width: int) -> None:
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


def test_keys_do_nothing_while_somebody_types(page: Page, job: Job) -> None:
    player = open_result(page, job)
    player.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("dialog")).to_contain_text("A frame back")
    page.keyboard.press("Escape")
    player.get_by_label("Speed").focus()
    page.keyboard.press(".")
    check_frame(page, 0)
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press(".")
    page.wait_for_timeout(300)
    check_frame(page, 0)
