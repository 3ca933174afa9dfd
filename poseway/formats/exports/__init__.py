"""Other files made of `keypoints.jsonl`: one module for each format.

Each takes the lines of the file and yields the new one in blocks of about 256 KiB, so memory stays
the same whatever the length of the video. The formats are documented for users in
``docs/formats.md``.
"""

from poseway.exports.angles import to_angles
from poseway.exports.coco import to_coco
from poseway.exports.everything import to_everything
from poseway.exports.openpose import to_openpose
from poseway.exports.table import to_csv
from poseway.exports.trc import to_trc

__all__ = ["to_angles", "to_coco", "to_csv", "to_everything", "to_openpose", "to_trc"]
