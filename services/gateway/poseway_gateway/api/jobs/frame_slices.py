"""Frames of a time range, read from keypoints.jsonl.

The file is sorted by presentation time, so the first frame is found by binary search: a few short
reads, however long the video.
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import isnan
from typing import Any, Final

import numpy as np
from pydantic_core import from_json

from poseway.formats.exports.positions import positions
from poseway.formats.joint_angles import NAMES, angles
from poseway.formats.keypoints import split_lines

MAX_SECONDS: Final = 60.0
MAX_FRAMES: Final = 4000
MAX_PEOPLE: Final = 8000
"""Limits of one response, about 8 MB."""

_SEARCH_BYTES: Final = 1 << 16
_READ_BYTES: Final = 1 << 20
_UNSEEN: Final = (float("nan"), float("nan"))
# How a line begins; the people, of whom there may be many, follow.
_TIME: Final = re.compile(rb'\{"frame":\d+,"pts":-?\d+,"time":(-?[0-9.e+-]+),')
_PREFIX: Final = 200

Read = Callable[[int, int], Iterator[bytes]]
"""Yields the bytes from the first position up to, but not including, the second."""


def cut(
    read: Read, size: int, start: float, end: float
) -> tuple[list[dict[str, Any]], float | None]:
    """Returns the frames of a time range, with the joint angles of each person.

    Args:
        read: Reads the file.
        size: Size of the file in bytes.
        start: Start of the range in seconds. The first frame is the one on screen at this time,
            so its presentation time may be earlier.
        end: End of the range in seconds, exclusive; at most `MAX_SECONDS` after `start`.

    Returns:
        The frames as the API shows them, at most `MAX_FRAMES`, and unless it is a single frame, at
        most `MAX_PEOPLE` people in total; and the time of the next frame, None at the end.

    Raises:
        ValueError: The file is malformed.
    """
    head = next(_lines(read, 0, size, _SEARCH_BYTES), b"{}")
    aspect = float(Fraction(from_json(head).get("pixel_aspect", "1")))
    first = _find(read, len(head) + 1, size, start)
    chosen: list[dict[str, Any]] = []
    following = None
    people = 0
    for line in _from_time(_lines(read, first, size, _READ_BYTES), start):
        following = _time(line)
        if chosen and (following >= min(end, start + MAX_SECONDS) or len(chosen) >= MAX_FRAMES):
            break
        frame = from_json(line)
        people += len(frame["people"])
        if chosen and people > MAX_PEOPLE:
            break
        chosen.append(_frame(frame))
        following = None
    _measure(chosen, aspect)
    return chosen, following


def _lines(read: Read, start: int, end: int, block: int) -> Iterator[bytes]:
    return split_lines(_blocks(read, start, end, block))


def _blocks(read: Read, start: int, end: int, block: int) -> Iterator[bytes]:
    """Yields the bytes from `start` to `end`, reading one block at a time."""
    for at in range(start, end, block):
        yield from read(at, min(end, at + block))


def _find(read: Read, low: int, size: int, time: float) -> int:
    """Returns a position at or at most one block before the last frame that begins by `time`."""
    high = size
    while high - low > _SEARCH_BYTES:
        middle = (low + high) // 2
        found = _next_line(read, middle, size)
        if found is None or found[1] > time:
            high = middle
        else:
            low = found[0]
    return low


def _next_line(read: Read, position: int, end: int) -> tuple[int, float] | None:
    """Returns position and time of the first line that begins at or after `position`."""
    held = b""
    start = position - 1  # so that a line that begins exactly at the position is found
    for piece in _blocks(read, start, end, _SEARCH_BYTES):
        held += piece
        newline = held.find(b"\n")
        if newline < 0:
            start, held = start + len(held), b""
        elif match := _TIME.match(held, newline + 1):
            return start + newline + 1, float(match[1])
        elif len(held) > newline + _PREFIX:
            raise ValueError("a line of keypoints.jsonl has no time")
    return None


def _from_time(lines: Iterator[bytes], time: float) -> Iterator[bytes]:
    """Drops the lines before the frame that is on screen at `time`."""
    shown = None
    for line in lines:
        if _time(line) > time:
            if shown is not None:
                yield shown
            yield line
            yield from lines
            return
        shown = line
    if shown is not None:
        yield shown


def _time(line: bytes) -> float:
    match = _TIME.match(line)
    if match is None:
        raise ValueError("a line of keypoints.jsonl has no time")
    return float(match[1])


def _frame(frame: dict[str, Any]) -> dict[str, Any]:
    return {
        "frame": frame["frame"],
        "time": frame["time"],
        "people": [
            {
                "id": person["id"],
                "score": person["score"],
                "keypoints": person.get("smoothed", person["keypoints"]),
                "filled": person.get("filled", []),
            }
            for person in frame["people"]
        ],
    }


def _measure(frames: list[dict[str, Any]], aspect: float) -> None:
    """Adds the joint angles of each person; None for angles that cannot be measured."""
    people = [person for frame in frames for person in frame["people"]]
    if not people:
        return
    points = np.array([[place or _UNSEEN for place in positions(person)] for person in people])
    for person, row in zip(people, angles(points, aspect).round(2).tolist(), strict=True):
        person["angles"] = {
            name: None if isnan(degrees) else degrees
            for name, degrees in zip(NAMES, row, strict=True)
        }
