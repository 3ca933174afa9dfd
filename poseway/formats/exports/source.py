"""What an export format is made from: the keypoints of one finished job."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from poseway.formats import keypoints
from poseway.formats.tracks import Presence, Span, spans


def _no_presence() -> None:
    return None


@dataclass(frozen=True)
class Source:
    """The keypoints of a job, for converters to read as often as they need.

    Attributes:
        stem: Name of the upload without its extension; any text, so make it `portable` before
            using it as a file name.
        read: Reads ``keypoints.jsonl`` from a byte offset, in chunks of any size.
        find_presence: Reads ``tracks.json``; returns None for a result of an older version, which
            has no such file.
    """

    stem: str
    read: Callable[[int], Generator[bytes]]
    find_presence: Callable[[], Presence | None] = _no_presence

    def lines(self) -> Generator[bytes]:
        """Reads the lines of ``keypoints.jsonl``; closing the generator closes the file."""
        with closing(self.read(0)) as chunks:
            yield from keypoints.split_lines(chunks)

    def spans(self) -> Mapping[int, Sequence[Span]]:
        """Finds the frames in which each track is seen; reads the whole file if it has to."""
        presence = self.find_presence()
        if presence is not None:
            return {track.id: track.spans for track in presence.tracks}
        with closing(self.lines()) as lines:
            _, frames = keypoints.read(lines)
            return spans(
                (frame["frame"], (person["id"] for person in frame["people"])) for frame in frames
            )
