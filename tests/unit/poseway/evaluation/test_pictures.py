"""Looking at labelled images and reading them."""

import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from poseway.errors import NotFoundError, PosewayError
from poseway.evaluation import Labels, pictures
from poseway.evaluation.pictures import ImageError
from tests.support.labelled import SOMEBODY, annotated


def test_frames_are_scaled_down_and_never_up(images: Path, tmp_path: Path) -> None:
    labels = Labels.load(annotated(tmp_path / "two.json", {"a 1.png": [SOMEBODY], "b%02d.jpg": []}))
    for image in labels.images:
        assert pictures.read(images, image, 368).shape == (368, 655, 3)
        large = pictures.read(images, image, 2048)
        stored = cv2.imread(str(images / image.file_name))
        assert stored is not None
        assert large.shape == stored.shape
        assert cv2.absdiff(large, stored).mean() < 2, "blue comes first"


def test_images_are_checked_before_the_service_starts(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((10, 20, 3), np.uint8))
    expected: dict[str, tuple[type[PosewayError], str]] = {
        "gone.png": (NotFoundError, r"no image .*gone\.png"),
        "text.png": (ImageError, r"text\.png is not an image .*\(JPEG, PNG, .*\)"),
        "empty.png": (ImageError, r"empty\.png is not an image"),
        "folder.png": (ImageError, r"folder\.png is not a file"),
        "pipe.png": (ImageError, r"pipe\.png is not a file"),
        "/dev/zero": (ImageError, r"/dev/zero is not a file"),
        "nul\0.png": (NotFoundError, "no image .*nul"),
        "long" * 99: (ImageError, "long is not an image .*: File name too long"),
        "small.png": (ImageError, r"small\.png is 20 x 10 pixels; .* 1768 x 994"),
    }
    for name, (error, message) in expected.items():
        labels = Labels.load(annotated(tmp_path / "labels.json", {name: [SOMEBODY]}))
        with pytest.raises(error, match=message):
            pictures.check(tmp_path, labels.images)


def test_error_names_an_image_that_the_service_would_reject(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "wide.png"), np.zeros((2, 8193, 3), np.uint8))
    file = annotated(tmp_path / "labels.json", {"wide.png": [SOMEBODY]}, size=(8193, 2))
    with pytest.raises(ImageError, match=r"wide\.png is 8193 x 2 pixels; .* at most 8192"):
        pictures.check(tmp_path, Labels.load(file).images)


@pytest.mark.parametrize("name", ["a 1.png", "b%02d.jpg"])
@pytest.mark.parametrize("part", [0.001, 0.5, 0.9])
def test_truncated_image_is_refused(images: Path, tmp_path: Path, name: str, part: float) -> None:
    whole = (images / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * part)])
    labels = Labels.load(annotated(tmp_path / "labels.json", {name: [SOMEBODY]}))
    with pytest.raises(ImageError, match=re.escape(name)):
        pictures.read(tmp_path, labels.images[0], 368)
