"""`keypoints.csv`: the keypoints as a table, a row per person and frame (RFC 4180)."""

from collections.abc import Generator, Iterable, Iterator
from typing import Any

from poseway.formats import keypoints
from poseway.formats.exports.positions import positions
from poseway.formats.exports.source import Source
from poseway.formats.exports.text import blocks, cells
from poseway.jobs import Smoothing
from poseway.skeleton import KEYPOINTS


def to_csv(source: Source) -> Generator[bytes]:
    """Converts keypoints to CSV: three columns per keypoint.

    If the keypoints are smoothed, three more columns per keypoint follow after all of these.
    """
    return blocks(_rows(source.lines()))


def _rows(lines: Iterable[bytes]) -> Iterator[bytes]:
    head, frames = keypoints.read(lines)
    smoothed = head.get("smoothing", Smoothing.OFF) != Smoothing.OFF
    names = ["frame", "time", "id", "score", *_columns("x", "y", "score")]
    if smoothed:
        names += _columns("smooth_x", "smooth_y", "filled")
    yield ",".join(names).encode() + b"\r\n"
    for frame in frames:
        for person in frame["people"]:
            row = [frame["frame"], frame["time"], person["id"], person["score"]]
            row += person["keypoints"]
            if smoothed:
                row += _smoothed(person)
            yield cells(row) + b"\r\n"


def _columns(*parts: str) -> list[str]:
    return [f"{name}_{part}" for name in KEYPOINTS for part in parts]


def _smoothed(person: dict[str, Any]) -> list[float | None]:
    """Returns x, y, and 1 if the keypoint was filled or else 0, for each keypoint."""
    filled = person.get("filled", ())
    where = positions(person) if "smoothed" in person else [None] * len(KEYPOINTS)
    row: list[float | None] = []
    for index, place in enumerate(where):
        row += [*(place or (None, None)), int(index in filled)]
    return row
