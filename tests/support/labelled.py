"""Annotation files, made when a test needs them."""

import json
from pathlib import Path
from typing import Any

from poseway.evaluation import Detection
from poseway.skeleton import COCO_KEYPOINTS

SIZE = (1768, 994)
"""Pixels of the sample's frames."""

SMALL = (640, 360)
"""Pixels of a frame that no model has scaled down."""

SOMEBODY: dict[str, Any] = {"keypoints": [1.0, 1.0, 2] * 17, "bbox": [0, 0, 2, 2], "area": 4.0}
"""A labelled person in an empty place."""


def annotated(
    path: Path,
    people: dict[str, list[dict[str, Any]]],
    size: tuple[int, int] = SIZE,
    **other: object,
) -> Path:
    """Writes an annotation file of images, by name, and the people in them."""
    document = {
        "images": [
            {"id": number, "file_name": name, "width": size[0], "height": size[1]}
            for number, name in enumerate(people)
        ],
        "annotations": [
            {"image_id": number, "category_id": 1, "iscrowd": 0} | person
            for number, name in enumerate(people)
            for person in people[name]
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": COCO_KEYPOINTS}],
        **other,
    }
    path.write_text(json.dumps(document))
    return path


def as_labels(detections: list[Detection], shift: float = 0.0) -> list[dict[str, Any]]:
    """Detected people as labels, shifted slightly to the right."""
    labels = []
    for detection in detections:
        flat = detection["keypoints"]
        triples = list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
        seen = [(x, y) for x, y, visible in triples if visible]
        left, top = map(min, zip(*seen, strict=True))
        right, bottom = map(max, zip(*seen, strict=True))
        moved = [(x + shift, y, 2) if visible else (0, 0, 0) for x, y, visible in triples]
        labels.append(
            {
                "keypoints": [number for triple in moved for number in triple],
                "num_keypoints": len(seen),
                "bbox": [left + shift, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
            }
        )
    return labels
