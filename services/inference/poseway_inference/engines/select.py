"""Chooses the engine and the precision that run a network on this machine."""

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
    """Prepares a network to run on this machine.

    The choice depends on installed libraries and processor features, never on a measurement. Two
    replicas on equal machines therefore return equal keypoints, even if one starts under load.

    Args:
        network: The network in float32.
        engine: The library; "auto" calls `fastest_engine`.
        precision: Arithmetic of the convolutions; "auto" takes the smallest type for which the
            device has instructions.

    Raises:
        IncompatibleError: The library is not installed, or the device lacks the precision.
    """
    gpu = find_gpu() is not None
    if engine == "auto":
        engine = fastest_engine()
    if engine == "openvino":
        if not _has_openvino():
            raise IncompatibleError(
                "OpenVINO is not installed. Run `pip install openvino`, or set POSEWAY_ENGINE=auto."
            )
        gpu = False
    possible = _precisions(gpu)
    if precision == "auto":
        precision = possible[0]
    if precision not in possible:
        raise IncompatibleError(
            f"This {'GPU' if gpu else 'CPU'} cannot run {precision}, only "
            f"{' and '.join(possible)}. Set POSEWAY_PRECISION=auto."
        )
    network = simplify(network)
    if engine == "openvino":
        return OpenVinoEngine(network, precision=precision)
    return TensorFlowEngine(network, precision=precision)


def fastest_engine() -> EngineName:
    """Returns the fastest installed library.

    That is OpenVINO on a CPU with AMX, as servers have: it lets two cores share an image, which
    pays off unless the cores have other work. Without AMX, OpenVINO is no faster than TensorFlow.
    """
    if has_matrices() and _has_openvino() and find_gpu() is None:
        return "openvino"
    return "tensorflow"


def _precisions(gpu: bool) -> tuple[Precision, ...]:
    """Returns the precisions for which the device has instructions, fastest first."""
    if gpu:
        return ("float16", "float32")
    return ("bfloat16", "float32") if has_bfloat16() else ("float32",)


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None
