"""The keypoints of a video as a file: JSON Lines, one frame a line, and what is made from it.

The first line describes the file (`header`), every other line is one frame (`line`), in order.
Files of consecutive segments are joined by appending their lines. Reading holds a frame, converting
a block of about 256 KiB; only the zip's directory grows with the video (see `to_openpose`). The
format is documented for users in ``docs/formats.md``.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Any, Final

from poseway.jobs import Smoothing
from poseway.skeleton import KEYPOINTS, LIMBS
from poseway.v1 import pose_pb2

VERSION: Final = 1
CONTENT_TYPE: Final = "application/x-ndjson"
_BLOCK_BYTES: Final = 1 << 18


def header(
    width: int, height: int, time_base: Fraction, frame_rate: Fraction, smoothing: Smoothing
) -> bytes:
    """The first line of a file.

    Args:
        width: Pixels of an upright frame.
        height: Pixels of an upright frame.
        time_base: Seconds per tick of `pts`.
        frame_rate: Average frames per second.
        smoothing: How much the keypoints were smoothed.
    """
    return _dump(
        {
            "format": "poseway-keypoints",
            "version": VERSION,
            "width": width,
            "height": height,
            "time_base": str(time_base),
            "frame_rate": str(frame_rate),
            "smoothing": smoothing,
            "keypoints": KEYPOINTS,
            "limbs": LIMBS,
        }
    )


def line(frame: pose_pb2.TrackedFrame, time_base: Fraction) -> bytes:
    """The line of one frame: its index, its time, its people, and who was found untracked.

    Args:
        frame: The frame, with `pts` set.
        time_base: Seconds per tick of `pts`.
    """
    record = {
        "frame": frame.frame_index,
        "pts": frame.pts,
        "time": round(float(frame.pts * time_base), 6),
        "people": [_person(person) for person in frame.people],
    }
    if frame.untracked:
        record["untracked"] = [_pose(pose) for pose in frame.untracked]
    return _dump(record)


def _person(person: pose_pb2.TrackedPose) -> dict[str, Any]:
    record = {"id": person.track_id, **_pose(person.pose)}
    if person.HasField("smoothed"):
        record["smoothed"] = _rounded(person.smoothed.keypoints)
        record["filled"] = list(person.smoothed.filled)
    return record


def _pose(pose: pose_pb2.Pose) -> dict[str, Any]:
    return {"score": round(pose.score, 3), "keypoints": _rounded(pose.keypoints)}


def _rounded(numbers: Iterable[float]) -> list[float]:
    """A hundredth of a pixel, a thousandth of a score: finer than any network sees."""
    return [round(number, 3 if i % 3 == 2 else 2) for i, number in enumerate(numbers)]


def _dump(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def read_frames(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Parses the lines of a file, its header left out."""
    for text in lines:
        record = json.loads(text)
        if "frame" in record:
            yield record


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cuts a stream of bytes into lines."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def to_csv(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Converts a file to CSV: a row per person and frame, three columns per keypoint.

    A file of smoothed keypoints has three more for each, after all of these.

    Yields:
        Blocks of about 256 KiB; never an empty one.
    """
    lines = iter(lines)
    head = next(lines, b"{}")
    smoothed = json.loads(head).get("smoothing", Smoothing.OFF) != Smoothing.OFF
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["frame", "time", "id", "score", *_columns(smoothed)])
    for record in read_frames(chain([head], lines)):
        for person in record["people"]:
            writer.writerow(
                [record["frame"], record["time"], person["id"], person["score"]]
                + person["keypoints"]
                + (_smoothed_cells(person) if smoothed else [])
            )
        if buffer.tell() >= _BLOCK_BYTES:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue().encode()


def _columns(smoothed: bool) -> list[str]:
    parts = ["x", "y", "score"], ["smooth_x", "smooth_y", "filled"]
    return [
        f"{name}_{part}" for some in parts[: 1 + smoothed] for name in KEYPOINTS for part in some
    ]


def _smoothed_cells(person: dict[str, Any]) -> list[float | str]:
    """Place and whether it was filled, of each keypoint; no place if neither seen nor filled."""
    numbers, filled = person.get("smoothed", [0] * 3 * len(KEYPOINTS)), person.get("filled", [])
    cells: list[float | str] = []
    for index in range(len(KEYPOINTS)):
        x, y, score = numbers[3 * index : 3 * index + 3]
        place = [x, y] if index in filled or x or y or score else ["", ""]
        cells += [*place, int(index in filled)]
    return cells


class _Pipe(io.RawIOBase):
    """What a zip file is written to, and what its bytes are taken out of as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self.held = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 # any buffer
        self._pieces.append(bytes(data))
        self.held += len(data)
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.held = 0
        return taken


def to_openpose(lines: Iterable[bytes], stem: str) -> Iterator[bytes]:
    """Converts a file to a zip of one JSON file a frame, as OpenPose's ``--write_json`` makes them.

    Where keypoints were smoothed, these are in it, and none that was only filled: the format cannot
    say that it was not seen.

    A zip ends with a directory of all its files, which stays in memory until then: about 750
    bytes a frame (measured with 200,000 frames).

    Args:
        lines: Lines of a file.
        stem: Begins the names of the files: ``STEM_000000000012_keypoints.json``.

    Yields:
        Blocks of about 256 KiB, and the directory as the last.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in read_frames(lines):
            people = [
                {
                    "person_id": [person["id"]],
                    "pose_keypoints_2d": _seen(person),
                    "face_keypoints_2d": [],
                    "hand_left_keypoints_2d": [],
                    "hand_right_keypoints_2d": [],
                    "pose_keypoints_3d": [],
                    "face_keypoints_3d": [],
                    "hand_left_keypoints_3d": [],
                    "hand_right_keypoints_3d": [],
                }
                for person in record["people"]
            ]
            # A fixed date: the same keypoints give the same archive.
            entry = zipfile.ZipInfo(f"{stem}_{record['frame']:012d}_keypoints.json")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _dump({"version": 1.3, "people": people}))
            if pipe.held >= _BLOCK_BYTES:
                yield pipe.take()
    yield pipe.take()


def _seen(person: dict[str, Any]) -> list[float]:
    """The best places there are of the keypoints that were seen in the frame itself."""
    numbers = list(person.get("smoothed", person["keypoints"]))
    for index in person.get("filled", []):
        numbers[3 * index : 3 * index + 3] = [0, 0, 0]
    return numbers
