"""``python -m tools.pictures``: makes the pictures of these pages, with Poseway itself.

Has the sample done by the system on this machine, which is started if need be, and looks at the
result and at the page; for that it takes Debian's ``chromium``.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from playwright.sync_api import ViewportSize, sync_playwright

from poseway.cli.system import DEFAULT_DATA_DIR, system
from poseway.client import Client
from poseway.errors import PosewayError
from poseway.jobs import Job, JobState
from poseway.local.downloads import fetch_sample
from poseway.paths import ROOT

_FOLDER: Final = ROOT / "docs" / "pictures"
_WIDTH: Final = 1000
_MOST_BYTES: Final = 150_000
_VIEW: Final[ViewportSize] = {"width": 1280, "height": 860}
_SECOND: Final = 3.0
_SEEK: Final = """(video, second) => new Promise((done) => {
  video.addEventListener("seeked", done);
  video.currentTime = second;
})"""


def main() -> None:
    """Makes both."""
    data_dir = Path(os.environ.get("POSEWAY_DATA_DIR", DEFAULT_DATA_DIR))
    with (
        tempfile.TemporaryDirectory() as folder,
        system(data_dir, None) as url,
        Client(url) as client,
    ):
        sample = fetch_sample(ROOT / "build" / "sample")
        job = client.wait(client.submit(sample, {"trails": True, "background": True}).id)
        if job.state is not JobState.SUCCEEDED:
            raise PosewayError(f"The sample ended as {job.state}.", "pictures")
        poster = Path(folder) / "poster.jpg"
        client.download(job.links["poster"], poster)
        save(poster.read_bytes(), _FOLDER / "drawn.jpg")
        save(page_of(client.url, job), _FOLDER / "page.jpg")
        client.delete(job.id)


def page_of(url: str, job: Job) -> bytes:
    """The page as it shows a result."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        # What looks at the page from outside is no part of it, so its policy is not for that.
        page = browser.new_page(viewport=_VIEW, color_scheme="light", bypass_csp=True)
        page.goto(f"{url}/#/{job.id}")
        page.locator(".player canvas").wait_for()
        page.locator(".player video").evaluate(_SEEK, _SECOND)
        page.wait_for_load_state("networkidle")
        picture = page.screenshot()
        browser.close()
    return picture


def save(picture: bytes, target: Path) -> None:
    """A picture as a JPEG that is small enough for a page, as good as that allows."""
    decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise PosewayError("That is no picture.", "pictures")
    height = round(decoded.shape[0] * _WIDTH / decoded.shape[1])
    small = cv2.resize(decoded, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    for quality in range(90, 30, -5):
        _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(encoded) <= _MOST_BYTES:
            break
    target.write_bytes(encoded.tobytes())


if __name__ == "__main__":
    main()
