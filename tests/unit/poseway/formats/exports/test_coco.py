"""`coco.json`, read and evaluated by pycocotools."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from poseway.formats import exports
from poseway.skeleton import COCO_KEYPOINTS, KEYPOINTS
from tests.support.walk import FRAMES, records, source, walk

ORDER = [KEYPOINTS.index(name) for name in COCO_KEYPOINTS]


def seen(person: dict[str, Any]) -> np.ndarray:
    numbers = np.array(person.get("smoothed", person["keypoints"])).reshape(-1, 3)
    numbers[person.get("filled", [])] = 0
    return numbers[ORDER].ravel()


def truth(file: bytes) -> COCO:
    """The people of a file as labels."""
    labels = COCO()
    dataset: Any = {
        "images": [{"id": index, "width": 1920, "height": 1080} for index in range(FRAMES)],
        "categories": [{"id": 1, "name": "person", "keypoints": COCO_KEYPOINTS}],
        "annotations": [
            {
                "id": number,
                "image_id": frame["frame"],
                "category_id": 1,
                "keypoints": np.where(np.arange(51) % 3 == 2, 2 * (seen(person) > 0), seen(person)),
                "num_keypoints": 17,
                "bbox": [0, 0, 1920, 1080],
                "area": 1920 * 1080,
                "iscrowd": 0,
            }
            for number, (frame, person) in enumerate(records(file), 1)
        ],
    }
    labels.dataset = dataset
    labels.createIndex()
    return labels


@pytest.mark.parametrize("smoothed", [False, True])
def test_pycocotools_loads_and_evaluates_the_export(tmp_path: Path, smoothed: bool) -> None:
    file = walk(smoothed=smoothed)
    path = tmp_path / "coco.json"
    path.write_bytes(b"".join(exports.to_coco(source(file))))
    labels = truth(file)
    results = labels.loadRes(str(path))
    found: list[Any] = results.loadAnns(results.getAnnIds())
    expected = records(file)
    for entry, (frame, person) in zip(found, expected, strict=True):
        assert entry["image_id"] == frame["frame"]
        assert (entry["category_id"], entry["track_id"]) == (1, person["id"])
        assert entry["score"] == person["score"]
        np.testing.assert_array_equal(entry["keypoints"], seen(person))
    measure = COCOeval(labels, results, "keypoints")
    measure.evaluate()
    measure.accumulate()
    measure.summarize()
    assert measure.stats[0] == pytest.approx(1)


def test_video_without_people_is_an_empty_array() -> None:
    text = b"".join(exports.to_coco(source(walk(smoothed=False, spans={}))))
    assert text == b"[]\n"
