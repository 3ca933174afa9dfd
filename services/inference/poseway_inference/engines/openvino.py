"""OpenVINO: an optional engine for CPUs."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poseway_inference.engines.base import About, Precision, cores
from poseway_inference.graphs.network import Network
from poseway_inference.graphs.optimize import lower

# Cores per image; two give the highest throughput if nothing else runs on them.
_CORES_PER_IMAGE: Final = 2
# Compiled layers to cache: enough for two image sizes. OpenVINO's default of 5000 takes megabytes
# for each new size, while compiling a size again takes only milliseconds.
_CACHED_LAYERS: Final = 300


class OpenVinoEngine:
    """Runs a network with OpenVINO on the CPU.

    Attributes:
        about: Facts about the engine.
    """

    def __init__(self, network: Network, *, precision: Precision = "float32") -> None:
        """Compiles the network.

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
            callers=streams + 1,  # one more prepares or decodes an image
            sha256=network.sha256,
        )
        if precision != "float32":
            network = lower(network, precision)
        core = openvino.Core()
        with TemporaryDirectory() as directory:
            # OpenVINO reads TensorFlow graphs only from files.
            path = Path(directory) / "graph.pb"
            path.write_bytes(network.graph.SerializeToString())
            model = core.read_model(path)
        # "dynamic" keeps the types of the graph; any other value would override them.
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
        """Returns the calling thread's own request, because a request holds one image at a time."""
        if not hasattr(self._requests, "request"):
            self._requests.request = self._model.create_infer_request()
        return self._requests.request
