"""``poseway run``."""

import sys
from pathlib import Path

from poseway.cli import options as has
from poseway.cli.job import fetch, process, summarise, target
from poseway.cli.system import DEFAULT_DATA_DIR, DataDir, Port, system
from poseway.cli.terminal import fail, stop_on_sigterm
from poseway.client import Client
from poseway.errors import PosewayError
from poseway.jobs import DEFAULT_RESOLUTION, Overlay, Smoothing
from poseway.local.place import bypass_proxies


def run(
    video: has.Video,
    output: has.Output = Path("outputs"),
    model: has.Model = None,
    accurate: has.Accurate = False,
    smoothing: has.Smooth = Smoothing.LIGHT,
    screenshot_frames: has.ScreenshotFrames = None,
    screenshot_seconds: has.ScreenshotSeconds = None,
    max_people: has.MaxPeople = None,
    overlay: has.DrawnOn = Overlay.VIDEO,
    no_ids: has.NoIds = False,
    scores: has.Scores = False,
    boxes: has.Boxes = False,
    trails: has.Trails = False,
    background: has.Background = False,
    line_width: has.LineWidth = None,
    crf: has.Crf = None,
    max_resolution: has.MaxResolution = DEFAULT_RESOLUTION,
    csv: has.Csv = False,
    openpose: has.OpenPose = False,
    coco: has.Coco = False,
    trc: has.Trc = False,
    angles: has.Angles = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    port: Port = None,
) -> None:
    """Processes a video on this machine, starting the system if it is not running."""
    stop_on_sigterm()
    bypass_proxies()
    options = {
        "model": model,
        "accurate": accurate,
        "smoothing": smoothing,
        "screenshot_frames": screenshot_frames,
        "screenshot_seconds": screenshot_seconds,
        "max_people": max_people,
        "overlay": overlay,
        "ids": not no_ids,
        "scores": scores,
        "boxes": boxes,
        "trails": trails,
        "background": background,
        "line_width": line_width,
        "crf": crf,
        "max_resolution": max_resolution,
    }
    given = {name: str(value) for name, value in options.items() if value is not None}
    wanted = {"csv": csv, "openpose": openpose, "coco": coco, "trc": trc, "angles": angles}
    try:
        with system(data_dir, port) as url, Client(url) as client:
            job = process(client, video, given)
            folder = target(output, video)
            manifest = fetch(client, job, folder, [name for name in wanted if wanted[name]])
    except PosewayError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
    summarise(manifest, folder)
