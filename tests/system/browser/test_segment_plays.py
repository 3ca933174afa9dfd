"""A finished segment of a running job plays on its own in a browser."""

import io
from collections.abc import Iterator
from fractions import Fraction

import pytest
from playwright.sync_api import Page

from poseway.jobs import JobOptions, JobRequest, Keys, new_job_id, now
from poseway.local.stack import Stack
from poseway.media.reader import VideoInfo
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.media.encode import Encoding, SegmentEncoder

PLAY = """async (url) => {
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const shown = new Promise((resolve) => (video.onloadeddata = resolve));
  video.src = url;
  await shown;
  const began = video.currentTime;
  video.currentTime = 1.5;
  await new Promise((resolve) => (video.onseeked = resolve));
  const canvas = document.createElement("canvas");
  const brush = canvas.getContext("2d");
  brush.drawImage(video, 0, 0);
  const grey = brush.getImageData(10, 10, 1, 1).data[0];
  await video.play();
  await new Promise((resolve) => (video.onended = resolve));
  return [began, grey, video.currentTime, video.duration];
}"""


def second_segment() -> bytes:
    """Two seconds of video from second 10, at 25 frames per second, growing brighter."""
    base = Fraction(1, 12_800)
    info = VideoInfo("h264", 64, 48, base, Fraction(25), Fraction(1), None, None)
    space = ColourSpace(1, 1, 1, False, 1)
    file = io.BytesIO()
    encoder = SegmentEncoder(file, info, space, Encoding())
    for index in range(50):
        canvas = Canvas(64, 48, space)
        canvas.blacken()
        canvas.luma[:] = 16 + 4 * index
        encoder.write(canvas, (250 + index) * 512, 512)
    encoder.finish()
    return file.getvalue()


@pytest.fixture
def segment(stack: Stack) -> Iterator[str]:
    """Path of a job's segment."""
    request = JobRequest(
        id=new_job_id(), name="a", size=1, sha256="", created_at=now(), options=JobOptions()
    )
    keys = Keys(request.id)
    stack.store.put(keys.request, request.model_dump_json().encode(), "application/json")
    stack.store.put(keys.segment(1, "video.mp4"), second_segment(), "video/mp4")
    stack.store.put(keys.segment(1, "preview.json"), b'{"start":10,"end":12}', "application/json")
    yield f"/v1/jobs/{request.id}/preview/1.mp4"
    stack.store.delete_prefix(keys.record)


def test_segment_starts_at_zero_and_has_its_own_duration(
    page: Page, segment: str, problems: list[str]
) -> None:
    page.goto("/")
    began, grey, ended, duration = page.evaluate(PLAY, segment)
    assert began == 0
    # About frame 37, whose luma is 16 + 4 * 37, within 16 to 235.
    assert grey == pytest.approx((4 * 37.5) * 255 / 219, abs=8)
    assert ended == pytest.approx(2, abs=0.05)
    assert duration == pytest.approx(2, abs=0.05)
    assert problems == []
