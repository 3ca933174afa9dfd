"""MoveNet MultiPose: a network that outputs people instead of maps.

It finds up to six people by their centres, each with COCO's 17 keypoints (Google's model card
"MoveNet MultiPose Lightning", 2021; based on Zhou et al., "Objects as Points", 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway.skeleton import COCO_KEYPOINTS, KEYPOINTS
from poseway_inference.engines.base import Engine
from poseway_inference.families.base import Frame, People

Floats = NDArray[np.float32]

_STRIDE: Final = 32
_SHOULDERS: Final = [COCO_KEYPOINTS.index(f"{side}_shoulder") for side in ("left", "right")]
# Index of each of our keypoints among COCO's, with the neck appended to them.
_ORDER: Final = [(*COCO_KEYPOINTS, "neck").index(name) for name in KEYPOINTS]
_VALUES: Final = 3 * len(COCO_KEYPOINTS) + 5  # keypoints, then a box and a score

# Below these scores most people are false detections and most keypoints are guesses.
_MIN_SCORE: Final = 0.05
_MIN_KEYPOINT_SCORE: Final = 0.05
_MIN_KEYPOINTS: Final = 4


class MoveNetEstimator:
    """Finds people with MoveNet MultiPose; an `Estimator`."""

    def __init__(self, engine: Engine, input_size: int = 384, accurate_size: int = 512) -> None:
        """Makes an estimator.

        Args:
            engine: Runs the network.
            input_size: Length in pixels to which the longer side of frames is scaled, a multiple
                of 32.
            accurate_size: The same for accurate frames.
        """
        self._engine = engine
        self._input_size = input_size
        self._accurate_size = accurate_size

    @property
    def batch_size(self) -> int:
        """Maximum frames per call. The network takes one."""
        return 1

    def shape(self, frame: Frame) -> tuple[int, ...]:
        """Width and height of the network's input; see `Estimator.shape`."""
        return self._fit(frame).input_size

    def estimate(self, frames: Sequence[Frame]) -> list[People]:
        """Finds the people; see `Estimator.estimate`."""
        return [self._estimate(frame) for frame in frames]

    def _estimate(self, frame: Frame) -> People:
        fit = self._fit(frame)
        output = self._engine.run(fit.prepare(frame.pixels))
        keypoints, scores = read_people(output)
        best = slice(frame.max_people or None)
        return People(fit.to_source(keypoints[best], frame.source_size), scores[best])

    def _fit(self, frame: Frame) -> "_Fit":
        height, width = frame.pixels.shape[:2]
        if min(width, height, *frame.source_size) < 1:
            raise InvalidRequestError("A frame must have pixels.")
        scale = (self._accurate_size if frame.accurate else self._input_size) / max(width, height)
        return _Fit(max(1, round(width * scale)), max(1, round(height * scale)), scale < 1)


@dataclass(frozen=True)
class _Fit:
    """Scales a frame to the network's input, keeping its aspect, and pads it right and below.

    Attributes:
        width: Width of the scaled frame in pixels.
        height: Height of the scaled frame in pixels.
        shrinks: Whether the scaled frame is smaller than the original.
    """

    width: int
    height: int
    shrinks: bool

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height of the network's input in pixels."""
        return ceil(self.width / _STRIDE) * _STRIDE, ceil(self.height / _STRIDE) * _STRIDE

    def prepare(self, bgr: NDArray[np.uint8]) -> Floats:
        """Returns the network's input, float32 (1, height, width, 3), 0..255, red green blue."""
        interpolation = cv2.INTER_AREA if self.shrinks else cv2.INTER_LINEAR
        scaled = cv2.resize(bgr, (self.width, self.height), interpolation=interpolation)
        width, height = self.input_size
        image = np.zeros((1, height, width, 3), np.float32)
        image[0, : self.height, : self.width] = scaled[..., ::-1]
        return image

    def to_source(self, keypoints: Floats, source_size: tuple[int, int]) -> Floats:
        """Maps keypoints to pixels of the source; undetected ones stay (0, 0, 0).

        The network, too, puts (0, 0) at the centre of the first pixel. Scaling by s keeps the edges
        of the image in place, so centres move: x' = (x + 1/2) s - 1/2.

        Args:
            keypoints: float32 (n, 18, 3): x, y as shares of the input's sides, and the score.
            source_size: Width and height of the source in pixels.

        Returns:
            float32 (n, 18, 3): x, y in pixels of the source, within it, and the score.
        """
        source = np.array(source_size, np.float32)
        scale = source / np.array((self.width, self.height), np.float32)
        half = np.float32(0.5)
        points = (keypoints[..., :2] * np.array(self.input_size, np.float32) + half) * scale - half
        points = np.clip(points, np.float32(0), source - np.float32(1))
        scores = keypoints[..., 2:]
        return np.concatenate([np.where(scores > 0, points, np.float32(0)), scores], axis=-1)


def read_people(output: Floats) -> People:
    """Reads the people from the network's output.

    Args:
        output: float32 (1, n, 56): y, x and score of 17 keypoints, a box, and a score. Keypoints
            and people with values that are not finite are ignored.

    Returns:
        The people, with x and y as shares of the input's width and height.
    """
    rows = output.reshape(-1, _VALUES)
    keypoints = _our_keypoints(rows[:, : 3 * len(COCO_KEYPOINTS)])
    scores = np.nan_to_num(rows[:, -1], nan=0, posinf=0, neginf=0)
    enough = np.count_nonzero(keypoints[..., 2], axis=1) >= _MIN_KEYPOINTS
    order = np.argsort(-scores, kind="stable")
    kept = order[(enough & (scores >= _MIN_SCORE))[order]]
    return People(keypoints[kept], scores[kept])


def _our_keypoints(rows: Floats) -> Floats:
    """Converts COCO's keypoints, float32 (n, 51), to ours, float32 (n, 18, 3).

    The neck is the midpoint of the shoulders and has the lower of their scores.
    """
    coco = rows.reshape(len(rows), -1, 3)[..., [1, 0, 2]]
    shoulders = coco[:, _SHOULDERS]
    neck = np.concatenate([shoulders[..., :2].mean(axis=1), shoulders[..., 2:].min(axis=1)], axis=1)
    keypoints = np.concatenate([coco, neck[:, None]], axis=1)[:, _ORDER]
    seen = np.isfinite(keypoints).all(axis=-1) & (keypoints[..., 2] >= _MIN_KEYPOINT_SCORE)
    return np.where(seen[..., None], keypoints, np.float32(0))
