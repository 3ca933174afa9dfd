"""Reading a small TensorFlow.js model; MoveNet's tests read a real one."""

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import IncompatibleError
from poseway.model_cards import weights_sha256
from poseway_inference.engines.tensorflow import TensorFlowEngine
from poseway_inference.graphs import tfjs

Floats = NDArray[np.float32]
Json = dict[str, Any]

FILTERS = np.linspace(-0.04, 0.05, 3 * 3 * 3 * 4, dtype=np.float32).reshape(3, 3, 3, 4)
BIAS = np.array([-3, 0, 0.5, 2], np.float32)
DEPTHWISE = np.linspace(-1, 1, 3 * 3 * 4, dtype=np.float32).reshape(3, 3, 4, 1)
SCALE = np.array(0.5, np.float32)
WEIGHTS: dict[str, NDArray[np.float32]] = {
    "filters": FILTERS,
    "bias": BIAS,
    "depthwise": DEPTHWISE,
    "scale": SCALE,
}
IMAGE = np.random.default_rng(7).integers(0, 256, (1, 10, 12, 3)).astype(np.float32)


def text(word: str) -> str:
    return base64.b64encode(word.encode()).decode()


def convolution(name: str, op: str, inputs: list[str], fused: list[str], stride: str) -> Json:
    attributes = {
        "T": {"type": "DT_FLOAT"},
        "strides": {"list": {"i": ["1", stride, stride, "1"]}},
        "dilations": {"list": {"i": ["1", "1", "1", "1"]}},
        "padding": {"s": text("SAME")},
        "data_format": {"s": text("NHWC")},
        "explicit_paddings": {"list": {}},
        "fused_ops": {"list": {"s": [text(word) for word in fused]}},
        "num_args": {"i": "1"},
        "epsilon": {"f": 0},
    }
    return {"name": name, "op": op, "input": inputs, "device": "/device:GPU:7", "attr": attributes}


def constant(name: str) -> Json:
    value = {"tensor": {"dtype": "DT_FLOAT", "tensorShape": {}}}
    return {
        "name": name,
        "op": "Const",
        "attr": {"dtype": {"type": "DT_FLOAT"}, "value": value},
    }


def topology() -> Json:
    sides = [{"size": size} for size in ("1", "-1", "-1", "3")]
    placeholder = {"dtype": {"type": "DT_INT32"}, "shape": {"shape": {"dim": sides}}}
    cast = {"SrcT": {"type": "DT_INT32"}, "DstT": {"type": "DT_FLOAT"}, "Truncate": {"b": False}}
    real = {"T": {"type": "DT_FLOAT"}}
    depthwise = "FusedDepthwiseConv2dNative"
    return {
        "node": [
            {"name": "image", "op": "Placeholder", "attr": placeholder},
            *(constant(name) for name in WEIGHTS),
            {"name": "cast", "op": "Cast", "input": ["image"], "attr": cast},
            {"name": "scaled", "op": "Mul", "input": ["cast", "scale"], "attr": real},
            convolution(
                "first", "_FusedConv2D", ["scaled", "filters", "bias"], ["BiasAdd", "Relu6"], "2"
            ),
            convolution("last", depthwise, ["first", "depthwise", "bias"], ["BiasAdd"], "1"),
            {"name": "maps", "op": "Identity", "input": ["last"], "attr": real},
        ],
        "library": {},
        "versions": {"producer": 808},
    }


