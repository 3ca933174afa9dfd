"""``python -m benchmarks.encoding``: time, file size and similarity for settings of x264.

Similarity is SSIM (Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Processing 13(4), 2004) of
the luma, with the paper's window and constants, for every sixth frame. The settings run in turn on
one thread for several rounds, whose medians count. All rows except the second are encoded as in the
renderer, without B-frames.
"""

import argparse
import io
import json
import statistics
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.inference import SAMPLE
from poseway.media.yuv import samples
from poseway_renderer.media.encode import LOOKAHEAD

_RESULT: Final = Path("build/bench-encoding.json")
_FRAMES: Final = 120
_EVERY: Final = 6
_RATE: Final = 30

Floats = NDArray[np.float32]


class Way(NamedTuple):
    """Settings of x264."""

    preset: str
    crf: int
    more: str = ""


_PEER: Final = Way("veryfast", 23)
_WAYS: Final = (
    _PEER,
    Way("veryfast", 23, "bframes=3:b-adapt=1"),
    Way("ultrafast", 23),
    Way("superfast", 23),
    Way("superfast", 26),
    Way("superfast", 22, LOOKAHEAD),
    Way("superfast", 23, LOOKAHEAD),
    Way("superfast", 23, "rc-lookahead=20:mbtree=1"),
    Way("superfast", 22, f"{LOOKAHEAD}:subme=0"),
    Way("faster", 23),
)


def frames(video: Path) -> list[av.VideoFrame]:
    """Returns the first frames of a video."""
    with av.open(str(video)) as source:
        return [frame for frame, _ in zip(source.decode(video=0), range(_FRAMES), strict=False)]


def encode(pictures: list[av.VideoFrame], way: Way) -> tuple[float, bytes]:
    """Encodes frames. Returns CPU milliseconds per frame, and the file."""
    file = io.BytesIO()
    options = {"preset": way.preset, "crf": str(way.crf), "profile": "high", "bf": "0"}
    if way.more:
        options["x264-params"] = way.more
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=_RATE, options=options)
        stream.width, stream.height = pictures[0].width, pictures[0].height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.gop_size = 2 * _RATE
        began = time.process_time()
        for number, picture in enumerate(pictures):
            picture.pts, picture.time_base = number, Fraction(1, _RATE)
            picture.pict_type = PictureType.NONE
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
        spent = time.process_time() - began
    return spent / len(pictures) * 1000, file.getvalue()


def likeness(pictures: list[av.VideoFrame], data: bytes) -> float:
    """Returns the mean SSIM between frames and the same frames after encoding."""
    with av.open(io.BytesIO(data), "r") as made:
        pairs = enumerate(zip(pictures, made.decode(video=0), strict=True))
        return statistics.mean(
            _ssim(*(samples(frame.planes[0]).astype(np.float32) for frame in pair))
            for number, pair in pairs
            if number % _EVERY == 0
        )


def _ssim(one: Floats, other: Floats) -> float:
    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float32)

    a, b = mean(one), mean(other)
    variances = mean(one * one) - a * a + mean(other * other) - b * b
    covariance = mean(one * other) - a * b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * a * b + c1) / (a * a + b * b + c1)
    return float((luminance * (2 * covariance + c2) / (variances + c2)).mean())


def measure(video: Path, rounds: int) -> list[dict[str, Any]]:
    """Returns the figures of all settings."""
    pictures = frames(video)
    times: dict[Way, list[float]] = {way: [] for way in _WAYS}
    files: dict[Way, bytes] = {}
    for _ in range(rounds):
        for way in _WAYS:
            spent, files[way] = encode(pictures, way)
            times[way].append(spent)
    return [
        {
            "settings": f"{way.preset}, CRF {way.crf} {way.more}".strip(),
            "cpu_ms_per_frame": round(statistics.median(times[way]), 2),
            "time_ratio": round(
                statistics.median(a / b for a, b in zip(times[way], times[_PEER], strict=True)), 2
            ),
            "size_ratio": round(len(files[way]) / len(files[_PEER]), 2),
            "ssim": round(likeness(pictures, files[way]), 4),
        }
        for way in _WAYS
    ]


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if not arguments.video.exists():
        sys.exit(f"{arguments.video} is missing. Run `make sample`.")
    figures = measure(arguments.video, arguments.rounds)
    table = Table(title=f"{_FRAMES} frames of {arguments.video}, beside {_PEER.preset}")
    for title in ("settings", "CPU ms a frame", "time", "size", "SSIM"):
        table.add_column(title, justify="left" if title == "settings" else "right")
    for row in figures:
        table.add_row(*(str(value) for value in row.values()))
    console = Console()
    console.print(table)
    _RESULT.parent.mkdir(parents=True, exist_ok=True)
    _RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"Medians of {arguments.rounds} rounds. Written to {_RESULT}.")


if __name__ == "__main__":
    main()
