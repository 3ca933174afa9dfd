"""TensorFlow: the engine that is always there."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.inference.engines.base import Precision, cores
from services.inference.graph import lower
from services.inference.network import Network, tensorflow

# More images per call gain little on a GPU, and each waits for the others.
_GPU_BATCH = 8
# While one batch is computed, another one is copied.
_GPU_CALLERS = 2


class TensorFlowEngine:
    """Runs a network with TensorFlow, on the GPU where there is one.

    On a CPU every call runs in its caller's thread: as many callers as cores keep it busy, and that
    is faster than one caller whose image all cores share.
    """

    def __init__(self, network: Network, *, precision: Precision = "float32") -> None:
        """Prepares the network.

        Args:
            network: The network in float32.
            precision: Arithmetic of the convolutions.
        """
        tf = tensorflow()
        gpus = tf.config.list_physical_devices("GPU")
        self._name = f"TensorFlow {tf.__version__}"
        self._precision = precision
        self._sha256 = network.sha256
        self._batch_size, self._callers, self._device = 1, cores(), "CPU"
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            self._device = f"GPU: {details.get('device_name', 'unknown')}"
            self._batch_size, self._callers = _GPU_BATCH, _GPU_CALLERS

        if precision != "float32":
            network = lower(network, precision)
        with tf.Graph().as_default() as graph:
            tf.graph_util.import_graph_def(network.graph, name="")
        session = tf.compat.v1.Session(graph=graph, config=_config(tf, bool(gpus)))
        # Made once, and the graph's shapes are open, so no size of images costs a new trace.
        self._call = session.make_callable(network.output, [network.input])

    @property
    def name(self) -> str:
        """Library and version."""
        return self._name

    @property
    def device(self) -> str:
        """What the network runs on."""
        return self._device

    @property
    def precision(self) -> Precision:
        """Arithmetic of the convolutions."""
        return self._precision

    @property
    def batch_size(self) -> int:
        """Number of images per call that suits the device."""
        return self._batch_size

    @property
    def callers(self) -> int:
        """Number of calls at once that keeps the device busy."""
        return self._callers

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, lower-case hex."""
        return self._sha256

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the network's output; see `Engine.run`."""
        output: NDArray[np.float32] = self._call(images)
        return output


def has_gpu() -> bool:
    """Whether TensorFlow finds a GPU."""
    return bool(tensorflow().config.list_physical_devices("GPU"))


def _config(tf: Any, gpu: bool) -> Any:  # noqa: ANN401 # TensorFlow has no types
    config = tf.compat.v1.ConfigProto()
    if gpu:
        config.gpu_options.allow_growth = True
    else:
        # Threads per image; the first session of a process decides for all of it.
        config.intra_op_parallelism_threads = 1
        config.inter_op_parallelism_threads = -1  # run in the caller's thread
    return config
