"""Loads models: from a card to an estimator that is ready."""

from dataclasses import dataclass
from pathlib import Path

import structlog

from poseway.errors import IncompatibleError
from poseway.model_cards import MODELS_DIR, ModelCard, load_cards
from poseway_inference.engines.base import Engine
from poseway_inference.engines.select import load_engine
from poseway_inference.families import FAMILIES
from poseway_inference.families.base import Estimator, Family
from poseway_inference.graphs.network import Network
from poseway_inference.settings import InferenceSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to use.

    Attributes:
        engine: Runs the network.
        estimator: Turns frames into people with that engine.
        input_height: Height in pixels above which larger frames do not improve the result.
        accurate_height: The same for accurate frames.
    """

    engine: Engine
    estimator: Estimator
    input_height: int
    accurate_height: int


def load_models(settings: InferenceSettings) -> tuple[dict[str, LoadedModel], dict[str, str]]:
    """Loads every model that has a card, the default first.

    Returns:
        The models by name, and the reasons why others cannot be used, by name.

    Raises:
        NotFoundError: A file of the default model is missing.
        IncompatibleError: The default model cannot be used, or a card is invalid.
    """
    models, missing = {}, {}
    for card in load_cards(settings.models_dir):
        try:
            models[card.name] = model = load_model(card, settings)
        except Exception as error:
            # A broken model, whatever its fault, must not take the others down.
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
    """Loads one model.

    Raises:
        NotFoundError: A file is missing.
        IncompatibleError: The card or its files cannot be used, or the device lacks what the
            settings ask for.
    """
    family = _family(card)
    network = family.load(card, settings.models_dir)
    name = family.engine if settings.engine == "auto" else settings.engine
    engine = load_engine(network, name, settings.precision)
    size = (card.default and settings.input_height) or card.input_size
    estimator = family.estimator(engine, size, card.accurate_sizes)
    return LoadedModel(engine, estimator, size, max(card.accurate_sizes))


def read_network(card: ModelCard, directory: Path = MODELS_DIR) -> Network:
    """Reads a model's files and checks their hashes.

    Raises:
        NotFoundError: A file is missing.
        IncompatibleError: The card or its files cannot be used.
    """
    return _family(card).load(card, directory)


def _family(card: ModelCard) -> Family:
    family = FAMILIES.get(card.family)
    if family is None:
        raise IncompatibleError(
            f"{card.name}.toml: there is no family {card.family!r}, only: {', '.join(FAMILIES)}."
        )
    if not family.takes_files(len(card.files)):
        raise IncompatibleError(
            f"{card.name}.toml: a model of the family {card.family} has {family.files}, not "
            f"{len(card.files)}."
        )
    return family
