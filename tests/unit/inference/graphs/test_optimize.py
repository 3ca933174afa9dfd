"""Rewritten graphs are cheaper and compute the same."""
# ruff: noqa: ANN401 # TensorFlow has no types

from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway_inference.graphs.network import Network, tensorflow
from poseway_inference.graphs.optimize import lower, simplify

Floats = NDArray[np.float32]
RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (1, 96, 128, 3)).astype(np.float32)


def run(network: Network, image: Floats = PICTURE) -> Floats:
    tf = tensorflow()
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(network.graph, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        return np.asarray(session.run(network.output, {network.input: image}), np.float32)


def operations(network: Network) -> Counter[str]:
    return Counter(node.op for node in network.graph.node)


def small(build: Any) -> Network:
    """Makes a network from a function of a placeholder."""
    tf = tensorflow()
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3), "image")
        tf.identity(build(tf, image), "output")
    return Network(graph.as_graph_def(), "image:0", "output:0", "")


def weights(*shape: int) -> Floats:
    return RNG.standard_normal(shape).astype(np.float32)


def test_default_model_becomes_cheaper_and_computes_the_same(network: Network) -> None:
    simple = simplify(network)
    before, after = operations(network), operations(simple)
    # 24 scales are folded, and 10 separable convolutions split, which saves 5 copies of features.
    assert before["DepthwiseConv2dNative"] - after["DepthwiseConv2dNative"] == 24 - 10
    assert after["Conv2D"] == before["Conv2D"] + 10
    assert after["AddV2"] == 10
    widest = max(len(node.input) for node in simple.graph.node if "_concat" in node.name)
    assert widest == 4  # three features of the backbone and the axis, concatenated once
    # The order of sums changes only the last digits.
    np.testing.assert_allclose(run(simple), run(network), atol=2e-4)


def test_simplifying_is_idempotent(network: Network) -> None:
    once = simplify(network)
    assert operations(simplify(once)) == operations(once)


