"""From a model's card to what finds people with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from poseway.errors import IncompatibleError, NotFoundError
from poseway.models import ModelCard, load_cards, read_weights, weights_sha256
from services.inference import tfjs
from services.inference.engines.base import Engine
from services.inference.engines.choose import EngineName, load_engine
from services.inference.estimator import Estimator, OpenPoseEstimator
from services.inference.movenet import MoveNetEstimator
from services.inference.network import Network, read_frozen_graph
from services.inference.settings import InferenceSettings

log = structlog.get_logger(__name__)

# Input and output of OpenPose's graphs, whatever their backbone.
_TENSORS = ("image:0", "Openpose/concat_stage7:0")


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
            weights = read_weights(card, settings.models_dir)
            models[card.name] = model = load_model(card, weights, settings)
        except (NotFoundError, IncompatibleError) as error:
            # One bad file must not keep the others from being used.
            if card.default:
                raise
            missing[card.name] = error.message
            log.warning("model not usable", model=card.name, reason=error.message)
            continue
        log.info(
            "model loaded",
            model=card.name,
            engine=model.engine.name,
            device=model.engine.device,
            precision=model.engine.precision,
        )
    return models, missing


def load_model(
    card: ModelCard, weights: Sequence[bytes], settings: InferenceSettings
) -> LoadedModel:
    """Makes a model of its card and its files.

    Raises:
        IncompatibleError: The files are no such network, or the device cannot do what is asked.
    """
    network = _network(card, weights, settings.models_dir)
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


def _network(card: ModelCard, weights: Sequence[bytes], directory: Path) -> Network:
    if card.family == "movenet":
        return tfjs.read(weights, card.float32)
    (graph,) = weights
    return read_frozen_graph(
        graph,
        str(card.path(directory)),
        tensors=_TENSORS,
        sha256=weights_sha256(weights),
        float32=card.float32,
    )
