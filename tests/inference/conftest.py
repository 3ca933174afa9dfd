from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.models import load_cards, read_weights, weights_sha256
from services.inference.engines.base import Engine
from services.inference.engines.choose import load_engine
from services.inference.network import Network, read_frozen_graph


@pytest.fixture(scope="session")
def network() -> Network:
    """The default model's network, as it comes."""
    card = load_cards()[0]
    weights = read_weights(card)
    return read_frozen_graph(
        weights[0],
        card.name,
        tensors=("image:0", "Openpose/concat_stage7:0"),
        sha256=weights_sha256(weights),
        float32=card.float32,
    )


@pytest.fixture(scope="session")
def engine(network: Network) -> Engine:
    return load_engine(network, "tensorflow")


@pytest.fixture(scope="session")
def picture(sample: Path) -> NDArray[np.uint8]:
    """1768 x 994 pixels: a man on a roof, and below him a woman on the grass."""
    video = cv2.VideoCapture(str(sample))
    video.set(cv2.CAP_PROP_POS_FRAMES, 120)
    found, frame = video.read()
    video.release()
    assert found
    return np.asarray(frame, np.uint8)
