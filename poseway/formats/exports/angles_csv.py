"""`angles.csv`: joint angles in degrees, a row per person and frame (RFC 4180)."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Final

import numpy as np

from poseway.formats import keypoints
from poseway.formats.exports.places import places
from poseway.formats.exports.text import blocks, cells
from poseway.formats.joint_angles import NAMES, angles

_ROWS: Final = 256
"""People whose angles are measured at once."""
_NOWHERE: Final = (float("nan"), float("nan"))


def to_angles(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Converts a file to CSV: a column per angle, empty where a keypoint has no place.

    Args:
        lines: Lines of a file.

    Yields:
        Blocks of about 256 KiB.
    """
    return blocks(_rows(lines))


def _rows(lines: Iterable[bytes]) -> Iterator[bytes]:
    head, frames = keypoints.read(lines)
    aspect = float(Fraction(head.get("pixel_aspect", "1")))
    yield ",".join(["frame", "time", "id", *NAMES]).encode() + b"\r\n"
    people: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for frame in frames:
        people += [(frame, person) for person in frame["people"]]
        if len(people) >= _ROWS:
            yield _measured(people, aspect)
            people.clear()
    if people:
        yield _measured(people, aspect)


def _measured(people: list[tuple[dict[str, Any], dict[str, Any]]], aspect: float) -> bytes:
    where = np.array([[place or _NOWHERE for place in places(person)] for _, person in people])
    degrees = angles(where, aspect).round(2).tolist()
    return b"".join(
        cells([frame["frame"], frame["time"], person["id"], *row]) + b"\r\n"
        for (frame, person), row in zip(people, degrees, strict=True)
    )
