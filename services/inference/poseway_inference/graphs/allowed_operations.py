"""The operations that a network may contain: those that compute, without access to anything."""

from typing import Any, Final

from poseway.errors import IncompatibleError

COMPUTE: Final = frozenset(
    """
    Abs Add AddN AddV2 ArgMax AvgPool BatchToSpaceND BiasAdd Cast ConcatV2 Const Conv2D
    Conv2DBackpropInput DepthwiseConv2dNative Elu Equal Exp ExpandDims Fill Floor FloorDiv FloorMod
    FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual
    Identity LeakyRelu Less LessEqual Log LogicalAnd LogicalNot LogicalOr MatMul Max MaxPool Maximum
    Mean Min Minimum Mul Neg NoOp NotEqual Pack Pad PadV2 Placeholder Pow Prelu Prod Range RealDiv
    Reciprocal Relu Relu6 Reshape ResizeBilinear ResizeNearestNeighbor Round Rsqrt Select SelectV2
    Shape Sigmoid Size Slice Softmax Softplus SpaceToBatchND Split SplitV Sqrt Square
    SquaredDifference Squeeze StopGradient StridedSlice Sub Sum Tanh Tile TopKV2 Transpose Unpack
    Where ZerosLike _FusedConv2D _FusedMatMul FusedDepthwiseConv2dNative
    """.split()  # noqa: SIM905 # a list would take a hundred lines
)


def check_computes(graph: Any, name: str) -> None:  # noqa: ANN401 # TensorFlow has no types
    """Rejects a graph that could do more than compute, before TensorFlow loads it.

    Args:
        graph: A GraphDef.
        name: Name of the graph, for errors.

    Raises:
        IncompatibleError: The graph has an operation that is not in `COMPUTE`, or functions, which
            could contain one.
    """
    strange = sorted({node.op for node in graph.node} - COMPUTE)
    if strange or graph.library.function:
        what = strange[0] if strange else "functions"
        raise IncompatibleError(
            f"{name} is rejected because it contains {what}; a network may only compute. "
            "Use a frozen graph that was exported for inference."
        )
