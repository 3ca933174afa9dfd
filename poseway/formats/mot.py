"""MOTChallenge's files of boxes in a video: ``frame,id,left,top,width,height,confidence,...``.

Each row is a box in pixels. Frames count from 1. Columns after the confidence are ignored. Source:
Leal-Taixé et al., "MOTChallenge 2015: Towards a Benchmark for Multi-Target Tracking",
arXiv:1504.01942, section 3.
"""

import itertools
import math
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseway.errors import PosewayError

MAX_FRAME: Final = 1_000_000
"""Every frame up to the last is visited, so a nonsensical number would take for ever."""

MAX_COORDINATE: Final = 1e6
MIN_SIDE: Final = 1e-3

_COLUMNS: Final = ("frame", "id", "left", "top", "width", "height", "confidence")
_MAX_ID: Final = 1 << 53


class MotError(PosewayError):
    """A file is not in MOTChallenge's format, or cannot be used."""

    code = "not_mot"


class Rows(NamedTuple):
    """Boxes of a video, or of one of its frames.

    Attributes:
        frames: int64 (n,): frame of each box, from 1.
        ids: int64 (n,): track id of each box; -1 in files of detections.
        boxes: float64 (n, 4): left, top, right, bottom in pixels.
        confidences: float64 (n,): score of the detector; in ground truth, 0 marks a box to ignore.
    """

    frames: NDArray[np.int64]
    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    confidences: NDArray[np.float64]

    @property
    def last(self) -> int:
        """The last frame with a box; 0 if there are no boxes."""
        return int(self.frames.max(initial=0))

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Rows":
        """Selects boxes by a mask, bool (n,), by indices or by a slice."""
        frames, ids, boxes, confidences = self
        return Rows(frames[which], ids[which], boxes[which], confidences[which])

    def by_frame(self, last: int) -> list["Rows"]:
        """Returns the boxes of each frame from 1 to `last`, in their order in the file."""
        rows = self.only(np.argsort(self.frames, kind="stable"))
        bounds = np.searchsorted(rows.frames, np.arange(1, last + 2)).tolist()
        return [rows.only(slice(*pair)) for pair in itertools.pairwise(bounds)]


def read(path: Path) -> Rows:
    """Reads a file.

    Raises:
        MotError: The file cannot be read, has no row, or has an invalid row, named in the message.
    """
    try:
        # Reading a device or a pipe may never end, and cannot be repeated.
        if path.exists() and not path.is_file():
            raise MotError(f"{path} is not a file.")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise MotError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise MotError(f"{path} is not a text file.") from error
    rows = parse(text, str(path))
    if not len(rows.frames):
        raise MotError(f"{path} has no row.")
    return rows


def parse(text: str, name: str) -> Rows:
    """Parses the text of a file, ignoring empty lines.

    Args:
        text: The text.
        name: Name of the file for messages.

    Raises:
        MotError: A row is invalid.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            rows.append(_row(line))
        except ValueError as error:
            raise MotError(f"{name}, line {number}: {error}.") from error
    columns = np.array(rows, np.float64).reshape(-1, len(_COLUMNS))
    whole = columns[:, :2].astype(np.int64)
    boxes = np.concatenate([columns[:, 2:4], columns[:, 2:4] + columns[:, 4:6]], axis=1)
    return Rows(whole[:, 0], whole[:, 1], boxes, columns[:, 6])


def row(frame: int, box_id: int, box: list[float]) -> str:
    """Formats a tracked box (left, top, right, bottom) as a line, with full precision."""
    left, top, right, bottom = box
    return f"{frame},{box_id},{left!r},{top!r},{right - left!r},{bottom - top!r},1,-1,-1,-1\n"


def _row(line: str) -> list[float]:
    """Parses a row; raises ValueError with the reason if it is invalid."""
    cells = line.split(",")
    if len(cells) < len(_COLUMNS):
        raise ValueError(f"{len(cells)} columns instead of at least {len(_COLUMNS)}")
    numbers = [_number(*pair) for pair in zip(_COLUMNS, cells, strict=False)]
    frame, box_id, *box, _ = numbers
    if not (frame.is_integer() and 1 <= frame <= MAX_FRAME):
        raise ValueError(f"the frame must be a whole number from 1 to {MAX_FRAME}, not {frame:g}")
    if not (box_id.is_integer() and abs(box_id) <= _MAX_ID):
        raise ValueError(f"the id must be a whole number, not {box_id:g}")
    if max(map(abs, box)) > MAX_COORDINATE:
        raise ValueError(f"the box lies beyond {MAX_COORDINATE:.0f} pixels")
    if min(box[2:]) < MIN_SIDE:
        raise ValueError("width and height must be above 0")
    return numbers


def _number(column: str, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"the {column} must be a finite number, not {cell.strip()!r}")
    return number
