from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.model_cards import load_cards
from poseway_inference.engines.base import Engine
from poseway_inference.engines.select import load_engine
from poseway_inference.graphs.network import Network
from poseway_inference.model_loader import read_network
from poseway_inference.scheduling.batcher import Batcher
from tests.support.batches import NEVER, Make


@pytest.fixture(scope="session")
def network() -> Network:
    """The default model's network, unmodified."""
    return read_network(load_cards()[0])


@pytest.fixture(scope="session")
def engine(network: Network) -> Engine:
    return load_engine(network, "tensorflow")


@pytest.fixture(scope="session")
def picture(sample: Path) -> NDArray[np.uint8]:
    """1768 x 994 pixels: a man on a roof, and a woman on the grass below him."""
    video = cv2.VideoCapture(str(sample))
    video.set(cv2.CAP_PROP_POS_FRAMES, 120)
    found, frame = video.read()
    video.release()
    assert found
    return np.asarray(frame, np.uint8)


@pytest.fixture
def make() -> Iterator[Make]:
    made = []

    def make(
        work: Callable[[str, list[int]], list[int]],
        limit: int = 1,
        workers: int = 1,
        max_delay: float = NEVER,
        max_frames: int = 1000,
        cost: Callable[[str], float] = lambda _: 1.0,
    ) -> Batcher[str, int, int]:
        made.append(
            Batcher(
                work,
                limit=lambda key: limit,
                cost=cost,
                workers=workers,
                max_delay=max_delay,
                max_frames=max_frames,
            )
        )
        return made[-1]

    yield make
    for batcher in made:
        batcher.close()
