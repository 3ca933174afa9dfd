"""`openpose.zip`: a JSON file per frame, as OpenPose 1.7 writes with ``--write_json``.

The format: "Output Format" in ``doc/02_output.md`` of OpenPose.
"""

from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final

from pydantic_core import to_json

from poseway.filenames import portable
from poseway.formats import keypoints
from poseway.formats.exports.positions import seen
from poseway.formats.exports.source import Source
from poseway.formats.exports.text import blocks
from poseway.formats.exports.zip_stream import ZipStream

_VERSION: Final = 1.3
_ENDING: Final = "_{:012d}_keypoints.json"


def to_openpose(source: Source) -> Generator[bytes]:
    """Converts keypoints to a zip with a JSON file per frame: ``STEM_000000000012_keypoints.json``.

    Smoothed keypoints are preferred to raw ones. A keypoint that was filled in is left out, because
    the format cannot say that it was not seen.
    """
    return blocks(_zip(source.lines(), source.stem))


def _zip(lines: Iterable[bytes], stem: str) -> Iterator[bytes]:
    _, frames = keypoints.read(lines)
    archive = ZipStream()
    begins = portable(stem, _ENDING.format(0)).removesuffix(_ENDING.format(0))
    for frame in frames:
        content = {"version": _VERSION, "people": [_person(one) for one in frame["people"]]}
        name = f"{begins}{_ENDING.format(frame['frame'])}"
        yield from archive.file(name, [to_json(content), b"\n"])
    yield from archive.end()


def _person(person: dict[str, Any]) -> dict[str, list[float]]:
    return {
        "person_id": [person["id"]],
        "pose_keypoints_2d": seen(person),
        "face_keypoints_2d": [],
        "hand_left_keypoints_2d": [],
        "hand_right_keypoints_2d": [],
        "pose_keypoints_3d": [],
        "face_keypoints_3d": [],
        "hand_left_keypoints_3d": [],
        "hand_right_keypoints_3d": [],
    }
