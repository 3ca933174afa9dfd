"""``python -m benchmarks.cuts``: CPU time of cut detection, beside PySceneDetect.

Poseway uses the frame that goes to inference anyway; PySceneDetect uses a BGR frame, which it
scales down itself. Medians over several rounds, on one thread. Two clips are hard: a shaken camera,
whose consecutive frames hardly resemble each other, and pure noise.
"""

import argparse
import statistics
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scenedetect import FrameTimecode
from scenedetect.detectors import ContentDetector
from scenedetect.scene_manager import compute_downscale_factor

from benchmarks.clips import SIZES, clip
from poseway.media.reader import VideoReader
from poseway.media.resize import fit
from poseway.media.yuv import Yuv
from poseway.model_cards import load_cards
from poseway_gateway.dispatcher.frames.cut_detector import CutDetector
from poseway_gateway.dispatcher.frames.frame_signature import FrameSignature, signature

_FRAMES: Final = 90
_RATE: Final = 30


def ours(pictures: list[Yuv]) -> float:
    """Returns CPU milliseconds per frame."""

    def frame_signature(index: int) -> FrameSignature:
        return signature(index, index, index / _RATE, pictures[index])

    began = time.process_time()
    for _ in CutDetector(range(len(pictures)), frame_signature):
        pass
    return (time.process_time() - began) / len(pictures) * 1000


def theirs(pictures: list[NDArray[np.uint8]]) -> float:
    """Returns CPU milliseconds per frame, without decoding and conversion."""
    detector = ContentDetector()
    height, width = pictures[0].shape[:2]
    factor = compute_downscale_factor(width)
    size = round(width / factor), round(height / factor)
    began = time.process_time()
    for index, picture in enumerate(pictures):
        small = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        detector.process_frame(FrameTimecode(index, float(_RATE)), np.asarray(small, np.uint8))
    return (time.process_time() - began) / len(pictures) * 1000


def decoded(video: Path) -> tuple[list[Yuv], list[NDArray[np.uint8]]]:
    """Returns the first frames, as sent to inference and in full size."""
    with closing(VideoReader(video.open("rb"), threads=1)) as reader:
        info = reader.info
        size = fit(info.width, info.height, load_cards()[0].input_size)
        frames = [frame for frame, _ in zip(reader.frames(), range(_FRAMES), strict=False)]
        small = [frame.yuv(*size) for frame in frames]
        return small, [frame.bgr(info.width, info.height) for frame in frames]


def shaken(pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Returns the frames shaken hard: by up to a twentieth of the width and 2 degrees."""
    rng = np.random.default_rng(1)
    height, width = pictures[0].shape[:2]
    moved = []
    for picture in pictures:
        angle = rng.normal(0, 2)
        turn = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.2), np.float64)
        turn[:, 2] += rng.normal(0, width / 20, 2)
        moved.append(
            np.asarray(
                cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT),
                np.uint8,
            )
        )
    return moved


def noise(pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Returns as many frames of pure noise."""
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, picture.shape, np.uint8) for picture in pictures]


def scaled(picture: NDArray[np.uint8], width: int, height: int) -> Yuv:
    """Returns a frame as sent to inference, with even width and height."""
    width, height = width // 2 * 2, height // 2 * 2
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return Yuv(width, height, cv2.cvtColor(small, cv2.COLOR_BGR2YUV_I420).tobytes(), 1, False)


def measure(small: list[Yuv], whole: list[NDArray[np.uint8]], rounds: int) -> tuple[float, float]:
    """Returns the figures of both detectors."""
    times = [(ours(small), theirs(whole)) for _ in range(rounds)]
    one, other = (statistics.median(column) for column in zip(*times, strict=True))
    return one, other


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    table = Table(title="Cut detection, CPU milliseconds per frame")
    for title in ("clip", "ours", "PySceneDetect", "ratio"):
        table.add_column(title, justify="left" if title == "clip" else "right")
    clips = {name: decoded(clip(name, 3)) for name in SIZES}
    small, whole = clips["720p"]
    for name, change in (("720p, shaken", shaken), ("720p, noise", noise)):
        hard = change(whole)
        clips[name] = [scaled(p, small[0].width, small[0].height) for p in hard], hard
    for name, pictures in clips.items():
        one, other = measure(*pictures, arguments.rounds)
        table.add_row(name, f"{one:.2f}", f"{other:.2f}", f"{one / other:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
