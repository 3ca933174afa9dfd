"""Model cards and the files that they describe."""

from pathlib import Path

import pytest

from poseway.errors import IncompatibleError, InvalidRequestError, NotFoundError
from poseway.model_cards import MODELS_DIR, find_card, load_cards, read_weights, weights_sha256
from tests.support.cards import WEIGHTS, npm_card, openpose, pypi_card, sha256


def test_the_project_has_one_default_card() -> None:
    cards = load_cards()
    assert [card.default for card in cards].index(True) == 0
    assert sum(card.default for card in cards) == 1
    assert {"openpose-mobilenet-thin", "movenet-multipose"} <= {card.name for card in cards}
    for card in cards:
        if card.source:
            assert (MODELS_DIR / f"{card.name}.toml").is_file()
            assert card.licence == "Apache-2.0"


def test_weights_of_the_default_match_its_card() -> None:
    card = load_cards()[0]
    (data,) = read_weights(card)
    assert len(data) == card.files[0].bytes
    assert weights_sha256([data]) == card.files[0].sha256


def test_error_for_an_unknown_model_lists_the_models() -> None:
    with pytest.raises(InvalidRequestError, match=r"'nope'.*openpose-mobilenet-thin") as caught:
        find_card("nope", load_cards())
    assert caught.value.code == "unknown_model"


def test_a_frozen_graph_needs_no_card(tmp_path: Path) -> None:
    (tmp_path / "from-pypi.toml").write_text(pypi_card())
    (tmp_path / "cmu.pb").write_bytes(b"graph")
    # Downloaded files have a folder of their own, so a graph of the same name is another model.
    (tmp_path / "net.pb").write_bytes(b"another graph")
    assert [card.name for card in load_cards(tmp_path)] == ["from-pypi", "cmu", "net"]
    card = find_card("cmu", load_cards(tmp_path))
    assert (card.title, card.licence, card.family, card.input_size, card.default) == (
        *("cmu", "unknown", "openpose", 368),
        False,
    )
    assert read_weights(card, tmp_path) == [b"graph"]


def test_a_frozen_graph_may_have_a_card(tmp_path: Path) -> None:
    card = openpose("cmu", "graph.pb").replace("A network", "VGG-19")
    (tmp_path / "cmu.toml").write_text(card)
    (tmp_path / "graph.pb").write_bytes(b"graph")
    (tmp_path / "other.pb").write_bytes(b"graph")
    assert [card.title for card in load_cards(tmp_path)] == ["VGG-19", "other"]
    assert read_weights(load_cards(tmp_path)[0], tmp_path) == [b"graph"]


def test_graph_is_refused_if_its_card_does_not_mention_it(tmp_path: Path) -> None:
    (tmp_path / "cmu.toml").write_text(openpose("cmu", "graph.pb"))
    (tmp_path / "cmu.pb").write_bytes(b"graph")
    with pytest.raises(IncompatibleError, match=r"cmu\.pb: cmu\.toml does not mention"):
        load_cards(tmp_path)


def test_other_files_are_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cmu.toml").write_text(openpose("cmu", "graph.pb"))
    (tmp_path / "My Graph.pb").write_bytes(b"graph")
    # Left behind by an editor and by a file system; a folder.
    (tmp_path / ".cmu.toml").write_text("name =")
    (tmp_path / "._other.pb").write_bytes(b"")
    (tmp_path / "folder.pb").mkdir()
    (tmp_path / "folder.toml").mkdir()
    assert [card.name for card in load_cards(tmp_path)] == ["cmu"]
    (message,) = caplog.messages
    assert "My Graph.pb is ignored" in message


X = openpose("x", "x.pb")


@pytest.mark.parametrize(
    ("card", "why"),
    [
        ("no toml", "Expected"),
        (openpose("x"), "files: Field required"),
        ("colour = 1\n" + X, "colour"),
        (pypi_card().replace("sha256", "# sha256", 1), ".*needs a sha256"),
        (npm_card().replace("version", "# version", 1), ".*needs a version"),
        (X.replace('"openpose"', "7"), "family"),
        (openpose("../x", "x.pb"), "name"),
        (openpose("X", "x.pb"), "name"),
        (openpose("x", "../x.pb"), "files.0.file"),
        (openpose("x", ".x.pb"), "files.0.file"),
        (pypi_card().replace("nets-1.0.0", "up/nets-1.0.0"), "source.archive"),
        (X.replace("input_size = 368", "input_size = 0"), "input_size"),
        (X.replace("input_size = 368", "input_size = 2056"), "input_size"),
        (X.replace("[368]", "[368, 370]"), "accurate_sizes.1"),
        (X, "a card named 'x' must be x.toml"),
    ],
)
def test_invalid_card_is_refused_in_one_line(tmp_path: Path, card: str, why: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(card)
    with pytest.raises(IncompatibleError, match=rf"^{path}: {why}") as caught:
        load_cards(tmp_path)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(("defaults", "told"), [((), "none"), (("a", "b"), r"a\.toml, b\.toml")])
def test_exactly_one_card_is_the_default(
    tmp_path: Path, defaults: tuple[str, ...], told: str
) -> None:
    for name in ("a", "b"):
        card = openpose(name, f"{name}.pb", default=name in defaults)
        (tmp_path / f"{name}.toml").write_text(card)
    with pytest.raises(IncompatibleError, match=rf"exactly one card must have .*: {told}\."):
        load_cards(tmp_path)


def test_error_for_missing_or_damaged_weights_says_to_download_them(tmp_path: Path) -> None:
    (tmp_path / "from-pypi.toml").write_text(pypi_card())
    (card,) = load_cards(tmp_path)
    assert not card.is_fetched(tmp_path)
    with pytest.raises(NotFoundError, match=r"net\.bin.*Run `make models`"):
        read_weights(card, tmp_path)
    (path,) = card.paths(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(WEIGHTS["net.bin"][:-1])
    with pytest.raises(IncompatibleError, match=r"net\.bin is damaged.*Delete it.*make models"):
        read_weights(card, tmp_path)
    path.write_bytes(WEIGHTS["net.bin"])
    assert read_weights(card, tmp_path) == [WEIGHTS["net.bin"]]
    assert card.is_fetched(tmp_path)


def test_error_for_weights_without_a_source_says_to_put_them_in_place(tmp_path: Path) -> None:
    (tmp_path / "cmu.toml").write_text(openpose("cmu", "cmu.pb") + 'sha256 = "0"\n')
    (card,) = load_cards(tmp_path)
    with pytest.raises(NotFoundError, match=r"cmu\.pb.*Put the file there"):
        read_weights(card, tmp_path)
    (tmp_path / "cmu.pb").write_bytes(b"graph")
    with pytest.raises(IncompatibleError, match=r"cmu\.pb is damaged.*Replace it"):
        read_weights(card, tmp_path)


def test_all_files_share_one_hash() -> None:
    assert weights_sha256([b"ab", b"c"]) == sha256(b"abc") != weights_sha256([b"c", b"ab"])
