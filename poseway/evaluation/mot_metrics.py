"""Measures of tracked boxes against labelled ones.

CLEAR MOT (Bernardin and Stiefelhagen 2008, doi:10.1155/2008/246309) and IDF1 (Ristani et al. 2016,
arXiv:1609.01775), as py-motmetrics counts them.
"""

from pathlib import Path
from typing import Final

import motmetrics
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from poseway.formats.mot import MotError, Rows, read

MAX_DISTANCE: Final = 0.5
"""Largest 1 - intersection over union at which a tracked box matches an object."""

_MEASURES: Final = {
    "mota": "MOTA",
    "idf1": "IDF1",
    "num_switches": "switches",
    "num_fragmentations": "fragmentations",
    "num_false_positives": "false_positives",
    "num_misses": "misses",
    "num_objects": "boxes",
    "num_frames": "frames",
}


class TrackingReport(BaseModel):
    """How well a tracker does on a sequence.

    Attributes:
        MOTA: Multiple object tracking accuracy in percent: 100 less misses, false positives and
            switches per labelled box. Negative if there are more of those than boxes.
        IDF1: Percentage of boxes with the right id when each object is assigned one id.
        switches: Times an object changed its id.
        fragmentations: Times an object was lost and found again.
        false_positives: Tracked boxes that match no labelled box.
        misses: Labelled boxes that were not tracked.
        boxes: Labelled boxes.
        frames: Frames up to the last one with a detection or a label.
        tracker: Name of the tracker.
    """

    MOTA: float
    IDF1: float
    switches: int
    fragmentations: int
    false_positives: int
    misses: int
    boxes: int
    frames: int
    tracker: str


def read_truth(path: Path) -> Rows:
    """Reads ground truth, ignoring rows with a confidence below 1.

    Raises:
        MotError: The file is invalid, has no row to count, or has an id twice in a frame.
    """
    rows = read(path)
    rows = rows.only(rows.confidences >= 1)
    if not len(rows.frames):
        raise MotError(f"{path} has no row with a confidence of 1 to compare with.")
    pairs, counts = np.unique(np.stack([rows.frames, rows.ids]), axis=1, return_counts=True)
    if counts.max() > 1:
        frame, box_id = pairs[:, counts.argmax()]
        raise MotError(f"{path} has {counts.max()} boxes with the id {box_id} in frame {frame}.")
    return rows


def measure(truth: Rows, tracked: Rows, frames: int, tracker: str) -> TrackingReport:
    """Measures tracked boxes.

    Args:
        truth: Labelled boxes, at least one.
        tracked: Tracked boxes.
        frames: Number of frames.
        tracker: Name of the tracker.
    """
    accumulator = motmetrics.MOTAccumulator(auto_id=False)
    pairs = zip(truth.by_frame(frames), tracked.by_frame(frames), strict=True)
    for frame, (labelled, found) in enumerate(pairs, start=1):
        distances = _distances(labelled.boxes, found.boxes)
        accumulator.update(labelled.ids, found.ids, distances, frameid=frame)
    values = motmetrics.metrics.create().compute(
        accumulator, metrics=list(_MEASURES), return_dataframe=False
    )
    measures = {name: float(values[key]) for key, name in _MEASURES.items()}
    for name in ("MOTA", "IDF1"):
        measures[name] = round(100 * measures[name], 2)
    return TrackingReport(**measures, tracker=tracker)


def _distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns 1 - intersection over union of all pairs, float64 (n, m); NaN for no match.

    motmetrics' own implementation needs a function that NumPy 2 has removed.
    """
    a, b = first[:, None], second[None]
    overlap = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection = np.maximum(overlap, 0.0).prod(axis=2)
    areas = (a[..., 2:] - a[..., :2]).prod(axis=2) + (b[..., 2:] - b[..., :2]).prod(axis=2)
    distances: NDArray[np.float64] = 1 - intersection / (areas - intersection)
    distances[distances > MAX_DISTANCE] = np.nan
    return distances
