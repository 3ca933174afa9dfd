"""From a model's card to what finds people with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from poseway.model_cards import MODELS_DIR, ModelCard, load_cards, read_weights, weights_sha256
from poseway_inference.engines.base import Engine
from poseway_inference.engines.select import EngineName, load_engine
from poseway_inference.families.movenet.estimator import MoveNetEstimator
from poseway_inference.families.openpose.estimator import Estimator, OpenPoseEstimator
from poseway_inference.graphs import tfjs
from poseway_inference.graphs.network import Network, read_openpose
from poseway_inference.settings import InferenceSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready.

    Attributes:
        engine: Runs its network.
        estimator: The whole of it.
        input_height: Height in pixels of the largest frames that are worth sending.
        accurate_height: The same where accuracy counts more than time.
    """

    engine: Engine
    estimator: Estimator
    input_height: int
    accurate_height: int


def load_models(settings: InferenceSettings) -> tuple[dict[str, LoadedModel], dict[str, str]]:
    """Loads all models that there are, the default first.

    Returns:
        The models by name, and those that cannot be used, with the reason.

    Raises:
        NotFoundError: The weights of the default model are missing.
        IncompatibleError: The weights of the default model are not what its card says.
    """
    models, missing = {}, {}
    for card in load_cards(settings.models_dir):
        try:
            models[card.name] = model = load_model(card, settings)
        except Exception as error:
            # Whatever is wrong with one model's files must not keep the others from being used.
            if card.default:
                raise
            missing[card.name] = reason = str(error) or repr(error)
            log.warning("model not usable", model=card.name, reason=reason)
            continue
        log.info(
            "model loaded",
            model=card.name,
            engine=model.engine.about.name,
            device=model.engine.about.device,
            precision=model.engine.about.precision,
        )
    return models, missing


def load_model(card: ModelCard, settings: InferenceSettings) -> LoadedModel:
    """Makes a model of its card and its files.

    Raises:
        NotFoundError: A file is missing.
        IncompatibleError: The files are no such network, or the device cannot do what is asked.
    """
    network = read_network(card, settings.models_dir)
    # OpenVINO needs longer for MoveNet than TensorFlow does.
    fastest: EngineName | Literal["auto"] = "tensorflow" if card.family == "movenet" else "auto"
    name = fastest if settings.engine == "auto" else settings.engine
    engine = load_engine(network, name, settings.precision)
    size = (card.default and settings.input_height) or card.input_size
    accurate = card.accurate_sizes
    estimator: Estimator
    if card.family == "movenet":
        estimator = MoveNetEstimator(engine, size, max(accurate))
    else:
        estimator = OpenPoseEstimator(engine, input_height=size, accurate_heights=accurate)
    return LoadedModel(engine, estimator, size, max(accurate))


def read_network(card: ModelCard, directory: Path = MODELS_DIR) -> Network:
    """Reads a model's files, and checks their hashes.

    Raises:
        NotFoundError: A file is missing.
        IncompatibleError: The files are not what the card says, or no such network.
    """
    weights = read_weights(card, directory)
    if card.family == "movenet":
        return tfjs.read(weights, card.float32)
    (graph,) = weights
    sha256 = weights_sha256(weights)
    return read_openpose(graph, str(card.path(directory)), sha256=sha256, float32=card.float32)
