"""Reads TensorFlow.js graph models as frozen graphs.

TensorFlow.js's converter writes a GraphDef in JSON whose constants are empty, and a manifest that
lists how the constants follow each other in the weight files.
"""

from collections.abc import Sequence
from math import prod
from typing import Annotated, Any, Final, Literal

import numpy as np
from google.protobuf import json_format
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from poseway.errors import IncompatibleError
from poseway.model_cards import weights_sha256
from poseway_inference.graphs.allowed_operations import check_computes
from poseway_inference.graphs.network import Network, tensorflow

# TensorFlow.js operations that TensorFlow lacks, or has only on some devices, and their unfused
# counterparts. TensorFlow fuses operations again where it can.
_CONVOLUTIONS: Final = {
    "_FusedConv2D": "Conv2D",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
}
_ACTIVATIONS: Final = ("Relu", "Relu6", "Elu")
# Attributes of each part of a fused operation; convolutions have those of the next constant.
_ATTRIBUTES: Final = {"BiasAdd": ("T", "data_format"), **dict.fromkeys(_ACTIVATIONS, ("T",))}
_CONVOLUTION_ATTRIBUTES: Final = (
    *("T", "data_format"),
    *("strides", "padding", "explicit_paddings", "dilations"),
)

Values = NDArray[Any]


class _Quantization(BaseModel):
    dtype: Literal["float16", "uint8", "uint16"]
    scale: float = 1.0
    min: float = 0.0


class _Weight(BaseModel):
    name: str
    shape: list[Annotated[int, Field(ge=0)]]
    dtype: Literal["float32", "int32", "bool"]
    quantization: _Quantization | None = None


class _Group(BaseModel):
    weights: list[_Weight]


class _Tensor(BaseModel):
    name: str


class _Signature(BaseModel):
    inputs: Annotated[dict[str, _Tensor], Field(min_length=1, max_length=1)]
    outputs: Annotated[dict[str, _Tensor], Field(min_length=1, max_length=1)]


class _GraphModel(BaseModel):
    format: Literal["graph-model"]
    signature: _Signature
    topology: dict[str, Any] = Field(alias="modelTopology")
    manifest: list[_Group] = Field(alias="weightsManifest")


def read(files: Sequence[bytes], float32: tuple[str, ...] = ()) -> Network:
    """Reads a TensorFlow.js graph model with one input and one output.

    The network takes images as float32, whatever type the model takes.

    Args:
        files: The JSON file, then the weight files in the order of its manifest.
        float32: See `Network.float32`.

    Raises:
        IncompatibleError: The files are not such a model, do not match each other, or contain an
            unsupported operation.
    """
    try:
        model = _GraphModel.model_validate_json(files[0] if files else b"")
        graph = json_format.ParseDict(model.topology, tensorflow().compat.v1.GraphDef())
    except (ValidationError, json_format.ParseError) as error:
        raise IncompatibleError(
            f"This is not the JSON file of a TensorFlow.js graph model: {_first_line(error)}"
        ) from error
    check_computes(graph, "The model")
    weights = [weight for group in model.manifest for weight in group.weights]
    _fill(graph, _values(weights, b"".join(files[1:])))
    network = Network(
        graph=_unfused(graph),
        input=_tensor_name(model.signature.inputs),
        output=_tensor_name(model.signature.outputs),
        sha256=weights_sha256(files),
        float32=float32,
    )
    _take_float32(network)
    _check(network)
    return network


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()
    return str(error).partition("\n")[0]


def _tensor_name(tensors: dict[str, _Tensor]) -> str:
    (tensor,) = tensors.values()
    return tensor.name if ":" in tensor.name else f"{tensor.name}:0"


