"""Ways to run the default network: Poseway's engines and the obvious alternatives."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.model_cards import load_cards
from poseway_inference.engines.base import EngineName
from poseway_inference.engines.select import load_engine
from poseway_inference.graphs.network import tensorflow
from poseway_inference.model_loader import read_network

Floats = NDArray[np.float32]
TENSORS = ("image:0", "Openpose/concat_stage7:0")


@dataclass(frozen=True)
class Way:
    """A way to run the network.

    Attributes:
        name: Library with version and precision.
        run: Maps an image, float32 (1, h, w, 3), to network outputs, float32 (1, h / 8, w / 8, 57).
        callers: Number of concurrent callers, as the library recommends.
    """

    name: str
    run: Callable[[Floats], Floats]
    callers: int = 1


def weights() -> Path:
    """Returns the file of the default model."""
    return load_cards()[0].path()


def opencv() -> Way:
    """OpenCV's dnn module with default settings."""
    net = cv2.dnn.readNetFromTensorflow(str(weights()))

    def run(image: Floats) -> Floats:
        net.setInput(cv2.dnn.blobFromImage(image[0]))
        return np.asarray(net.forward(), np.float32).transpose(0, 2, 3, 1)

    return Way(f"OpenCV {cv2.__version__} dnn, float32", run)


def plain_tensorflow() -> Way:
    """TensorFlow with default settings."""
    tf = tensorflow()
    with tf.Graph().as_default() as graph:
        definition = tf.compat.v1.GraphDef.FromString(weights().read_bytes())
        tf.graph_util.import_graph_def(definition, name="")
    run = tf.compat.v1.Session(graph=graph).make_callable(TENSORS[1], [TENSORS[0]])
    return Way(f"TensorFlow {tf.__version__}, float32", run)


def openvino_latency() -> Way:
    """OpenVINO in bfloat16 with its hint for latency."""
    return _openvino("LATENCY")


def openvino_throughput() -> Way:
    """OpenVINO in bfloat16 with its hint for throughput."""
    return _openvino("THROUGHPUT")


def ours_with_tensorflow() -> Way:
    """Poseway's default engine."""
    return _ours("tensorflow")


def ours_with_openvino() -> Way:
    """Poseway's optional engine."""
    return _ours("openvino")


PEERS: Final = (opencv, plain_tensorflow, openvino_latency, openvino_throughput)
OURS: Final = {"tensorflow": ours_with_tensorflow, "openvino": ours_with_openvino}


def _openvino(hint: str) -> Way:
    import openvino

    core = openvino.Core()
    model = core.compile_model(
        core.read_model(weights()),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": hint},
    )
    requests = threading.local()

    def run(image: Floats) -> Floats:
        if not hasattr(requests, "own"):
            requests.own = model.create_infer_request()
        maps: Floats = requests.own.infer([image])[0]
        return maps

    version = openvino.__version__.partition("-")[0]
    callers: Any = model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    return Way(f"OpenVINO {version}, bfloat16, {hint.lower()}", run, int(callers))


def _ours(engine: EngineName) -> Way:
    loaded = load_engine(read_network(load_cards()[0]), engine)
    about = loaded.about
    return Way(f"ours: {about.name}, {about.precision}", loaded.run, about.callers)
