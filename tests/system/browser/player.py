"""Actions on the player of a result, and the job that it shows."""

import itertools
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from poseway.client import Client
from poseway.jobs import Job, JobState
from poseway.local.stack import Stack
from tests.support.videos import make_video, numbered_people

FRAMES = 90
# Durations of frames in milliseconds: a variable frame rate, as from phones.
LASTING = (20, 60, 30, 35, 25)

# Reads the frame number from the pixels: the bits that `numbered_people` drew, from left to right.
READ_NUMBER = """
(video) => {
  const canvas = new OffscreenCanvas(video.videoWidth, 16);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const luma = (bit) => context.getImageData(bit * 16 + 8, 8, 1, 1).data[1];
  return [...Array(8).keys()].reduce((sum, bit) => sum + (luma(bit) > 128 ? 1 << bit : 0), 0);
}
"""
# Counts the canvas' pixels that are neither transparent nor black.
COUNT_COLOURED = """
(canvas) => {
  // Uses a copy, because reading back a canvas slows down drawing on it.
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
# Fraction of the brightest pixels of the canvas with a similar colour in the video behind it.
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


@pytest.fixture(scope="session")
def job(stack: Stack, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A finished job with two people, whose numbered frames have varying durations."""
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
    """Opens a result. Returns the player once it shows skeletons."""
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
    """Checks that the text and the pixels of the video agree on this frame."""
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
