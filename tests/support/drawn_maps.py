"""Draws maps as a perfect network would output them."""

import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import LIMBS
from poseway_inference.families.openpose.decoder import CHANNELS

Array = NDArray[np.float32]

# OpenPose's COCO networks: limbs, and the two channels of each field after the background.
FIELDS = dict(
    zip(
        (*LIMBS, (2, 16), (5, 17)),
        (12, 20, 14, 16, 22, 24, 0, 2, 4, 6, 8, 10, 28, 30, 34, 32, 36, 18, 26),
        strict=True,
    )
)
# A standing person in cells, from the nose.
STANDING = np.array(
    [
        *[(0, 0), (0, 4), (-2.5, 4), (-3.5, 8), (-4, 12), (2.5, 4), (3.5, 8), (4, 12)],
        *[(-1.5, 13), (-1.6, 19), (-1.7, 25), (1.5, 13), (1.6, 19), (1.7, 25)],
        *[(-1, -1), (1, -1), (-2.5, -0.5), (2.5, -0.5)],
    ],
    np.float32,
)


def at(x: float, y: float, scale: float = 1.0) -> Array:
    return STANDING * np.float32(scale) + np.array([x, y], np.float32)


def draw(
    *people: Array,
    size: tuple[int, int] = (46, 82),
    missing: tuple[int, ...] = (),
    height: float = 0.9,
) -> Array:
    """Draws maps, float32 (h, w, 57): a Gaussian per keypoint, unit vectors along limbs."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    maps = np.zeros((*size, CHANNELS), np.float32)
    people_on = np.zeros((*size, len(FIELDS)), np.float32)
    for person in people:
        for part, (x, y) in enumerate(person):
            if part not in missing:
                bell = height * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2)
                maps[..., part] = np.maximum(maps[..., part], bell)
        for limb, ((a, b), channel) in enumerate(FIELDS.items()):
            if a in missing or b in missing:
                continue
            length = np.hypot(*(person[b] - person[a]))
            direction = (person[b] - person[a]) / length
            dx, dy = columns - person[a, 0], rows - person[a, 1]
            along = dx * direction[0] + dy * direction[1]
            across = np.abs(dx * direction[1] - dy * direction[0])
            on = (across <= 1) & (along >= -1) & (along <= length + 1)
            maps[on, 19 + channel : 21 + channel] += height * direction
            people_on[on, limb] += 1
    # Where limbs of one kind overlap, the field is their mean.
    for limb, channel in enumerate(FIELDS.values()):
        maps[..., 19 + channel : 21 + channel] /= np.maximum(people_on[..., limb, None], 1)
    return maps
