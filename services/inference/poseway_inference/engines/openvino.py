"""OpenVINO: an engine for CPUs, an optional extra."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poseway_inference.engines.base import About, Precision, cores
from poseway_inference.graphs.network import Network
from poseway_inference.graphs.optimize import lower

# Cores that share an image: the fastest where nothing else runs on them.
_CORES_PER_IMAGE: Final = 2
# Compiled layers that are kept: those of two sizes of images. By itself it keeps 5000, and each new
# size takes megabytes; to compile a size again takes milliseconds.
_CACHED_LAYERS: Final = 300


class OpenVinoEngine:
    """Runs a network with OpenVINO on the CPU.

    Attributes:
        about: What it is.
    """

    def __init__(self, network: Network, *, precision: Precision = "float32") -> None:
        """Prepares the network.

        Args:
            network: The network in float32.
            precision: Arithmetic of the convolutions.
        """
        import openvino

        streams = max(1, cores() // _CORES_PER_IMAGE)
        self.about = About(
            name=f"OpenVINO {openvino.__version__.partition('-')[0]}",
            device="CPU",
            precision=precision,
            batch_size=1,
            callers=streams + 1,  # one more prepares or decodes its image meanwhile
            sha256=network.sha256,
        )
        if precision != "float32":
            network = lower(network, precision)
        core = openvino.Core()
        with TemporaryDirectory() as directory:
            # It reads TensorFlow's graphs from files only.
            path = Path(directory) / "graph.pb"
            path.write_bytes(network.graph.SerializeToString())
            model = core.read_model(path)
        # "dynamic" keeps the types that the graph has; anything else would override them.
        self._model = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32" if precision == "float32" else "dynamic",
                "INFERENCE_NUM_THREADS": cores(),
                "NUM_STREAMS": streams,
                "CPU_RUNTIME_CACHE_CAPACITY": _CACHED_LAYERS,
            },
        )
        self._requests = threading.local()

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the network's output; see `Engine.run`."""
        output: NDArray[np.float32] = self._request().infer([images])[0]
        return output

    def _request(self) -> Any:  # noqa: ANN401 # OpenVINO's stubs are not checked
        """The calling thread's own request: one holds one image."""
        if not hasattr(self._requests, "request"):
            self._requests.request = self._model.create_infer_request()
        return self._requests.request
