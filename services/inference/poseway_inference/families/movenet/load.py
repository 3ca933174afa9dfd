"""Reads models of the MoveNet family: TensorFlow.js graph models."""

from pathlib import Path

from poseway.model_cards import ModelCard, read_weights
from poseway_inference.graphs import tfjs
from poseway_inference.graphs.network import Network


def load(card: ModelCard, directory: Path) -> Network:
    """Reads the topology and the weights that a card names.

    Raises:
        NotFoundError: A file is missing.
        IncompatibleError: The files do not match the card, or are not such a model.
    """
    return tfjs.read(read_weights(card, directory), card.float32)
