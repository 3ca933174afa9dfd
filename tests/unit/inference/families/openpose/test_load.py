"""Reading frozen graphs of the OpenPose family."""

import pytest

from poseway.errors import IncompatibleError
from poseway_inference.families.openpose.load import read_graph
from poseway_inference.graphs.network import tensorflow


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x0a\x03abc"])
def test_data_that_is_not_a_graph_is_refused(content: bytes) -> None:
    with pytest.raises(IncompatibleError, match=r"a\.pb is not a frozen .*Replace it"):
        read_graph(content, "a.pb", sha256="")


@pytest.mark.parametrize(
    ("size", "channels", "fits"),
    [((None, None), 57, True), ((368, 656), 57, False), ((None, None), 78, False)],
)
def test_only_graphs_that_fit_the_decoder_are_read(
    size: tuple[int | None, int | None], channels: int, fits: bool
) -> None:
    tf = tensorflow()
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (None, *size, 3), "image")
        maps = tf.nn.conv2d(image, tf.zeros((8, 8, 3, channels)), 8, "SAME")
        tf.identity(maps, "Openpose/concat_stage7")
    data = graph.as_graph_def().SerializeToString()
    if fits:
        assert read_graph(data, "a.pb", sha256="").graph.node
        return
    with pytest.raises(IncompatibleError, match="images of any size"):
        read_graph(data, "a.pb", sha256="")
