"""What an engine runs: a frozen graph and what is to be known about it."""

import os
from dataclasses import dataclass
from typing import Any, Final

from poseway.errors import IncompatibleError
from poseway_inference.families.openpose.decoder import CHANNELS
from poseway_inference.graphs.allowed_operations import check_computes

# Input and output of OpenPose's graphs, whatever their backbone.
_OPENPOSE: Final = ("image:0", "Openpose/concat_stage7:0")


@dataclass(frozen=True)
class Network:
    """A network, in float32 as it comes.

    Attributes:
        graph: TensorFlow's GraphDef; TensorFlow's protobufs have no types.
        input: Name of the input tensor, for example "image:0".
        output: Name of the output tensor.
        sha256: SHA-256 of the weights, lower-case hex.
        float32: Beginnings of the names of nodes that stay float32 when others are run in bfloat16
            or float16, because there that costs accuracy.
    """

    graph: Any
    input: str
    output: str
    sha256: str
    float32: tuple[str, ...] = ()


def tensorflow() -> Any:  # noqa: ANN401
    """TensorFlow, imported only where it is used because that takes seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    return tf


def read_openpose(data: bytes, name: str, *, sha256: str, float32: tuple[str, ...] = ()) -> Network:
    """Reads a frozen graph of the OpenPose family.

    Args:
        data: A serialised GraphDef.
        name: What errors call it.
        sha256: SHA-256 of the weights, lower-case hex.
        float32: See `Network.float32`.

    Raises:
        IncompatibleError: The bytes are no such graph, or one that does more than compute.
    """
    tf = tensorflow()
    try:
        graph = tf.compat.v1.GraphDef.FromString(data)
        check_computes(graph, name)
        with tf.Graph().as_default() as imported:
            tf.graph_util.import_graph_def(graph, name="")
        shapes = [imported.get_tensor_by_name(tensor).shape for tensor in _OPENPOSE]
        # Images of any size; maps that the decoder knows.
        fits = shapes[0].is_compatible_with((1, 8, 8, 3)) and shapes[0].is_compatible_with(
            (1, 16, 24, 3)
        )
        fits = fits and shapes[1].is_compatible_with((None, None, None, CHANNELS))
    except IncompatibleError:
        raise
    # Protobuf's own error derives from Exception alone; nothing else can go wrong with bytes.
    except Exception as error:
        raise _no_openpose(name) from error
    if not fits:
        raise _no_openpose(name)
    return Network(graph, *_OPENPOSE, sha256, float32)


def _no_openpose(name: str) -> IncompatibleError:
    return IncompatibleError(
        f"{name} is not a frozen TensorFlow graph that takes images of any size as {_OPENPOSE[0]} "
        f"and gives {CHANNELS} maps as {_OPENPOSE[1]}. Replace it with one that is, or remove it."
    )
