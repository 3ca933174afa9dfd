"""What an engine runs: a frozen graph and what is to be known about it."""

import os
from dataclasses import dataclass
from typing import Any

from poseway.errors import IncompatibleError


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


def read_frozen_graph(
    data: bytes, name: str, *, tensors: tuple[str, str], sha256: str, float32: tuple[str, ...] = ()
) -> Network:
    """Reads a frozen graph.

    Args:
        data: A serialised GraphDef.
        name: What errors call it.
        tensors: Names of the input and of the output tensor.
        sha256: SHA-256 of the weights, lower-case hex.
        float32: See `Network.float32`.

    Raises:
        IncompatibleError: The bytes are no such graph.
    """
    tf = tensorflow()
    try:
        graph = tf.compat.v1.GraphDef.FromString(data)
        with tf.Graph().as_default() as imported:
            tf.graph_util.import_graph_def(graph, name="")
        for tensor in tensors:
            imported.get_tensor_by_name(tensor)
    # Protobuf's own error derives from Exception alone; nothing else can go wrong with bytes.
    except Exception as error:
        raise IncompatibleError(
            f"{name} is not a frozen TensorFlow graph with input {tensors[0]} and output "
            f"{tensors[1]}. Delete it and run `make models`."
        ) from error
    return Network(graph, *tensors, sha256, float32)
