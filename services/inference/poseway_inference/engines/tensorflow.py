"""TensorFlow: the engine that is always installed."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poseway_inference.engines.base import About, Precision, cores
from poseway_inference.graphs.network import Network, tensorflow
from poseway_inference.graphs.optimize import lower

# Larger batches gain little on a GPU, and each image waits for the whole batch.
_GPU_BATCH: Final = 8
# One batch is copied while another is computed.
_GPU_CALLERS: Final = 2


class TensorFlowEngine:
    """Runs a network with TensorFlow, on a GPU if there is one.

    On a CPU each call runs in its caller's thread. One caller per core gives a higher throughput
    than one image shared by all cores.

    Attributes:
        about: Facts about the engine.
    """

    def __init__(self, network: Network, *, precision: Precision = "float32") -> None:
        """Loads the network.

        Args:
            network: The network in float32.
            precision: Arithmetic of the convolutions.
        """
        tf = tensorflow()
        gpu = find_gpu()
        self.about = About(
            name=f"TensorFlow {tf.__version__}",
            device=f"GPU: {gpu}" if gpu else "CPU",
            precision=precision,
            batch_size=_GPU_BATCH if gpu else 1,
            callers=_GPU_CALLERS if gpu else cores(),
            sha256=network.sha256,
        )
        if precision != "float32":
            network = lower(network, precision)
        with tf.Graph().as_default() as graph:
            tf.graph_util.import_graph_def(network.graph, name="")
        session = tf.compat.v1.Session(graph=graph, config=_config(tf, bool(gpu)))
        # Made once: the graph accepts any image size, so a new size needs no new trace.
        self._call = session.make_callable(network.output, [network.input])

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the network's output; see `Engine.run`."""
        output: NDArray[np.float32] = self._call(images)
        return output


def find_gpu() -> str | None:
    """Returns the name of the GPU that TensorFlow uses, or None."""
    config = tensorflow().config
    gpus = config.list_physical_devices("GPU")
    if not gpus:
        return None
    return str(config.experimental.get_device_details(gpus[0]).get("device_name", "unknown"))


def _config(tf: Any, gpu: bool) -> Any:  # noqa: ANN401 # TensorFlow has no types
    config = tf.compat.v1.ConfigProto()
    if gpu:
        config.gpu_options.allow_growth = True
    else:
        # Threads per image. The first session decides for the whole process.
        config.intra_op_parallelism_threads = 1
        config.inter_op_parallelism_threads = -1  # run in the caller's thread
    return config
