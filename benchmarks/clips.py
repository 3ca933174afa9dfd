"""The clips that are timed: the sample video, over and over, in the sizes that people film in."""

import sys
from fractions import Fraction
from pathlib import Path
from typing import Final

import av

from benchmarks.inference import SAMPLE

SIZES: Final = {"720p": (1280, 720), "1080p": (1920, 1080)}
_RATE: Final = 30
_DIRECTORY: Final = Path("build/bench")


def clip(name: str, seconds: int) -> Path:
    """A clip in H.264 with 30 frames a second, made if it is not there yet.

    Args:
        name: A key of `SIZES`.
        seconds: Its length.
    """
    path = _DIRECTORY / f"{name}-{seconds}s.mp4"
    if not path.exists():
        if not SAMPLE.exists():
            sys.exit(f"{SAMPLE} is missing. Run `make sample`.")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        _make(part, *SIZES[name], seconds * _RATE)
        part.rename(path)
    return path


def make_short(frames: int) -> bytes:
    """A clip of a few frames, 320 pixels wide."""
    path = _DIRECTORY / f"short-{frames}.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path, 320, 180, frames)
    return path.read_bytes()


def make_long(frames: int) -> Path:
    """A clip of 320 x 180 pixels with 5 frames a second, for what is not about pixels."""
    path = _DIRECTORY / f"long-{frames}-5.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path, 320, 180, frames, rate=5)
    return path


def _make(path: Path, width: int, height: int, frames: int, rate: int = _RATE) -> None:
    with av.open(str(path), "w", format="mp4") as output:
        # A keyframe a second, as cameras have it.
        options = {"preset": "veryfast", "crf": "20", "g": str(rate)}
        stream = output.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        number = 0
        while number < frames:
            with av.open(str(SAMPLE)) as source:
                for image in source.decode(video=0):
                    if number == frames:
                        break
                    frame = image.reformat(width, height, "yuv420p", interpolation="AREA")
                    frame.pts, frame.time_base = number, Fraction(1, rate)
                    output.mux(stream.encode(frame))
                    number += 1
        output.mux(stream.encode(None))