@pytest.mark.parametrize(
    "case",
    ["scaled", "strided", "padded", "multiplied", "used twice", "shared scale", "shared weights"],
    ids=str,
)
def test_only_plain_scales_are_folded(case: str) -> None:
    def build(tf: Any, image: Any) -> Any:
        multiplier, stride = (2 if case == "multiplied" else 1), (2 if case == "strided" else 1)
        scales = tf.constant(weights(1, 1, 3, multiplier))
        padding: Any = {"padding": "SAME"}
        if case == "padded":
            padding = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 1, 1, 1, 0, 0]}
        scaled = tf.raw_ops.DepthwiseConv2dNative(
            input=image, filter=scales, strides=[1, stride, stride, 1], **padding
        )
        dense = tf.constant(weights(1, 1, 3 * multiplier, 5))
        result = tf.nn.conv2d(scaled, dense, 1, "SAME")
        if case == "shared weights":
            other = tf.constant(weights(1, 1, 3, 1))
            scaled = tf.nn.depthwise_conv2d(image, other, (1, 1, 1, 1), "SAME")
            return result - tf.nn.conv2d(scaled, dense, 1, "SAME")
        if case == "used twice":
            return result + tf.nn.conv2d(scaled, tf.constant(weights(3, 3, 3, 5)), 1, "SAME")
        if case == "shared scale":
            other = tf.nn.depthwise_conv2d(result[..., :3], scales, (1, 1, 1, 1), "SAME")
            return tf.nn.conv2d(other, tf.constant(weights(3, 3, 3, 5)), 1, "SAME")
        return result

    before = small(build)
    after = simplify(before)
    folded = (
        operations(before)["DepthwiseConv2dNative"] - operations(after)["DepthwiseConv2dNative"]
    )
    assert folded == {"scaled": 1, "shared scale": 2, "shared weights": 2}.get(case, 0)
    np.testing.assert_allclose(run(after), run(before), rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("activated", [True, False])
@pytest.mark.parametrize("also_whole", [True, False])
def test_shared_features_are_convolved_separately(activated: bool, also_whole: bool) -> None:
    """Even if another operation needs the whole concatenation."""

    def build(tf: Any, image: Any) -> Any:
        features = tf.nn.relu(image)
        last = image
        for _ in range(2):
            both = tf.concat([last, features], 3)
            channels = int(both.shape[-1])
            wide = tf.nn.depthwise_conv2d(
                both, tf.constant(weights(3, 3, channels, 1)), (1, 1, 1, 1), "SAME"
            )
            narrow = tf.nn.conv2d(wide, tf.constant(weights(1, 1, channels, 3)), 1, "SAME")
            last = tf.nn.bias_add(narrow, tf.constant(weights(3)))
            last = tf.nn.relu(last) if activated else tf.identity(last)
            if also_whole:
                last += both[..., :3]
        return last

    before = small(build)
    after = simplify(before)
    assert operations(after)["DepthwiseConv2dNative"] == 4
    assert operations(after)["ConcatV2"] == (2 if also_whole else 0)
    expected = run(before)
    np.testing.assert_allclose(run(after), expected, atol=1e-5 * float(np.abs(expected).max()))


def test_operations_with_several_outputs_are_kept() -> None:
    """As in networks with grouped or shuffled channels."""

    def build(tf: Any, image: Any) -> Any:
        first, second = tf.split(tf.nn.relu(tf.concat([image, image], 3)), 2, axis=3)
        both = [
            tf.nn.conv2d(part, tf.constant(weights(3, 3, 3, 4)), 1, "SAME")
            for part in (second, first)
        ]
        mixed = tf.concat([*both, second], 3)
        wide = tf.nn.depthwise_conv2d(
            tf.concat([mixed, second], 3), tf.constant(weights(3, 3, 14, 1)), (1, 1, 1, 1), "SAME"
        )
        return tf.nn.conv2d(wide, tf.constant(weights(1, 1, 14, 3)), 1, "SAME")

    network = small(build)
    exact = run(network)
    largest = float(np.abs(exact).max())
    np.testing.assert_allclose(run(simplify(network)), exact, atol=1e-5 * largest)
    lowered = run(lower(simplify(network), "bfloat16"))
    assert 0 < np.abs(lowered - exact).max() < 0.05 * largest


def test_outputs_are_not_confused_with_nodes_of_similar_names() -> None:
    """The second output of "split" is not the node "split_1"."""

    def build(tf: Any, image: Any) -> Any:
        parts = [*tf.split(image, 3, axis=3), *tf.split(100 * image, 3, axis=3)]
        maps = [tf.nn.conv2d(part, tf.constant(weights(3, 3, 1, 2)), 1, "SAME") for part in parts]
        return tf.concat(maps, 3)

    network = small(build)
    exact = run(network)
    error = np.abs(run(lower(network, "bfloat16")) - exact).max(axis=(0, 1, 2))
    assert (error < 0.02 * np.abs(exact).max(axis=(0, 1, 2))).all()


def test_maps_that_are_concatenated_without_an_activation() -> None:
    """A replacement may be part of the next pattern."""

    def build(tf: Any, image: Any) -> Any:
        features, last = tf.nn.relu(image), image
        for _ in range(2):
            both = tf.concat([last, last, features], 3)
            filters = tf.constant(weights(3, 3, 9, 1))
            wide = tf.nn.depthwise_conv2d(both, filters, (1, 1, 1, 1), "SAME")
            narrow = tf.nn.conv2d(wide, tf.constant(weights(1, 1, 9, 3)), 1, "SAME")
            last = tf.nn.bias_add(narrow, tf.constant(weights(3)))
        return tf.concat([image, last], 3) + tf.concat([features, last], 3)

    network = small(build)
    exact = run(network)
    np.testing.assert_allclose(run(simplify(network)), exact, atol=1e-5 * np.abs(exact).max())


def test_a_network_of_plain_convolutions() -> None:
    """Like the first OpenPose: VGG, and stages that take maps concatenated with features."""

    def build(tf: Any, image: Any) -> Any:
        def convolve(x: Any, size: int, channels: int) -> Any:
            kernel = tf.constant(weights(size, size, int(x.shape[-1]), channels) / size / channels)
            return tf.nn.bias_add(
                tf.nn.conv2d(x, kernel, 1, "SAME"), tf.constant(weights(channels))
            )

        features = tf.nn.relu(convolve(tf.nn.max_pool2d(image, 2, 2, "SAME"), 3, 16))
        fields, maps = convolve(features, 1, 38), convolve(features, 1, 19)
        for _ in range(2):
            both = tf.concat([fields, maps, features], 3)
            fields, maps = (
                convolve(tf.nn.relu(convolve(both, 7, 8)), 1, channels) for channels in (38, 19)
            )
        return tf.concat([maps, fields], 3)

    network = small(build)
    exact = run(network)
    assert operations(simplify(network)) == operations(network)
    assert np.array_equal(run(simplify(network)), exact)
    error = np.abs(run(lower(simplify(network), "bfloat16")) - exact).max()
    assert 0 < error < 0.05 * np.abs(exact).max()


def test_lowering_keeps_listed_nodes_in_float32(network: Network) -> None:
    tf = tensorflow()
    lowered = lower(simplify(network), "bfloat16")
    kinds = {
        node.name: tf.as_dtype(node.attr["T"].type).name
        for node in lowered.graph.node
        if node.op in ("Conv2D", "DepthwiseConv2dNative")
    }
    kept = {name for name, kind in kinds.items() if kind == "float32"}
    assert kept == {"MobilenetV1/Conv2d_0/Conv2D", "MobilenetV1/Conv2d_1_depthwise/depthwise"}
    assert set(kinds.values()) == {"float32", "bfloat16"}


def test_nodes_after_the_last_convolution_stay_float32() -> None:
    """As in networks that compute coordinates from their last maps."""

    def build(tf: Any, image: Any) -> Any:
        maps = tf.nn.conv2d(image / 255, tf.constant(weights(3, 3, 3, 4)), 1, "SAME")
        maps = tf.nn.relu(tf.nn.bias_add(maps, tf.constant(weights(4))))
        return tf.concat([maps + 1000.123, maps + 2000.456], 3)

    network = small(build)
    exact, lowered = run(network), run(lower(network, "bfloat16"))
    assert operations(lower(network, "bfloat16"))["Cast"] >= 2
    np.testing.assert_allclose(lowered, exact, atol=0.5)
    assert np.abs(lowered - exact).max() > 1e-4
