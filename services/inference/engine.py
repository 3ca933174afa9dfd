"""The network: images in, maps out."""

import hashlib
import os
import platform
from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from poseway.errors import IncompatibleError, NotFoundError

Precision = Literal["float32", "bfloat16", "float16"]

# Input and output of OpenPose's graphs, whatever their backbone.
_INPUT: Final = "image:0"
_OUTPUT: Final = "Openpose/concat_stage7:0"
# TensorFlow's rewriter that makes a float32 graph one of the precision.
_REWRITERS: Final = {
    "bfloat16": "auto_mixed_precision_onednn_bfloat16",
    "float16": "auto_mixed_precision",
}


class Engine(Protocol):
    """Runs a network; may be called from several threads at once."""

    @property
    def name(self) -> str:
        """Library and version, for example "TensorFlow 2.21.0"."""

    @property
    def device(self) -> str:
        """What the network runs on: "CPU", or "GPU: " and its name."""

    @property
    def precision(self) -> Precision:
        """Arithmetic that is really in use."""

    @property
    def batch_size(self) -> int:
        """Number of images per call that suits the device."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, lower-case hex."""

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the maps.

        Args:
            images: float32 (n, h, w, 3): raw values 0..255, blue first; h and w multiples of 8.

        Returns:
            float32 (n, h / 8, w / 8, 57): maps as `decoder.decode` reads them.
        """


class TensorFlowEngine:
    """A frozen TensorFlow graph of the OpenPose family, on the GPU where there is one.

    On a CPU every call runs in its caller's thread: as many callers as cores keep it busy, and that
    is faster than one caller whose image all cores share.
    """

    def __init__(
        self,
        path: Path,
        *,
        sha256: str | None = None,
        precision: Precision | Literal["auto"] = "auto",
        threads: int = 1,
    ) -> None:
        """Loads the weights and runs a first small image.

        Args:
            path: The frozen graph, a GraphDef.
            sha256: What the file must hash to, lower-case hex; None takes any.
            precision: Arithmetic; "auto" takes what the device is fast in.
            threads: CPU threads per image. TensorFlow shares them in a process, so that of the
                first engine counts.

        Raises:
            NotFoundError: There is no such file.
            IncompatibleError: The file is not what it must be, or the device does not have the
                precision.
        """
        weights = _read(path)
        self._sha256 = hashlib.sha256(weights).hexdigest()
        if sha256 not in (None, self._sha256):
            raise IncompatibleError(
                f"{path} is damaged or of another version: its SHA-256 is {self._sha256}, not "
                f"{sha256}. Delete it and run `make models`."
            )
        tf = _tensorflow()
        self._name = f"TensorFlow {tf.__version__}"
        gpus = tf.config.list_physical_devices("GPU")
        self._batch_size = 8 if gpus else 1
        self._device = "CPU"
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            self._device = f"GPU: {details.get('device_name', 'unknown')}"

        wanted = _fastest(bool(gpus)) if precision == "auto" else precision
        config = _config(tf, wanted, threads, bool(gpus))
        self._session = tf.compat.v1.Session(graph=_graph(tf, weights, path), config=config)
        self._precision = self._warm_up(tf)
        if precision not in ("auto", self._precision):
            raise IncompatibleError(
                f"{self._name} cannot run {precision} on this {self._device}. Set the precision to "
                "auto."
            )
        # Made once, and the graph's shapes are open, so no size of images costs a new trace.
        self._call = self._session.make_callable(_OUTPUT, [_INPUT])

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
        """Arithmetic that is really in use: that of most convolutions in the optimised graph."""
        return self._precision

    @property
    def batch_size(self) -> int:
        """Number of images per call that suits the device."""
        return self._batch_size

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, lower-case hex."""
        return self._sha256

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the maps; see `Engine.run`."""
        maps: NDArray[np.float32] = self._call(images)
        return maps

    def _warm_up(self, tf: Any) -> Precision:  # noqa: ANN401
        """Runs a small image and looks at the graph that TensorFlow made for it."""
        metadata = tf.compat.v1.RunMetadata()
        self._session.run(
            _OUTPUT,
            {_INPUT: np.zeros((1, 64, 64, 3), np.float32)},
            options=tf.compat.v1.RunOptions(output_partition_graphs=True),
            run_metadata=metadata,
        )
        types = Counter(
            node.attr["T"].type
            for graph in metadata.partition_graphs
            for node in graph.node
            if "Conv2D" in node.op
        )
        precision: Precision = tf.as_dtype(types.most_common(1)[0][0]).name
        return precision


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"The weights {path} cannot be read ({error.strerror}). Run `make models`."
        ) from error


def _tensorflow() -> Any:  # noqa: ANN401
    """TensorFlow, imported only where it is used because that takes seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    return tf


def _graph(tf: Any, weights: bytes, path: Path) -> Any:  # noqa: ANN401
    """The graph, with the input and the output that every graph of the family has."""
    graph = tf.Graph()
    try:
        definition = tf.compat.v1.GraphDef.FromString(weights)
        with graph.as_default():
            tf.graph_util.import_graph_def(definition, name="")
        graph.get_tensor_by_name(_INPUT)
        graph.get_tensor_by_name(_OUTPUT)
    # Protobuf's own error derives from Exception alone; nothing else can go wrong with bytes.
    except Exception as error:
        raise IncompatibleError(
            f"{path} is not a frozen TensorFlow graph of the OpenPose family, with input {_INPUT} "
            f"and output {_OUTPUT}. Delete it and run `make models`."
        ) from error
    return graph


def _config(tf: Any, precision: Precision, threads: int, gpu: bool) -> Any:  # noqa: ANN401
    config = tf.compat.v1.ConfigProto()
    if gpu:
        config.gpu_options.allow_growth = True
    else:
        config.intra_op_parallelism_threads = threads
        config.inter_op_parallelism_threads = -1  # run in the caller's thread
    rewriter = _REWRITERS.get(precision)
    if rewriter is not None:
        # 1 is RewriterConfig.ON, which has no public name.
        setattr(config.graph_options.rewrite_options, rewriter, 1)
    return config


def _fastest(gpu: bool) -> Precision:
    """The precision in which the device is fast; only where it has instructions for it."""
    if gpu:
        return "float16"
    if platform.system() == "Linux":
        flags = Path("/proc/cpuinfo").read_text().split()
        if "avx512_bf16" in flags or "amx_bf16" in flags:
            return "bfloat16"
    return "float32"
