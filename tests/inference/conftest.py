from pathlib import Path

import pytest

from services.inference.engine import TensorFlowEngine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def weights() -> Path:
    return ROOT / "models/weights/openpose-mobilenet-thin/graph_opt.pb"


@pytest.fixture(scope="session")
def engine(weights: Path) -> TensorFlowEngine:
    return TensorFlowEngine(weights)
