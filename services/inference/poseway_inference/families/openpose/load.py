"""Reads models of the OpenPose family: frozen TensorFlow graphs."""

from pathlib import Path
from typing import Final

from poseway.errors import IncompatibleError
from poseway.model_cards import ModelCard, read_weights, weights_sha256
from poseway_inference.families.openpose.decoder import CHANNELS
from poseway_inference.graphs.allowed_operations import check_computes
from poseway_inference.graphs.network import Network, tensorflow

_INPUT: Final = "image:0"
_OUTPUT: Final = "Openpose/concat_stage7:0"
"""Tensors that graphs of the family have, whatever their backbone."""


def load(card: ModelCard, directory: Path) -> Network:
    """Reads the frozen graph that a card names.

    Raises:
        NotFoundError: The file is missing.
        IncompatibleError: The file does not match the card, or is not such a graph.
    """
    (graph,) = weights = read_weights(card, directory)
    name = str(card.path(directory))
    return read_graph(graph, name, sha256=weights_sha256(weights), float32=card.float32)


def read_graph(data: bytes, name: str, *, sha256: str, float32: tuple[str, ...] = ()) -> Network:
    """Parses a frozen graph of the OpenPose family.

    Args:
        data: A serialised GraphDef.
        name: Name of the file, for errors.
        sha256: SHA-256 of the weights, lower-case hex.
        float32: See `Network.float32`.

    Raises:
        IncompatibleError: The data is not such a graph, or the graph does more than compute.
    """
    tf = tensorflow()
    try:
        graph = tf.compat.v1.GraphDef.FromString(data)
        check_computes(graph, name)
        with tf.Graph().as_default() as imported:
            tf.graph_util.import_graph_def(graph, name="")
        images, maps = (imported.get_tensor_by_name(tensor).shape for tensor in (_INPUT, _OUTPUT))
    except IncompatibleError:
        raise
    # Protobuf's error derives from Exception alone; whatever is raised, these bytes caused it.
    except Exception as error:
        raise _not_openpose(name) from error
    takes_any_size = all(images.is_compatible_with((1, *size, 3)) for size in ((8, 8), (16, 24)))
    if not (takes_any_size and maps.is_compatible_with((None, None, None, CHANNELS))):
        raise _not_openpose(name)
    return Network(graph, _INPUT, _OUTPUT, sha256, float32)


def _not_openpose(name: str) -> IncompatibleError:
    return IncompatibleError(
        f"{name} is not a frozen TensorFlow graph of the OpenPose family: one that takes images of "
        f"any size as {_INPUT} and returns {CHANNELS} maps as {_OUTPUT}. Replace it or remove it."
    )
