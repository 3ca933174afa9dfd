"""Models are data: their graphs may compute and do nothing else."""

from pathlib import Path
from typing import Any

import pytest

from poseway.errors import IncompatibleError
from poseway.model_cards import load_cards, read_weights
from poseway_inference.families.openpose.load import read_graph
from poseway_inference.graphs.network import tensorflow

HASH = "0" * 64


def default() -> Any:  # noqa: ANN401 # a GraphDef
    card = next(card for card in load_cards() if card.default)
    return tensorflow().compat.v1.GraphDef.FromString(read_weights(card)[0])


def test_graph_that_writes_a_file_is_refused(tmp_path: Path) -> None:
    tf = tensorflow()
    target = tmp_path / "written"
    with tf.Graph().as_default() as harm:
        tf.raw_ops.WriteFile(filename=str(target), contents="harm")
    graph = default()
    graph.node.extend(harm.as_graph_def().node)
    with pytest.raises(IncompatibleError, match="WriteFile"):
        read_graph(graph.SerializeToString(), "model", sha256=HASH)
    assert not target.exists()


def test_graph_with_functions_is_refused() -> None:
    graph = default()
    graph.library.function.add().signature.name = "harm"
    with pytest.raises(IncompatibleError, match="functions"):
        read_graph(graph.SerializeToString(), "model", sha256=HASH)


def test_graph_that_only_computes_is_read() -> None:
    assert read_graph(default().SerializeToString(), "model", sha256=HASH).sha256 == HASH
