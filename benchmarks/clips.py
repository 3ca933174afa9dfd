"""Clips for benchmarks: the sample video in a loop, in common sizes."""

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
    """Returns the path of an H.264 clip at 30 frames per second, which is created if missing.

    Args:
        name: Size of the clip, a key of `SIZES`.
        seconds: Length of the clip.
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
    """Returns a clip of a few frames, 320 pixels wide."""
    path = _DIRECTORY / f"short-{frames}.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path, 320, 180, frames)
    return path.read_bytes()


def make_long(frames: int) -> Path:
    """Returns a tiny clip at 5 frames per second, for runs in which pixels do not matter."""
    path = _DIRECTORY / f"long-{frames}-5.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path, 320, 180, frames, rate=5)
    return path


def _make(path: Path, width: int, height: int, frames: int, rate: int = _RATE) -> None:
    with av.open(str(path), "w", format="mp4") as output:
        # One keyframe per second, as from cameras.
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
