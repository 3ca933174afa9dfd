"""Images to evaluate with."""

from pathlib import Path

import cv2
import pytest

from tests.support.labelled import SMALL


@pytest.fixture(scope="session")
def images(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames of the sample, a small one and a black one, some with awkward names."""
    directory = tmp_path_factory.mktemp("labelled images")
    video = cv2.VideoCapture(str(sample))
    frames = [video.read()[1] for _ in range(101)]
    video.release()
    for name, frame in (("a 1.png", frames[20]), ("b%02d.jpg", frames[100])):
        assert cv2.imwrite(str(directory / name), frame)
    assert cv2.imwrite(str(directory / "small.png"), cv2.resize(frames[20], SMALL))
    assert cv2.imwrite(str(directory / "dark.png"), frames[0] * 0)
    return directory
