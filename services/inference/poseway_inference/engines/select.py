"""Which engine and which arithmetic run a network here."""

import importlib.util
from typing import Literal

from poseway.errors import IncompatibleError
from poseway_inference.engines.base import Engine, EngineName, Precision, has_bfloat16, has_matrices
from poseway_inference.engines.openvino import OpenVinoEngine
from poseway_inference.engines.tensorflow import TensorFlowEngine, find_gpu
from poseway_inference.graphs.network import Network
from poseway_inference.graphs.optimize import simplify


def load_engine(
    network: Network,
    engine: EngineName | Literal["auto"] = "auto",
    precision: Precision | Literal["auto"] = "auto",
) -> Engine:
    """Prepares a network to run on what is there.

    The choice depends on what is installed and on what the processor has, not on a measurement: so
    two replicas on equal machines give equal keypoints, also when one is busy while it starts.

    Args:
        network: The network in float32.
        engine: The library; "auto" takes OpenVINO where it is installed and the processor has AMX,
            without which it is no faster than TensorFlow, and there is no GPU.
        precision: Arithmetic; "auto" takes what the device has instructions for.

    Raises:
        IncompatibleError: The library is not installed, or the device lacks the precision.
    """
    gpu = find_gpu() is not None
    if engine == "auto":
        engine = fastest_engine()
    if engine == "openvino":
        if not _has_openvino():
            raise IncompatibleError(
                "OpenVINO is not installed. Install it with `pip install openvino`, or "
                "set the engine to auto."
            )
        gpu = False
    possible = _precisions(gpu)
    if precision == "auto":
        precision = possible[0]
    if precision not in possible:
        raise IncompatibleError(
            f"This {'GPU' if gpu else 'CPU'} cannot run {precision}, only "
            f"{' and '.join(possible)}. Set the precision to auto."
        )
    network = simplify(network)
    if engine == "openvino":
        return OpenVinoEngine(network, precision=precision)
    return TensorFlowEngine(network, precision=precision)


def fastest_engine() -> EngineName:
    """The library that is faster here, of those that are installed.

    Without AMX that is TensorFlow. With it, which servers have, OpenVINO: it lets two cores share
    an image, which is slower only where the cores have other work, too.
    """
    if has_matrices() and _has_openvino() and find_gpu() is None:
        return "openvino"
    return "tensorflow"


def _precisions(gpu: bool) -> tuple[Precision, ...]:
    """What a device has instructions for, the fastest first."""
    if gpu:
        return ("float16", "float32")
    return ("bfloat16", "float32") if has_bfloat16() else ("float32",)


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None
