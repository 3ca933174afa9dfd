"""`angles.csv`: joint angles in degrees, a row per person and frame (RFC 4180)."""

from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from typing import Any, Final

from poseway.formats import keypoints
from poseway.formats.exports.positions import positions
from poseway.formats.exports.source import Source
from poseway.formats.exports.text import blocks, cells

_ROWS: Final = 256
"""People whose angles are computed in one call of NumPy."""
_NOWHERE: Final = (float("nan"), float("nan"))


def to_angles(source: Source) -> Generator[bytes]:
    """Converts keypoints to CSV with a column per angle, empty where a keypoint has no place."""
    return blocks(_rows(source.lines()))


def _rows(lines: Iterable[bytes]) -> Iterator[bytes]:
    from poseway.formats.joint_angles import NAMES  # needs NumPy

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
    import numpy as np

    from poseway.formats.joint_angles import angles

    where = np.array([[place or _NOWHERE for place in positions(person)] for _, person in people])
    degrees = angles(where, aspect).round(2).tolist()
    return b"".join(
        cells([frame["frame"], frame["time"], person["id"], *row]) + b"\r\n"
        for (frame, person), row in zip(people, degrees, strict=True)
    )
