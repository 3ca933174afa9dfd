"""A registered family works everywhere: its card, the loader, the engines, the service."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import IncompatibleError
from poseway.model_cards import ModelCard, load_cards, read_weights, weights_sha256
from poseway.v1 import inference_pb2, inference_pb2_grpc
from poseway_inference.engines.base import Engine
from poseway_inference.families import FAMILIES
from poseway_inference.families.base import Family, Frame, People
from poseway_inference.graphs.allowed_operations import check_computes
from poseway_inference.graphs.network import Network, tensorflow
from poseway_inference.model_loader import load_models, read_network
from poseway_inference.service import InferenceService
from poseway_inference.settings import InferenceSettings
from tests.integration.inference.test_service import estimate, frame, header
from tests.support.cards import openpose


class ToyEstimator:
    """Finds one person per frame, whose score is the frame's mean brightness."""

    batch_size: Final = 1

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def shape(self, frame: Frame) -> tuple[int, ...]:
        return frame.pixels.shape[:2]

    def estimate(self, frames: Sequence[Frame]) -> list[People]:
        return [self._estimate(frame) for frame in frames]

    def _estimate(self, frame: Frame) -> People:
        score = self._engine.run(frame.pixels[None].astype(np.float32)) / np.float32(255)
        return People(np.full((1, 18, 3), score, np.float32), score)


def load_toy(card: ModelCard, directory: Path) -> Network:
    (data,) = weights = read_weights(card, directory)
    graph = tensorflow().compat.v1.GraphDef.FromString(data)
    check_computes(graph, card.name)
    return Network(graph, "image:0", "mean:0", weights_sha256(weights))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one model of a toy family."""
    row = Family(load_toy, lambda engine, size, accurate: ToyEstimator(engine), engine="tensorflow")
    monkeypatch.setitem(FAMILIES, "toy", row)
    tf = tensorflow()
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3), "image")
        tf.reduce_mean(image, (1, 2, 3), name="mean")
    (tmp_path / "toy.net").write_bytes(graph.as_graph_def().SerializeToString())
    write_card(tmp_path, "toy")
    return tmp_path


def write_card(folder: Path, family: str, *files: str) -> None:
    card = openpose("bright", "toy.net").replace('"openpose"', f'"{family}"')
    more = "".join(f'[[files]]\nfile = "{file}"\n' for file in files)
    (folder / "bright.toml").write_text(card + more)


@pytest.fixture
def stub(models: Path) -> Iterator[inference_pb2_grpc.InferenceServiceStub]:
    loaded, missing = load_models(InferenceSettings(models_dir=models))
    service = InferenceService(
        loaded, missing, workers=1, batch_frames=0, max_delay=0, max_frames=8
    )
    server = grpc.server(ThreadPoolExecutor(2))
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield inference_pb2_grpc.InferenceServiceStub(channel)
    server.stop(None).wait()


def test_the_service_lists_and_runs_a_model_of_the_new_family(
    stub: inference_pb2_grpc.InferenceServiceStub,
) -> None:
    (model,) = stub.ListModels(inference_pb2.ListModelsRequest(), timeout=10).models
    assert (model.name, model.input_height) == ("bright", 368)
    picture: NDArray[np.uint8] = np.full((8, 8, 3), 51, np.uint8)
    answers = estimate(stub, header("bright"), frame(picture, 0), frame(2 * picture, 1))
    scores = [[pose.score for pose in answer.poses.poses] for answer in answers]
    np.testing.assert_allclose(scores, [[0.2], [0.4]], rtol=1e-6)


@pytest.mark.parametrize(
    ("family", "files", "reason"),
    [
        ("yolo", [], r"bright\.toml: there is no family 'yolo', only: openpose, movenet, toy"),
        ("toy", ["more.net"], r"bright\.toml: a model of the family toy has one file, not 2"),
        ("openpose", ["more.net"], "openpose has one file, not 2"),
        ("movenet", [], "movenet has a topology and at least one file of weights, not 1"),
    ],
)
def test_a_card_that_does_not_fit_a_family_is_refused(
    models: Path, family: str, files: list[str], reason: str
) -> None:
    write_card(models, family, *files)
    (card,) = load_cards(models)
    with pytest.raises(IncompatibleError, match=reason):
        read_network(card, models)
