"""Reads who is seen when from a result: from `tracks.json`, or from `keypoints.jsonl`."""

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from pydantic import ValidationError

from poseway.errors import InvalidRequestError
from poseway.formats import keypoints
from poseway.formats.tracks import Presence, presence, runs, with_ends

# The first line of keypoints.jsonl has about a kilobyte.
_MAX_HEADER_BYTES: Final = 1 << 16


def read(path: Path) -> Presence:
    """Reads ``tracks.json``, or computes the same from ``keypoints.jsonl`` line by line.

    Args:
        path: One of these files, or a folder with a result.

    Raises:
        InvalidRequestError: The file is neither of them, is damaged, or cannot be read.
    """
    if path.is_dir():
        names = [name for name in ("tracks.json", "keypoints.jsonl") if (path / name).exists()]
        if not names:
            _refuse(f"{path} holds neither tracks.json nor keypoints.jsonl.")
        path = path / names[0]
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        _refuse(f"{path} cannot be read: {error.strerror or error}.")


def _read(path: Path, file: BinaryIO) -> Presence:
    head = _parsed(file.readline(_MAX_HEADER_BYTES))
    if head.get("format") == "poseway-keypoints":
        return _from_keypoints(path, head, file)
    file.seek(0)
    if b'"poseway-tracks"' not in file.read(_MAX_HEADER_BYTES):
        _refuse(f"{path} is neither a tracks.json nor a keypoints.jsonl of Poseway.")
    file.seek(0)
    try:
        return Presence.model_validate_json(file.read())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "tracks.json"
        _refuse(f"{path} is damaged: {where}: {first['msg']}.")


def _from_keypoints(path: Path, head: dict[str, Any], lines: Iterable[bytes]) -> Presence:
    end, frames = 0.0, 0
    number = 1  # of the current line

    def records() -> Iterator[tuple[int, float, list[int]]]:
        nonlocal end, frames, number
        for number, line in enumerate(lines, 2):  # noqa: B007
            record = json.loads(line)
            index, end = _whole(record["frame"]), float(record["time"])
            if index != frames:
                raise ValueError("frames are missing")
            frames += 1
            yield index, end, [_whole(person["id"]) for person in record["people"]]

    try:
        if head["version"] != keypoints.VERSION:
            raise ValueError("a newer version of the format")
        rate = Fraction(head["frame_rate"])
        lasting = 1 / rate
        # The file has no duration for the last frame; take the average.
        found = runs(with_ends(records(), float(lasting)))
        return presence(found, frames, rate, Fraction(end) + lasting if frames else Fraction(0))
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        _refuse(f"{path} is damaged: line {number} cannot be read.")


def _whole(number: object) -> int:
    if type(number) is not int:
        raise TypeError("not a whole number")
    return number


def _parsed(data: bytes) -> dict[str, Any]:
    """Parses a JSON object; returns an empty one if the data is anything else."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _refuse(message: str) -> NoReturn:
    raise InvalidRequestError(message, "file_unreadable")
