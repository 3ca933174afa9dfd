"""Networks: what an engine runs."""

import os
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Network:
    """A network with one input and one output, in float32.

    Attributes:
        graph: A frozen GraphDef; TensorFlow's protobufs have no types.
        input: Name of the input tensor, such as "image:0".
        output: Name of the output tensor.
        sha256: SHA-256 of the weights, lower-case hex.
        float32: Name prefixes of nodes that stay in float32 when the network is lowered to bfloat16
            or float16, because lowering them would cost accuracy.
    """

    graph: Any
    input: str
    output: str
    sha256: str
    float32: tuple[str, ...] = ()


def tensorflow() -> Any:  # noqa: ANN401
    """Imports TensorFlow on first use, because that takes seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    return tf
