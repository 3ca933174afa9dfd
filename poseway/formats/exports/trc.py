"""`trc.zip`: OpenSim's motion capture text in pixels, a file per person, like Sports2D's.

The format: "Marker (.trc) Files" in OpenSim's user's guide.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from poseway.filenames import portable
from poseway.formats import keypoints
from poseway.formats.exports.positions import positions
from poseway.formats.exports.source import Source
from poseway.formats.exports.text import blocks, cells
from poseway.formats.exports.zip_stream import ZipStream
from poseway.skeleton import KEYPOINTS

_MAX_ROWS_ASIDE: Final = 20_000
"""Rows of short tracks kept in memory in one pass: about 8 MB of text."""
_MARK_FRAMES: Final = 1000
_NOWHERE: Final = [None] * 3


class _Track(NamedTuple):
    """A person, with the first and the last frame that has a row."""

    first: int
    last: int
    id: int

    @property
    def rows(self) -> int:
        return self.last - self.first + 1


def to_trc(source: Source) -> Generator[bytes]:
    """Converts keypoints to a zip with a TRC file per person: ``STEM_person_003.trc``.

    A file in a zip must be written in one go, but people appear in a video side by side. The
    keypoints are therefore read more than once: a long track gets a pass of its own over its part
    of the video, and short tracks share one.
    """
    tracks = [_Track(runs[0][0], runs[-1][1], track) for track, runs in source.spans().items()]
    return blocks(_zip(source, sorted(tracks)))


class _Frames:
    """Reads the frames of a file, starting at any of them.

    Attributes:
        head: The first line of the file, parsed.
    """

    def __init__(self, source: Source) -> None:
        self._read = source.read
        with closing(source.lines()) as lines:
            first = next(lines)
        self.head, _ = keypoints.read([first])
        # Byte offset of every thousandth frame read so far.
        self._marks = [len(first) + 1]

    def between(self, first: int, last: int) -> Iterator[dict[str, Any]]:
        """Parses the frames from `first` to `last`, both included."""
        return keypoints.read_frames(self._lines(first, last))

    def _lines(self, first: int, last: int) -> Iterator[bytes]:
        mark = min(first // _MARK_FRAMES, len(self._marks) - 1)
        index, offset = mark * _MARK_FRAMES, self._marks[mark]
        with closing(self._read(offset)) as chunks:
            for line in islice(keypoints.split_lines(chunks), last + 1 - index):
                if index == len(self._marks) * _MARK_FRAMES:
                    self._marks.append(offset)
                if index >= first:
                    yield line
                index += 1
                offset += len(line) + 1


def _zip(source: Source, tracks: list[_Track]) -> Iterator[bytes]:
    frames, archive = _Frames(source), ZipStream()
    for group in _groups(tracks):
        first, *others = group
        aside: dict[int, list[bytes]] = {track.id: [] for track in others}
        rows = _rows_of_first(group, frames, aside)
        yield from archive.file(*_file(source.stem, frames.head, first, rows))
        for track in others:
            yield from archive.file(*_file(source.stem, frames.head, track, aside.pop(track.id)))
    yield from archive.end()


def _groups(tracks: list[_Track]) -> Iterator[list[_Track]]:
    """Groups the tracks that are read in one pass: a first of any length, and short ones."""
    group: list[_Track] = []
    aside = 0
    for track in tracks:
        if group and aside + track.rows <= _MAX_ROWS_ASIDE:
            aside += track.rows
            group.append(track)
            continue
        if group:
            yield group
        group, aside = [track], 0
    if group:
        yield group


def _rows_of_first(
    group: list[_Track], frames: _Frames, aside: dict[int, list[bytes]]
) -> Iterator[bytes]:
    """Yields the rows of the first track of a group and puts the rows of the others aside."""
    coming, present = deque(group), list[_Track]()
    for frame in frames.between(group[0].first, max(track.last for track in group)):
        index = frame["frame"]
        while coming and coming[0].first <= index:
            present.append(coming.popleft())
        people = {person["id"]: person for person in frame["people"]}
        for track in present:
            row = _row(frame, people.get(track.id))
            if track is group[0]:
                yield row
            else:
                aside[track.id].append(row)
        present = [track for track in present if track.last > index]


def _row(frame: dict[str, Any], person: dict[str, Any] | None) -> bytes:
    row = [frame["frame"], frame["time"]]
    for place in positions(person) if person else [None] * len(KEYPOINTS):
        row += [*place, 0.0] if place else _NOWHERE
    # Not an empty cell: readers that split at white space would take one keypoint for another.
    return cells(row, b"\t", b"NaN") + b"\n"


def _file(
    stem: str, head: dict[str, Any], track: _Track, rows: Iterable[bytes]
) -> tuple[str, Iterable[bytes]]:
    """Returns the name and the content of a person's file."""
    name = portable(stem, f"_person_{track.id:03d}.trc")
    rate = float(Fraction(head["frame_rate"]))
    values = {
        "DataRate": rate,
        "CameraRate": rate,
        "NumFrames": track.rows,
        "NumMarkers": len(KEYPOINTS),
        "Units": "px",
        "OrigDataRate": rate,
        "OrigDataStartFrame": track.first,
        "OrigNumFrames": track.rows,
    }
    header = (
        f"PathFileType\t4\t(X/Y/Z)\t{name}",
        "\t".join(values),
        "\t".join(map(str, values.values())),
        "Frame#\tTime\t" + "\t\t\t".join(KEYPOINTS) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{n + 1}" for n in range(len(KEYPOINTS)) for axis in "XYZ"),
    )
    return name, chain(["\n".join(header).encode() + b"\n"], rows)
