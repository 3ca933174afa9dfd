"""Who is in the picture when: the frames in which each track is seen, and their times.

`runs` and `join` find them, `presence` puts them together, and `read` takes them from a file. The
format of ``tracks.json`` is documented for users in ``docs/formats.md``.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, Literal, NamedTuple, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from poseway.errors import InvalidRequestError
from poseway.formats import keypoints

Span = tuple[int, int]
"""Indices of the first and the last of some consecutive frames."""

Times = tuple[float, float]
"""Seconds from the start of the video at which something begins and at which it is over."""

_LONGEST_SECONDS: Final = 1.0
"""Nobody is taken to be there for longer after a frame, unless frames are farther apart."""

# The first line of keypoints.jsonl has about a kilobyte.
_MOST_HEADER_BYTES: Final = 1 << 16

_Count = Annotated[int, Field(ge=0, strict=True)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Run(NamedTuple):
    """Consecutive frames in which a track is seen.

    Attributes:
        first: Index of the first.
        last: Index of the last.
        start: Presentation time of the first, in seconds.
        end: When the last is over, in seconds.
    """

    first: int
    last: int
    start: float
    end: float


class _Part(BaseModel):
    # Unknown fields are ignored, so that a newer version's files can still be read.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Track(_Part):
    """One track: somebody with one id.

    Attributes:
        id: Its id.
        frames: How many frames it is seen in.
        first: The first frame it is seen in.
        last: The last frame it is seen in.
        spans: The runs of consecutive frames in which it is seen, in order, gaps between them.
        times: When each of these begins and is over, in seconds; empty in a file of an older
            version.
    """

    id: Annotated[int, Field(ge=1, strict=True)]
    frames: _Count
    first: _Count
    last: _Count
    spans: list[tuple[_Count, _Count]] = Field(min_length=1)
    times: list[tuple[_Seconds, _Seconds]] = []

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any(first > last for first, last in self.spans):
            raise ValueError("a span ends before it begins")
        if any(before[1] + 1 >= after[0] for before, after in pairwise(self.spans)):
            raise ValueError("the spans are not in order with gaps between them")
        if (self.first, self.last) != (self.spans[0][0], self.spans[-1][1]):
            raise ValueError("first and last are not those of the spans")
        if self.frames != sum(last - first + 1 for first, last in self.spans):
            raise ValueError("frames is not the number of frames in the spans")
        if self.times and len(self.times) != len(self.spans):
            raise ValueError("the times are not those of the spans")
        return self


class Presence(_Part):
    """What ``tracks.json`` holds.

    Attributes:
        format: What the file is.
        version: Changes when an old reader would misread the file.
        frames: Frames in the video.
        frame_rate: Frames per second, measured, as a fraction.
        duration_seconds: Length of the video.
        tracks: Everybody who was tracked, lowest id first.
    """

    format: Literal["poseway-tracks"] = "poseway-tracks"
    version: Literal[1] = 1
    frames: _Count
    frame_rate: str
    duration_seconds: float = Field(ge=0, allow_inf_nan=False)
    tracks: list[Track]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any(track.last >= self.frames for track in self.tracks):
            raise ValueError("a track is seen in a frame that the video does not have")
        if any(before.id >= after.id for before, after in pairwise(self.tracks)):
            raise ValueError("the tracks are not in the order of their ids")
        return self

    def file(self) -> bytes:
        """The content of ``tracks.json``."""
        return self.model_dump_json().encode() + b"\n"

    def times(self, track: Track) -> list[Times]:
        """When each of a track's spans begins and is over, in seconds.

        Where the file does not tell, all of the video's frames are taken to last equally long.
        """
        if track.times:
            return track.times
        lasting = self.duration_seconds / self.frames if self.frames else 0.0
        return [(first * lasting, (last + 1) * lasting) for first, last in track.spans]


def runs(
    frames: Iterable[tuple[int, float, float, Iterable[int]]],
) -> dict[int, list[Run]]:
    """Finds the runs of consecutive frames in which each track is seen.

    Args:
        frames: Of each frame, in order: its index, the seconds at which it begins and at which it
            is over, and the ids of those who are seen in it.

    Returns:
        For each id, lowest first, its runs in order.
    """
    return join(
        {track: [Run(index, index, start, end)] for track in ids}
        for index, start, end, ids in frames
    )


def with_ends(
    frames: Iterable[tuple[int, float, list[int]]], interval: float, over: float | None = None
) -> Iterator[tuple[int, float, float, list[int]]]:
    """Adds when each frame is over, for `runs`: when the next begins, or a gap.

    Args:
        frames: Of each frame, in order: its index, the seconds at which it begins, and the ids.
        interval: Seconds that pass between frames of the video on average.
        over: Seconds at which the last of them is over; None for after the average interval.
    """
    longest = max(_LONGEST_SECONDS, 1.5 * interval)
    before: tuple[int, float, list[int]] | None = None
    for frame in frames:
        if before is not None:
            yield before[0], before[1], min(frame[1], before[1] + longest), before[2]
        before = frame
    if before is not None:
        end = before[1] + interval if over is None else min(over, before[1] + longest)
        yield before[0], before[1], end, before[2]


def spans(frames: Iterable[tuple[int, Iterable[int]]]) -> dict[int, list[Span]]:
    """Finds the runs of consecutive frames in which each track is seen.

    Args:
        frames: Index of each frame, in order, and the ids of those who are seen in it.

    Returns:
        For each id, lowest first, its runs in order.
    """
    found = runs((index, 0.0, 0.0, ids) for index, ids in frames)
    return {track: [(run.first, run.last) for run in its] for track, its in found.items()}


def join(parts: Iterable[Mapping[int, list[Run]]]) -> dict[int, list[Run]]:
    """Joins what was found in consecutive parts of a video; a run may go on across their border."""
    joined: dict[int, list[Run]] = {}
    for part in parts:
        for track, its in part.items():
            known = joined.setdefault(track, [])
            for run in its:
                if known and known[-1].last + 1 == run.first:
                    known[-1] = known[-1]._replace(last=run.last, end=run.end)
                else:
                    known.append(run)
    return dict(sorted(joined.items()))


def presence(
    seen: Mapping[int, list[Run]], frames: int, frame_rate: Fraction, duration: Fraction
) -> Presence:
    """Puts together what ``tracks.json`` holds.

    Args:
        seen: What `runs` or `join` found in the whole video.
        frames: Frames in the video.
        frame_rate: Frames per second, measured.
        duration: Length of the video in seconds.
    """
    return Presence(
        frames=frames,
        frame_rate=str(frame_rate),
        duration_seconds=round(float(duration), 6),
        tracks=[
            Track(
                id=track,
                frames=sum(run.last - run.first + 1 for run in its),
                first=its[0].first,
                last=its[-1].last,
                spans=[(run.first, run.last) for run in its],
                times=[(round(run.start, 6), round(run.end, 6)) for run in its],
            )
            for track, its in seen.items()
        ],
    )


def read(path: Path) -> Presence:
    """Reads ``tracks.json``, or finds the same in ``keypoints.jsonl`` line by line.

    Args:
        path: One of these files, or a folder with a result.

    Raises:
        InvalidRequestError: It is neither, it is damaged, or it cannot be read.
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
    head = _parsed(file.readline(_MOST_HEADER_BYTES))
    if head.get("format") == "poseway-keypoints":
        return _from_keypoints(path, head, file)
    file.seek(0)
    if b'"poseway-tracks"' not in file.read(_MOST_HEADER_BYTES):
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
    number = 1  # of the line that is read

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
            raise ValueError("of a newer version")
        rate = Fraction(head["frame_rate"])
        lasting = 1 / rate
        # How long the last frame is shown is not in the file; as long as an average one, then.
        found = runs(with_ends(records(), float(lasting)))
        return presence(found, frames, rate, Fraction(end) + lasting if frames else Fraction(0))
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        _refuse(f"{path} is damaged: line {number} cannot be read.")


def _whole(number: object) -> int:
    if type(number) is not int:
        raise TypeError("not a whole number")
    return number


def _parsed(data: bytes) -> dict[str, Any]:
    """An object in JSON; an empty one if it is none."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _refuse(message: str) -> NoReturn:
    raise InvalidRequestError(message, "file_unreadable")
