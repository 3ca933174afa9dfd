"""Export formats: files made from `keypoints.jsonl` on request, one module for each format.

`FORMATS` lists them. The API's routes and links, the flags of ``poseway run`` and ``poseway get``,
the downloads on the page, ``all.zip`` and the table in ``docs/formats.md`` are derived from it, so
a new format is a module here and a row there. The ``poseway`` command imports this package without
NumPy or protobuf installed; a converter that needs more imports it when it starts.
"""

from typing import Final

from poseway.formats.exports.angles_csv import to_angles
from poseway.formats.exports.bundle import to_bundle
from poseway.formats.exports.coco import to_coco
from poseway.formats.exports.format import Format
from poseway.formats.exports.keypoints_csv import to_csv
from poseway.formats.exports.openpose import to_openpose
from poseway.formats.exports.source import Source
from poseway.formats.exports.trc import to_trc

__all__ = [
    "FORMATS",
    "Format",
    "Source",
    "to_angles",
    "to_bundle",
    "to_coco",
    "to_csv",
    "to_openpose",
    "to_trc",
]

FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="csv",
        file="keypoints.csv",
        media_type="text/csv; charset=utf-8",
        title="Keypoints as a table",
        contents="a row per person and frame",
        in_bundle=True,
        convert=to_csv,
    ),
    Format(
        name="angles",
        file="angles.csv",
        media_type="text/csv; charset=utf-8",
        title="Joint angles in degrees",
        contents="a row per person and frame",
        in_bundle=True,
        convert=to_angles,
    ),
    Format(
        name="trc",
        file="trc.zip",
        media_type="application/zip",
        title="Keypoints for OpenSim",
        contents="a TRC file per person",
        in_bundle=False,
        convert=to_trc,
    ),
    Format(
        name="openpose",
        file="openpose.zip",
        media_type="application/zip",
        title="Keypoints for OpenPose tools",
        contents="a JSON file per frame",
        in_bundle=False,
        convert=to_openpose,
    ),
    Format(
        name="coco",
        file="coco.json",
        media_type="application/json",
        title="Keypoints for COCO tools",
        contents="a result per person and frame",
        in_bundle=True,
        convert=to_coco,
    ),
)
"""Every export format, in the order in which the page and ``all.zip`` have them."""
