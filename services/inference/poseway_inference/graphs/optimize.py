"""Makes frozen TensorFlow graphs faster.

`simplify` computes the same, except for the order of sums. `lower` converts convolutions and what
lies between them to bfloat16 or float16, except nodes in which that would cost accuracy. Both
rewrite the graph itself, so that all engines run the same arithmetic.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from poseway_inference.graphs.network import Network, tensorflow

Half = Literal["bfloat16", "float16"]

_CONVOLUTIONS: Final = ("Conv2D", "DepthwiseConv2dNative")
# Operations that engines have in half precision and fuse with convolutions.
_LOWERED: Final = (
    *_CONVOLUTIONS,
    "BiasAdd",
    "Relu",
    "Relu6",
    "MaxPool",
    "ConcatV2",
    "AddV2",
    "Add",
)
_FLOAT32: Final = 1  # DT_FLOAT of TensorFlow's types.proto


def simplify(network: Network) -> Network:
    """Folds scales into convolutions and avoids copies of shared features."""
    nodes = _Nodes(network)
    _fold_scales(nodes)
    _split_shared_features(nodes)
    return nodes.network()


def lower(network: Network, precision: Half) -> Network:
    """Converts convolutions, and everything that feeds them, to a smaller type.

    Nodes with a name prefix in `network.float32` stay in float32, and so does everything after the
    last convolutions, because coordinates need more precision than images.
    """
    tf = tensorflow()
    nodes = _Nodes(network)
    half = tf.as_dtype(precision)
    lowered = {
        node.name
        for node in _before_last_convolutions(nodes)
        if node.op in _LOWERED
        and node.attr["T"].type == _FLOAT32
        and not node.name.startswith(network.float32)
    }
    for name in lowered:
        nodes[name].attr["T"].type = half.as_datatype_enum
    for node in list(nodes):
        wanted = half if node.name in lowered else tf.float32
        for i, source in enumerate(node.input):
            if nodes.is_float32(source) and (source in lowered) != (node.name in lowered):
                node.input[i] = nodes.cast(
                    source, wanted, half if source in lowered else tf.float32
                )
    return nodes.network()


class _Nodes:
    """A modifiable copy of a graph's nodes, by name."""

    def __init__(self, network: Network) -> None:
        tf = tensorflow()
        self._network = network
        self._casts: set[tuple[str, Any]] = set()
        self._by_name = {}
        for node in network.graph.node:
            self._by_name[node.name] = copy = tf.compat.v1.NodeDef()
            copy.CopyFrom(node)
            # "name:0" means the same as "name"; keep one spelling.
            copy.input[:] = [i.removesuffix(":0") for i in node.input]
        with tf.Graph().as_default() as self._graph:
            tf.graph_util.import_graph_def(network.graph, name="")

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 # TensorFlow has no types
        return self._by_name[name]

    def get(self, name: str) -> Any:  # noqa: ANN401
        """Returns the node whose first output has this name; None for other outputs."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._by_name.values())

    def consumers(self) -> dict[str, list[Any]]:
        """Returns the consumers of each node's output."""
        consumers = defaultdict(list)
        for node in self:
            for source in node.input:
                consumers[source].append(node)
        return consumers

    def constant(self, name: str) -> NDArray[np.float32] | None:
        """Returns the value of a constant; None for other nodes."""
        node = self._by_name.get(name)
        if node is None or node.op != "Const":
            return None
        value: NDArray[np.float32] = tensorflow().make_ndarray(node.attr["value"].tensor)
        return value

    def channels(self, name: str) -> int | None:
        """Returns the length of a tensor's last axis in the original graph."""
        shape = self._tensor(name).shape
        return shape[-1] if shape.rank else None

    def is_float32(self, name: str) -> bool:
        """Whether a tensor was float32 in the original graph."""
        if name.startswith("^"):
            return False
        return bool(self._tensor(name).dtype == tensorflow().float32)

    def _tensor(self, name: str) -> Any:  # noqa: ANN401
        return self._graph.get_tensor_by_name(name if ":" in name else f"{name}:0")

    def add(self, op: str, name: str, inputs: list[str], like: Any = None) -> str:  # noqa: ANN401
        """Adds a node, with the attributes of the node `like`; returns its name."""
        if name in self._by_name:
            raise ValueError(f"the graph already has a node {name}")
        node = tensorflow().compat.v1.NodeDef(name=name, op=op, input=inputs)
        for key in like.attr if like is not None else ():
            node.attr[key].CopyFrom(like.attr[key])
        self._by_name[name] = node
        return name

    def add_constant(self, name: str, value: NDArray[Any], dtype: Any = None) -> str:  # noqa: ANN401
        """Adds a constant, of the array's type if `dtype` is None; returns its name."""
        tf = tensorflow()
        self.add("Const", name, [])
        tensor = tf.make_tensor_proto(value, dtype=dtype)
        self[name].attr["dtype"].type = tensor.dtype
        self[name].attr["value"].tensor.CopyFrom(tensor)
        return name

    def cast(self, name: str, to: Any, origin: Any) -> str:  # noqa: ANN401
        """Returns the name of a node that casts a tensor; each cast is added once."""
        node, _, output = name.partition(":")
        result = f"{node}/output{output}/{to.name}" if output else f"{node}/{to.name}"
        if (name, to) in self._casts:
            return result
        self._casts.add((name, to))
        value = self.constant(name)
        # OpenVINO does not read scalars in bfloat16.
        if value is not None and value.size > 1:
            return self.add_constant(result, value.astype(to.as_numpy_dtype), to)
        self.add("Cast", result, [name])
        self[result].attr["SrcT"].type = origin.as_datatype_enum
        self[result].attr["DstT"].type = to.as_datatype_enum
        return result

    def network(self) -> Network:
        """Returns the network of all nodes on which the output depends."""
        old = self._network
        needed: set[str] = set()
        left = [old.output.partition(":")[0]]
        while left:
            name = left.pop().lstrip("^").partition(":")[0]
            if name not in needed:
                needed.add(name)
                left.extend(self[name].input)
        graph = tensorflow().compat.v1.GraphDef()
        graph.versions.CopyFrom(old.graph.versions)
        graph.node.extend(node for node in self if node.name in needed)
        return Network(graph, old.input, old.output, old.sha256, old.float32)


