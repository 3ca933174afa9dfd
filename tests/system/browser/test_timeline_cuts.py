"""Cuts on the timeline of a result."""

from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from poseway.client import Client
from poseway.local.stack import Stack
from tests.support.shape_changes import RATE, Part, film
from tests.system.browser.player import open_result

FRAMES = 20


def test_timeline_shows_cuts(
    page: Page, problems: list[str], stack: Stack, sample: Path, tmp_path: Path
) -> None:
    with av.open(str(sample)) as video:
        image = next(video.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)
    man, woman = image[0:560, 346:906], image[434:994, 1150:1710]
    path = tmp_path / "cut.mkv"
    path.write_bytes(film([Part([man] * FRAMES + [woman] * FRAMES)]))
    with Client(stack.gateway_url) as client:
        job = client.wait(client.submit(path, {"background": True}).id)
        open_result(page, job)
        line = page.locator(".timeline").get_by_role("button", name="Cut at 0:00.80")
        line.scroll_into_view_if_needed()
        whole, box = page.locator(".timeline ol").bounding_box(), line.bounding_box()
        bars = page.locator(".timeline .bars").first.bounding_box()
        assert whole
        assert box
        assert bars
        middle = box["x"] + box["width"] / 2
        assert middle == pytest.approx(bars["x"] + bars["width"] / 2, abs=2)
        assert box["height"] > whole["height"] - 2
        line.press("Enter")
        axis = page.locator(".timeline").get_by_role("slider")
        expect(axis).to_have_attribute("aria-valuenow", f"{FRAMES / RATE:.2f}")
        assert not problems
        client.delete(job.id)
