"""`tracks.json`: the frames in which each track is seen, and their times.

`runs` and `join` find the frames, and `presence` makes the content of the file. The format is
documented for users in ``docs/formats.md``.
"""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Span = tuple[int, int]
"""Indices of the first and the last of a run of consecutive frames."""

Times = tuple[float, float]
"""Start and end in seconds from the start of the video."""

_LONGEST_SECONDS: Final = 1.0
"""Longest time for which a person counts as present after a frame, unless frames are farther
apart than this."""

_Count = Annotated[int, Field(ge=0, strict=True)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Run(NamedTuple):
    """Consecutive frames in which a track is seen.

    Attributes:
        first: Index of the first frame.
        last: Index of the last frame.
        start: Presentation time of the first frame, in seconds.
        end: End of the last frame, in seconds.
    """

    first: int
    last: int
    start: float
    end: float


class _Part(BaseModel):
    # Ignoring unknown fields makes the files of a newer version readable.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Track(_Part):
    """One track: a person with one id.

    Attributes:
        id: Id of the track.
        frames: Number of frames in which the track is seen.
        first: First frame in which it is seen.
        last: Last frame in which it is seen.
        spans: Runs of consecutive frames in which it is seen, in order, with gaps between them.
        times: Start and end of each run in seconds; empty in a file of an older version.
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
    """The content of ``tracks.json``.

    Attributes:
        format: Identifies the file.
        version: Changes when an old reader would misread the file.
        frames: Number of frames in the video.
        frame_rate: Measured frames per second, as a fraction.
        duration_seconds: Length of the video.
        tracks: All tracks, lowest id first.
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
        """Returns the bytes of ``tracks.json``."""
        return self.model_dump_json().encode() + b"\n"

    def times(self, track: Track) -> list[Times]:
        """Returns start and end of each of a track's spans, in seconds.

        For a file without times, all frames of the video are assumed to last equally long.
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
        frames: Index, start in seconds, end in seconds and the ids of the tracks seen, for each
            frame in order.

    Returns:
        The runs of each id in order, lowest id first.
    """
    return join(
        {track: [Run(index, index, start, end)] for track in ids}
        for index, start, end, ids in frames
    )


def with_ends(
    frames: Iterable[tuple[int, float, list[int]]], interval: float, over: float | None = None
) -> Iterator[tuple[int, float, float, list[int]]]:
    """Adds the end of each frame, for `runs`: the start of the next frame, or sooner before a gap.

    Args:
        frames: Index, start in seconds and ids of each frame in order.
        interval: Average time between frames of the video, in seconds.
        over: End of the last frame in seconds; None for one average interval after its start.
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
        frames: Index of each frame in order, and the ids of the tracks seen in it.

    Returns:
        The spans of each id in order, lowest id first.
    """
    found = runs((index, 0.0, 0.0, ids) for index, ids in frames)
    return {track: [(run.first, run.last) for run in its] for track, its in found.items()}


def join(parts: Iterable[Mapping[int, list[Run]]]) -> dict[int, list[Run]]:
    """Joins the runs of consecutive parts of a video, including runs that cross their borders."""
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
    """Makes the content of ``tracks.json``.

    Args:
        seen: The runs of each track in the whole video, from `runs` or `join`.
        frames: Number of frames in the video.
        frame_rate: Measured frames per second.
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