def model(quantised: str = "") -> tuple[Json, bytes]:
    """Returns the JSON file and the weights as the converter would write them."""
    weights, data = [], b""
    for name, value in WEIGHTS.items():
        weight: Json = {"name": name, "shape": list(value.shape), "dtype": "float32"}
        stored: NDArray[Any] = np.asarray(value)
        if quantised == "float16":
            weight["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            stored = value.astype(np.float16)
        elif quantised:
            least, most = float(value.min()), np.iinfo(quantised).max
            scale = (float(value.max()) - least) / most or 1.0
            weight["quantization"] = {"dtype": quantised, "scale": scale, "min": least}
            stored = np.rint((value - least) / scale).astype(quantised)
        weights.append(weight)
        data += stored.tobytes()
    signature = {"inputs": {"x": {"name": "image:0"}}, "outputs": {"y": {"name": "maps"}}}
    document = {
        "format": "graph-model",
        "signature": signature,
        "modelTopology": topology(),
        "weightsManifest": [{"paths": ["a.bin", "b.bin"], "weights": weights}],
    }
    return document, data


def encoded(document: Json) -> bytes:
    return json.dumps(document).encode()


def padded(x: Floats, stride: int) -> Floats:
    """Pads with zeros like "SAME": one row and column more below and right than above and left."""
    total = [max(3 - stride if n % stride == 0 else 3 - n % stride, 0) for n in x.shape[:2]]
    return np.pad(x, [*((t // 2, t - t // 2) for t in total), (0, 0)])


def expected() -> Floats:
    """Computes the network's output with NumPy."""
    x = padded(IMAGE[0] * SCALE, 2)
    first = np.zeros((5, 6, 4), np.float32)
    for i, j in np.ndindex(3, 3):
        first += x[i : i + 9 : 2, j : j + 11 : 2] @ FILTERS[i, j]
    y = padded(np.clip(first + BIAS, 0, 6), 1)
    last = np.zeros((5, 6, 4), np.float32)
    for i, j in np.ndindex(3, 3):
        last += y[i : i + 5, j : j + 6] * DEPTHWISE[i, j, :, 0]
    return last + BIAS


@pytest.mark.parametrize(
    ("quantised", "tolerance"), [("", 1e-4), ("float16", 0.02), ("uint16", 0.01), ("uint8", 1)]
)
def test_network_computes_the_same_as_the_model(quantised: str, tolerance: float) -> None:
    document, data = model(quantised)
    files = [encoded(document), data[:50], data[50:]]
    network = tfjs.read(files, ("first",))
    assert (network.input, network.output) == ("image:0", "maps:0")
    assert network.float32 == ("first",)
    assert network.sha256 == weights_sha256(files)
    output = TensorFlowEngine(network).run(IMAGE)
    assert np.ptp(expected()) > 20
    np.testing.assert_allclose(output[0], expected(), atol=tolerance)


def test_fused_operations_are_replaced() -> None:
    document, data = model()
    graph = tfjs.read([encoded(document), data]).graph
    operations = {node.name: node.op for node in graph.node}
    assert operations["first"] == "Relu6"
    assert operations["first/Conv2D"] == "Conv2D"
    assert operations["last"] == "BiasAdd"
    assert operations["last/DepthwiseConv2dNative"] == "DepthwiseConv2dNative"
    assert not any("Fused" in op for op in operations.values())
    assert {node.device for node in graph.node} == {""}


@pytest.mark.parametrize(
    "files",
    [
        *([], [b""], [b"{}"], [b"\xff\x00"], [b"[1, 2]"]),
        [b'{"format": "layers-model", "modelTopology": {}, "weightsManifest": []}'],
    ],
)
def test_files_that_are_not_a_model_are_refused(files: list[bytes]) -> None:
    with pytest.raises(IncompatibleError, match=r"not the JSON file of a TensorFlow\.js graph"):
        tfjs.read(files)


def _node(document: Json, name: str) -> Json:
    found: Json = next(n for n in document["modelTopology"]["node"] if n["name"] == name)
    return found


def _no_such_field(document: Json) -> None:
    _node(document, "first")["colour"] = "red"


def _no_weights(document: Json) -> None:
    document["modelTopology"]["node"].append(constant("forgotten"))


def _another_type(document: Json) -> None:
    _node(document, "bias")["attr"]["dtype"]["type"] = "DT_INT32"


def _another_activation(document: Json) -> None:
    fused = _node(document, "first")["attr"]["fused_ops"]["list"]
    fused["s"] = [text("BiasAdd"), text("Prelu")]


def _no_bias(document: Json) -> None:
    _node(document, "last")["attr"]["fused_ops"]["list"]["s"] = [text("FusedBatchNorm")]


def _unknown_operation(document: Json) -> None:
    _node(document, "maps")["op"] = "MakeCoffee"


def _unknown_input(document: Json) -> None:
    _node(document, "maps")["input"] = ["nowhere"]


def _unknown_output(document: Json) -> None:
    document["signature"]["outputs"]["y"]["name"] = "nowhere:0"


def _two_outputs(document: Json) -> None:
    document["signature"]["outputs"]["z"] = {"name": "last:0"}


def _negative_shape(document: Json) -> None:
    document["weightsManifest"][0]["weights"][0]["shape"][0] = -3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_no_such_field, "colour"),
        (_no_weights, "weight files lack the constant forgotten"),
        (_another_type, "bias have the wrong type"),
        (_another_activation, r"convolution first is fused with \['BiasAdd', 'Prelu'\]"),
        (_no_bias, "convolution last is fused with"),
        (_unknown_operation, "it contains MakeCoffee"),
        (_unknown_input, "TensorFlow cannot load the model.*nowhere"),
        (_unknown_output, "TensorFlow cannot load the model.*nowhere"),
        (_two_outputs, r"signature\.outputs"),
        (_negative_shape, r"weightsManifest\.0\.weights\.0\.shape\.0"),
    ],
)
def test_unusable_model_is_refused_with_a_reason(change: Callable[[Json], None], why: str) -> None:
    document, data = model()
    wrong = copy.deepcopy(document)
    change(wrong)
    with pytest.raises(IncompatibleError, match=why):
        tfjs.read([encoded(wrong), data])


def test_weights_of_the_wrong_length_are_refused() -> None:
    document, data = model()
    with pytest.raises(IncompatibleError, match=r"end after \d+ bytes, in the middle of scale"):
        tfjs.read([encoded(document), data[:-1]])
    with pytest.raises(IncompatibleError, match=rf"{len(data) + 1} bytes instead of {len(data)}"):
        tfjs.read([encoded(document), data, b"x"])
