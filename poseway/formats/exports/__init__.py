"""Other files made of `keypoints.jsonl`: one module for each format.

Each takes the lines of the file and yields the new one in blocks of about 256 KiB, so memory stays
the same whatever the length of the video. The formats are documented for users in
``docs/formats.md``.
"""

from poseway.formats.exports.angles_csv import to_angles
from poseway.formats.exports.bundle import to_everything
from poseway.formats.exports.coco import to_coco
from poseway.formats.exports.keypoints_csv import to_csv
from poseway.formats.exports.openpose import to_openpose
from poseway.formats.exports.trc import to_trc

__all__ = ["to_angles", "to_coco", "to_csv", "to_everything", "to_openpose", "to_trc"]
