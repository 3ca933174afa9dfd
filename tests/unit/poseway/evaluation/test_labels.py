"""Reading COCO's annotation files."""

import math
from pathlib import Path
from typing import Any

import pytest

from poseway.evaluation import Detection, Labels
from poseway.evaluation.coco_metrics import LabelsError
from poseway.skeleton import COCO_KEYPOINTS, KEYPOINTS
from tests.support.labelled import SOMEBODY, annotated

WITHOUT = {"bbox": [500, 500, 100, 200], "area": 20_000.0}
"""A person without labelled keypoints."""


def test_detection_drops_the_neck_and_marks_unseen_keypoints(tmp_path: Path) -> None:
    labels = Labels.load(annotated(tmp_path / "one.json", {"one.png": [SOMEBODY]}))
    pose = [float(n) for i in range(18) for n in (10 * i, 10 * i + 1, i % 2)]
    flat = labels.detection(labels.images[0], pose, 0.5)["keypoints"]
    assert len(flat) == 51
    for place, name in enumerate(COCO_KEYPOINTS):
        index = KEYPOINTS.index(name)
        assert flat[3 * place : 3 * place + 3] == [10 * index, 10 * index + 1, index % 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": []}, "in images: List should have at least 1 item"),
        ({"annotations": [{"image_id": 1, "caption": "a dog"}]}, r"in annotations.0.category_id"),
        ({"categories": [{"id": 1, "name": "person"}]}, r"in categories.0.keypoints: Field req"),
        ({"categories": [{"id": 1, "name": "person", "keypoints": ["nose"]}]}, "other keypoints"),
        ({"annotations": []}, "no person with labelled keypoints"),
        ({"annotations": [WITHOUT | {"image_id": 0, "category_id": 1}]}, "no person with labelled"),
        (
            {"annotations": [SOMEBODY | {"image_id": 7, "category_id": 1}]},
            "in image 7.* no such image",
        ),
        (
            {"annotations": [SOMEBODY | {"image_id": 0, "category_id": 5}]},
            "category 5.* such category",
        ),
        (
            {"images": 2 * [{"id": 3, "file_name": "a", "width": 1, "height": 1}]},
            "2 images .* id 3",
        ),
    ],
)
def test_other_annotations_are_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = annotated(tmp_path / "other.json", {"one.png": [SOMEBODY]}, **change)
    with pytest.raises(LabelsError, match=message):
        Labels.load(path)


@pytest.mark.parametrize("content", [b"", b"not json", b"\xff\xd8\xff", b"[]", b"[" * 100_000])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "other.json").write_bytes(content)
    with pytest.raises(LabelsError, match=r"other\.json is not"):
        Labels.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"area": math.nan}, r"area: .* finite"),
        ({"area": -1}, r"area: .* greater"),
        ({"bbox": [0, 0, 2, math.inf]}, r"bbox.3: .* finite"),
        ({"keypoints": [math.nan] * 51}, r"keypoints.0: .* finite"),
    ],
)
def test_unusable_numbers_are_refused(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = annotated(tmp_path / "other.json", {"one.png": [SOMEBODY | change]})
    with pytest.raises(LabelsError, match=r"annotations\.0\." + message):
        Labels.load(path)


def test_people_without_keypoints_and_strays_are_ignored(tmp_path: Path) -> None:
    stray = SOMEBODY | {"image_id": 7}
    three = {"keypoints": [1.0, 1.0, 2] * 3 + [0, 0, 0] * 14}
    people = [WITHOUT, stray, SOMEBODY, SOMEBODY | three]
    labels = Labels.load(annotated(tmp_path / "four.json", {"one.png": people}))
    assert [person.num_keypoints for person in labels.annotations] == [0, 17, 17, 3]
    found = [
        Detection(image_id=0, category_id=1, keypoints=[x, x, 1] * 17, score=score)
        for x, score in ((550.0, 0.9), (1.0, 0.8), (1.0, 0.7))
    ]
    assert labels.scores(found) == pytest.approx([1] * 4)
