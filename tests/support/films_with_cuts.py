"""Films of drawn places: the camera cuts, pans, zooms and shakes, and lights flash."""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect import FrameTimecode
from scenedetect.detectors import ContentDetector

from tests.support.videos import make_video

Picture = NDArray[np.uint8]

WIDTH: Final = 256
HEIGHT: Final = 144
PLACES: Final = ((190, 130), (560, 300), (500, 110), (220, 330))
"""Middles of views that have little in common."""


def place(seed: int) -> Picture:
    """A scene full of objects, uint8 (432, 768, 3)."""
    rng = np.random.default_rng(seed)
    picture = np.empty((432, 768, 3), np.uint8)
    picture[:] = rng.integers(40, 215, 3)
    for _ in range(160):
        x, y = int(rng.integers(768)), int(rng.integers(432))
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        size = int(rng.integers(8, 40))
        if rng.random() < 0.5:
            cv2.circle(picture, (x, y), size, colour, cv2.FILLED)
        else:
            cv2.rectangle(picture, (x, y), (x + 2 * size, y + size), colour, cv2.FILLED)
    return picture


def view(picture: Picture, x: float, y: float, zoom: float = 1.0, roll: float = 0.0) -> Picture:
    """The view of a camera that points at a position in a scene."""
    towards = np.asarray(cv2.getRotationMatrix2D((x, y), roll, zoom), np.float64)
    towards[:, 2] += np.array((WIDTH / 2 - x, HEIGHT / 2 - y))
    seen = cv2.warpAffine(picture, towards, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.uint8)


def lit(picture: Picture, gain: float, offset: "float | NDArray[np.floating]" = 0.0) -> Picture:
    """An image at another exposure, in 8 bits."""
    return np.clip(picture.astype(float) * gain + offset, 0, 255).astype(np.uint8)


def noisy(shots: Sequence[Picture], levels: float, seed: int = 1) -> list[Picture]:
    """The same with a sensor's noise."""
    rng = np.random.default_rng(seed)
    return [lit(shot, 1, rng.normal(0, levels, shot.shape)) for shot in shots]


def film(shots: Sequence[Picture], rate: int, jitter: bool = False) -> bytes:
    """H.264 with B-frames; times wander by up to 6 ms if wanted."""
    rng = np.random.default_rng(3)
    wander = min(6, 400 // rate) if jitter else 0
    times = [
        10 + round(1000 * index / rate) + int(rng.integers(-wander, wander + 1))
        for index in range(len(shots))
    ]
    return make_video(
        len(shots),
        picture=lambda index: shots[index],
        rate=Fraction(rate),
        times=times,
        time_base=Fraction(1, 1000),
        container="matroska",
        options={"preset": "veryfast", "bf": "3", "g": "40"},
    )


def scenedetect(data: bytes, rate: int) -> list[int]:
    """The frames before which PySceneDetect's content detector sees a cut."""
    detector = ContentDetector(min_scene_len=1)
    found: list[int] = []
    with av.open(io.BytesIO(data), "r") as container:
        for index, image in enumerate(container.decode(video=0)):
            time = FrameTimecode(index, float(rate))
            cuts = detector.process_frame(time, image.to_ndarray(format="bgr24"))
            found += [cut.frame_num for cut in cuts]
    return found
