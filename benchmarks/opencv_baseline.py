"""The baseline: the straightforward solution with OpenCV alone, frame by frame.

It finds one person, at the maximum of each confidence map. It runs the same network on inputs of
the same size as Poseway, with all of OpenCV's threads and nothing else beside it.
"""

import time
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.errors import PosewayError
from poseway.skeleton import COLOURS, KEYPOINTS, LIMBS

_LEAST: Final = 0.1
_STRIDE: Final = 8


def process(video: Path, target: Path, graph: Path, height: int, frames: int) -> float:
    """Draws the person in the first frames of a video.

    Args:
        video: The video to read.
        target: The video to write, MPEG-4 part 2 in MP4, which OpenCV's wheel supports.
        graph: The network's file.
        height: Height of the network's input in pixels.
        frames: Number of frames to process.

    Returns:
        Frames per second.

    Raises:
        PosewayError: The video has fewer frames.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(-1)  # one thread per core
    try:
        return _process(video, target, graph, height, frames)
    finally:
        cv2.setNumThreads(threads)


def _process(video: Path, target: Path, graph: Path, height: int, frames: int) -> float:
    net = cv2.dnn.readNetFromTensorflow(str(graph))
    capture = cv2.VideoCapture(str(video))
    size = (
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
    )
    # A multiple of eight, as the network requires, closest to the frame's aspect ratio.
    width = round(size[0] * height / size[1] / _STRIDE) * _STRIDE
    rate = capture.get(cv2.CAP_PROP_FPS)
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    began = time.perf_counter()
    for number in range(frames + 1):
        if number == 1:  # the first frame initializes the network
            began = time.perf_counter()
        read, frame = capture.read()
        if not read:
            raise PosewayError(f"{video} has only {number} frames.", "benchmark")
        net.setInput(cv2.dnn.blobFromImage(frame, 1.0, (width, height)))
        _draw(frame, net.forward()[0])
        writer.write(frame)
    seconds = time.perf_counter() - began
    writer.release()
    capture.release()
    return frames / seconds


def _draw(frame: NDArray[np.uint8] | cv2.typing.MatLike, maps: cv2.typing.MatLike) -> None:
    """Draws the person whose keypoints are the maxima of the confidence maps."""
    height, width = frame.shape[:2]
    points: list[tuple[int, int] | None] = []
    for part in range(len(KEYPOINTS)):
        _, score, _, (x, y) = cv2.minMaxLoc(maps[part])
        scale_x, scale_y = width / maps.shape[2], height / maps.shape[1]
        points.append((int(x * scale_x), int(y * scale_y)) if score > _LEAST else None)
    for start, end in LIMBS:
        first, second = points[start], points[end]
        if first and second:
            cv2.line(frame, first, second, COLOURS[end][::-1], 3)
            cv2.circle(frame, first, 4, COLOURS[start][::-1], cv2.FILLED)
            cv2.circle(frame, second, 4, COLOURS[end][::-1], cv2.FILLED)