def _fold_scales(nodes: _Nodes) -> None:
    """Folds depthwise 1 x 1 convolutions, which only scale channels, into the next convolution.

    With one filter per channel, w2 * (w1 * x) = (w1 w2) * x. The last layers of each of OpenPose's
    stages have this form.
    """
    consumers = nodes.consumers()
    for node in list(nodes):
        depthwise = nodes.get(node.input[0]) if node.op == "Conv2D" else None
        if depthwise is None or depthwise.op != "DepthwiseConv2dNative":
            continue
        scales, weights = nodes.constant(depthwise.input[1]), nodes.constant(node.input[1])
        if scales is None or weights is None or len(consumers[depthwise.name]) != 1:
            continue
        if scales.shape[:2] == (1, 1) and scales.shape[3] == 1 and _keeps_pixels(depthwise):
            folded = weights * scales.reshape(1, 1, -1, 1)
            node.input[0] = depthwise.input[0]
            node.input[1] = nodes.add_constant(f"{node.name}/scaled", folded)


def _split_shared_features(nodes: _Nodes) -> None:
    """Convolves features that several concatenations share separately, instead of copying them.

    Each stage of OpenPose takes the previous stage's maps concatenated with the same backbone
    features, which are 864 of 921 channels. Convolution is linear: the convolution of a
    concatenation is the sum of two convolutions, and engines add them at no cost with the bias.
    """
    consumers = nodes.consumers()
    for concat in [node for node in nodes if node.op == "ConcatV2"]:
        *parts, axis = concat.input
        if axis.startswith("^") or nodes.constant(axis) not in (3, -1):
            continue
        features = parts[-1]
        shared = sum(node.op == "ConcatV2" for node in consumers[features]) > 1
        if not shared or len(parts) < 2:
            continue
        own = nodes.channels(concat.name), nodes.channels(features)
        if None in own:
            continue
        first = int(own[0] or 0) - int(own[1] or 0)
        rest = parts[0]
        if len(parts) > 2:
            rest = nodes.add("ConcatV2", f"{concat.name}/maps", [*parts[:-1], axis], concat)
            nodes[rest].attr["N"].i = len(parts) - 1
        for depthwise in consumers[concat.name]:
            _split(
                nodes, consumers, depthwise, [(rest, slice(first)), (features, slice(first, None))]
            )


def _split(
    nodes: _Nodes,
    consumers: dict[str, list[Any]],
    depthwise: Any,  # noqa: ANN401
    parts: list[tuple[str, slice]],
) -> None:
    """Splits a depthwise separable convolution into one for each part of its input."""
    if depthwise.op != "DepthwiseConv2dNative" or len(consumers[depthwise.name]) != 1:
        return
    if not _is_nhwc(depthwise):
        return
    (pointwise,) = consumers[depthwise.name]
    filters, weights = nodes.constant(depthwise.input[1]), nodes.constant(pointwise.input[1])
    biases = consumers[pointwise.name]
    if pointwise.op != "Conv2D" or [b.op for b in biases] != ["BiasAdd"]:
        return
    if filters is None or weights is None or filters.shape[3] != 1:
        return
    halves = []
    for (source, channels), part in zip(parts, ("maps", "features"), strict=True):
        first, second = (f"{node.name}/{part}" for node in (depthwise, pointwise))
        constant = nodes.add_constant(f"{first}/filters", filters[:, :, channels])
        nodes.add(depthwise.op, first, [source, constant], depthwise)
        constant = nodes.add_constant(f"{second}/weights", weights[:, :, channels])
        halves.append(nodes.add(pointwise.op, second, [first, constant], pointwise))
    (bias,) = biases
    # Engines fuse this order: convolution, bias, sum, activation.
    biased = nodes.add("BiasAdd", f"{bias.name}/maps", [halves[0], bias.input[1]], bias)
    total = nodes.add("AddV2", f"{bias.name}/sum", [biased, halves[1]])
    nodes[total].attr["T"].type = _FLOAT32
    for consumer in consumers[bias.name]:
        consumer.input[:] = [total if i == bias.name else i for i in consumer.input]


def _before_last_convolutions(nodes: _Nodes) -> list[Any]:
    """Returns all convolutions, everything that feeds them, and the biases right after them."""
    names = set()
    left = [node.name for node in nodes if node.op in _CONVOLUTIONS]
    while left:
        name = left.pop()
        if name not in names:
            names.add(name)
            left.extend(i.partition(":")[0] for i in nodes[name].input if not i.startswith("^"))
    for node in nodes:  # in graph order, which is not always data-flow order
        if node.op == "BiasAdd" and node.input[0] in names:
            names.add(node.name)
    return [node for node in nodes if node.name in names]


def _keeps_pixels(node: Any) -> bool:  # noqa: ANN401
    """Whether a 1 x 1 convolution keeps the image size."""
    dense = list(node.attr["strides"].list.i) == [1, 1, 1, 1]
    return dense and node.attr["padding"].s != b"EXPLICIT" and _is_nhwc(node)


def _is_nhwc(node: Any) -> bool:  # noqa: ANN401
    return node.attr["data_format"].s in (b"", b"NHWC")
