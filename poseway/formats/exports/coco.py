"""`coco.json`: keypoint detections in COCO's result format, which `pycocotools` loads.

The format: https://cocodataset.org/#format-results.
"""

from collections.abc import Generator, Iterable, Iterator
from typing import Final

from pydantic_core import to_json

from poseway.formats import keypoints
from poseway.formats.exports.positions import seen
from poseway.formats.exports.source import Source
from poseway.formats.exports.text import blocks
from poseway.skeleton import COCO_KEYPOINTS, KEYPOINTS

_PERSON: Final = 1
"""COCO's category of persons."""
_PLACES: Final = [3 * KEYPOINTS.index(name) + part for name in COCO_KEYPOINTS for part in range(3)]


def to_coco(source: Source) -> Generator[bytes]:
    """Converts keypoints to COCO's results: an array with an object per person and frame."""
    return blocks(_results(source.lines()))


def _results(lines: Iterable[bytes]) -> Iterator[bytes]:
    _, frames = keypoints.read(lines)
    before = b"[\n"
    for frame in frames:
        for person in frame["people"]:
            numbers = seen(person)
            yield before + to_json(
                {
                    "image_id": frame["frame"],
                    "category_id": _PERSON,
                    "keypoints": [numbers[place] for place in _PLACES],
                    "score": person["score"],
                    "track_id": person["id"],
                }
            )
            before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"