def _values(weights: list[_Weight], data: bytes) -> dict[str, Values]:
    """Reads the weights, which follow each other without gaps."""
    values, offset = {}, 0
    for weight in weights:
        stored = np.dtype(weight.quantization.dtype if weight.quantization else weight.dtype)
        stored = stored.newbyteorder("<")
        count = prod(weight.shape)
        end = offset + count * stored.itemsize
        if end > len(data):
            raise IncompatibleError(
                f"The weights end after {len(data)} bytes, in the middle of {weight.name}."
            )
        raw = np.frombuffer(data, stored, count, offset).reshape(weight.shape)
        values[weight.name] = _dequantised(raw, weight)
        offset = end
    if offset != len(data):
        raise IncompatibleError(f"The weights have {len(data)} bytes instead of {offset}.")
    return values


def _dequantised(raw: Values, weight: _Weight) -> Values:
    how = weight.quantization
    if how is None or how.dtype == "float16":
        return raw.astype(weight.dtype)
    exact = raw.astype(np.float64) * how.scale + how.min
    return (np.rint(exact) if weight.dtype == "int32" else exact).astype(weight.dtype)


def _fill(graph: Any, values: dict[str, Values]) -> None:  # noqa: ANN401
    """Fills the graph's constants with the weights."""
    tf = tensorflow()
    for node in graph.node:
        if node.op != "Const":
            continue
        if node.name not in values:
            raise IncompatibleError(f"The weight files lack the constant {node.name}.")
        tensor = tf.make_tensor_proto(values[node.name])
        if tensor.dtype != node.attr["dtype"].type:
            raise IncompatibleError(f"The weights of {node.name} have the wrong type.")
        node.attr["value"].tensor.CopyFrom(tensor)


def _unfused(graph: Any) -> Any:  # noqa: ANN401
    """Returns a copy of a graph with fused convolutions split into plain operations.

    The last operation of each keeps the name of the fused one; the names of the others begin with
    it.
    """
    plain = type(graph)(versions=graph.versions, library=graph.library)
    for node in graph.node:
        if node.op in _CONVOLUTIONS:
            _unfuse(node, plain)
        else:
            plain.node.add().CopyFrom(node)
            plain.node[-1].device = ""
    return plain


def _unfuse(fused: Any, graph: Any) -> None:  # noqa: ANN401
    """Adds the convolution, bias and activation of a fused node to a graph."""
    after = [name.decode() for name in fused.attr["fused_ops"].list.s]
    activations = after[1:]
    known = len(activations) <= 1 and set(activations) <= set(_ACTIVATIONS)
    if after[:1] != ["BiasAdd"] or len(fused.input) != 3 or not known:
        raise IncompatibleError(
            f"The convolution {fused.name} is fused with {after}, which is not supported."
        )
    image, filters, bias = fused.input
    steps = [(_CONVOLUTIONS[fused.op], [filters]), ("BiasAdd", [bias])]
    steps += [(activation, []) for activation in activations]
    source = image
    for number, (operation, others) in enumerate(steps, 1):
        last = number == len(steps)
        node = graph.node.add(
            op=operation, name=fused.name if last else f"{fused.name}/{operation}"
        )
        node.input.extend([source, *others])
        for name in _ATTRIBUTES.get(operation, _CONVOLUTION_ATTRIBUTES):
            if name in fused.attr:
                node.attr[name].CopyFrom(fused.attr[name])
        source = node.name


def _take_float32(network: Network) -> None:
    """Changes the type of the input from integers to float32, which all networks here take."""
    dtype = tensorflow().float32.as_datatype_enum
    name = network.input.partition(":")[0]
    for node in network.graph.node:
        if node.name == name:
            node.attr["dtype"].type = dtype
        elif node.op == "Cast" and node.input[0] == name:
            node.attr["SrcT"].type = dtype


def _check(network: Network) -> None:
    """Checks that TensorFlow loads the graph."""
    tf = tensorflow()
    try:
        with tf.Graph().as_default() as graph:
            tf.graph_util.import_graph_def(network.graph, name="")
        for name in (network.input, network.output):
            graph.get_tensor_by_name(name)
    except (ValueError, KeyError, tf.errors.OpError) as error:
        raise IncompatibleError(
            f"TensorFlow cannot load the model: {_first_line(error)}"
        ) from error
