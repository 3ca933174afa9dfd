"""``python -m tools.pictures``: creates the images in the documentation with Poseway itself.

Processes the sample with the local system, which is started if necessary. Saves the poster of the
result and a screenshot of the page, taken with Debian's ``chromium``.
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
    """Creates both images."""
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
    """Returns a screenshot of the page with a result, as PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        # The page's Content-Security-Policy would block Playwright's own scripts.
        page = browser.new_page(viewport=_VIEW, color_scheme="light", bypass_csp=True)
        page.goto(f"{url}/#/{job.id}")
        page.locator(".player canvas").wait_for()
        page.locator(".player video").evaluate(_SEEK, _SECOND)
        page.wait_for_load_state("networkidle")
        picture = page.screenshot()
        browser.close()
    return picture


def save(image: bytes, target: Path) -> None:
    """Saves an image as a JPEG of limited size, at the highest quality that fits.

    Raises:
        PosewayError: The image cannot be decoded.
    """
    decoded = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise PosewayError("The image cannot be decoded.", "pictures")
    height = round(decoded.shape[0] * _WIDTH / decoded.shape[1])
    small = cv2.resize(decoded, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    for quality in range(90, 30, -5):
        _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(encoded) <= _MOST_BYTES:
            break
    target.write_bytes(encoded.tobytes())


if __name__ == "__main__":
    main()
