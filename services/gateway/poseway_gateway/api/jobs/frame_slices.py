"""Some of the frames of keypoints.jsonl, found by their time.

The frames of a file are in the order of their time, so those of a stretch are found by halving: a
few short reads, however long the video.
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import isnan
from typing import Any, Final

import numpy as np
from pydantic_core import from_json

from poseway.formats.exports.places import places
from poseway.formats.joint_angles import NAMES, angles
from poseway.formats.keypoints import split_lines

MAX_SECONDS: Final = 60.0
MAX_FRAMES: Final = 4000
MAX_PEOPLE: Final = 8000
"""Bounds what one answer takes: about 8 MB."""

_SEARCHED: Final = 1 << 16
_READ: Final = 1 << 20
_NOWHERE: Final = (float("nan"), float("nan"))
# What a line begins with; the people, of whom there may be many, come after it.
_TIME: Final = re.compile(rb'\{"frame":\d+,"pts":-?\d+,"time":(-?[0-9.e+-]+),')
_PREFIX: Final = 200

Read = Callable[[int, int], Iterator[bytes]]
"""Reads bytes from the first up to, not including, the second, piece by piece."""


def cut(
    read: Read, size: int, start: float, end: float
) -> tuple[list[dict[str, Any]], float | None]:
    """The frames of a stretch of time, with the angles of everybody in them.

    Args:
        read: Reads the file.
        size: Its bytes.
        start: Seconds. The first frame is the one on screen then: it may have begun earlier.
        end: Seconds; frames that begin before it are taken, at most `MAX_SECONDS` from `start`.

    Returns:
        The frames as the API has them, at most `MAX_FRAMES`, and with more than one at most
        `MAX_PEOPLE` in all; and the time of the first frame after them, None if there is none.
    """
    head = next(_lines(read, 0, size, _SEARCHED), b"{}")
    aspect = float(Fraction(from_json(head).get("pixel_aspect", "1")))
    first = _find(read, len(head) + 1, size, start)
    chosen: list[dict[str, Any]] = []
    following = None
    people = 0
    for line in _from_time(_lines(read, first, size, _READ), start):
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
    """A block of so many bytes at a time, each read when it is wanted."""
    for at in range(start, end, block):
        yield from read(at, min(end, at + block))


def _find(read: Read, low: int, size: int, time: float) -> int:
    """Where the line of the last frame that begins by `time` is, or one a block before it."""
    high = size
    while high - low > _SEARCHED:
        middle = (low + high) // 2
        found = _next_line(read, middle, size)
        if found is None or found[1] > time:
            high = middle
        else:
            low = found[0]
    return low


def _next_line(read: Read, position: int, end: int) -> tuple[int, float] | None:
    """The first line that begins at `position` or after it: where, and its time."""
    held = b""
    start = position - 1  # so that a line that begins right at the position counts
    for piece in _blocks(read, start, end, _SEARCHED):
        held += piece
        newline = held.find(b"\n")
        if newline < 0:
            start, held = start + len(held), b""
        elif match := _TIME.match(held, newline + 1):
            return start + newline + 1, float(match[1])
        elif len(held) > newline + _PREFIX:
            raise ValueError("a line of the keypoints has no time")
    return None


def _from_time(lines: Iterator[bytes], time: float) -> Iterator[bytes]:
    """Leaves out the lines before the frame that is on screen at `time`."""
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
        raise ValueError("a line of the keypoints has no time")
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
    """Gives everybody the angles of their joints; None where there is none."""
    people = [person for frame in frames for person in frame["people"]]
    if not people:
        return
    where = np.array([[place or _NOWHERE for place in places(person)] for person in people])
    for person, row in zip(people, angles(where, aspect).round(2).tolist(), strict=True):
        person["angles"] = {
            name: None if isnan(degrees) else degrees
            for name, degrees in zip(NAMES, row, strict=True)
        }
