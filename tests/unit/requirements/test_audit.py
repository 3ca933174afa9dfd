"""`make audit` with the real pip-audit and a local source of vulnerabilities."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from requirements import lock
from requirements.audit import NOT_REACHED, Found, main, rounds, verdict

LOCKS = Path(lock.__file__).parent


class Source(ThreadingHTTPServer):
    """A server that answers like OSV.

    Attributes:
        asked: Names and versions of the queried packages.
        known: Ids of known vulnerabilities by package name.
        last: Number of queries that it answers before it fails; None: all.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.known: dict[str, str] = {}
        self.last: int | None = None
        self.options = ["--vulnerability-service=osv", f"--osv-url=http://127.0.0.1:{self.port}"]

    @property
    def port(self) -> int:
        return self.server_port

    def answer(self, name: str, version: str) -> dict[str, object]:
        self.asked.append((name, version))
        if name not in self.known:
            return {}
        package = {"name": name, "ecosystem": "PyPI"}
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999"}]}]
        affected = [{"package": package, "ranges": ranges}]
        return {"vulns": [{"id": self.known[name], "affected": affected}]}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Source)
        query = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if server.last == len(server.asked):
            self.send_error(500)
            return
        self.send_response(200)
        self.end_headers()
        found = server.answer(query["package"]["name"], query["version"])
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """A folder with two of the lock files, one of which has packages for other systems."""
    for name in ("tracker", "setup"):
        shutil.copy(LOCKS / f"{name}.lock", tmp_path)
    return tmp_path


def pins(folder: Path) -> set[tuple[str, str]]:
    return {(pin.name, pin.version) for path in folder.glob("*.lock") for pin in lock.read(path)}


def test_every_pinned_version_is_queried(
    source: Source, locks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(source.options, locks) == 0
    assert len(source.asked) == len(set(source.asked)) > 50
    assert set(source.asked) == pins(locks)
    told = f"{len(source.asked)} packages of 2 lock files audited: nothing is known\n"
    assert capsys.readouterr().out == told


def test_known_vulnerabilities_are_reported(
    source: Source, locks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source.known = {"structlog": "PYSEC-0000-1"}
    assert main(source.options, locks) == 1
    told = capsys.readouterr().err
    (version,) = (version for name, version in pins(locks) if name == "structlog")
    assert f"structlog {version}: PYSEC-0000-1, fixed in 9999\n" in told
    assert "1 known vulnerabilities" in told


def test_unreachable_source_does_not_pass(
    source: Source, locks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source.last in (0, 3):
        source.asked.clear()
        assert main(source.options, locks) == 2
        out, err = capsys.readouterr()
        assert err.endswith(f"{NOT_REACHED}\n")
        assert "audited:" not in out + err


def test_skipped_packages_count_as_not_audited() -> None:
    missing = {"name": "av", "skip_reason": "Dependency not found"}
    found = Found()
    found.take(missing)
    assert verdict(found, 1) == (2, ["Dependency not found", NOT_REACHED])
    found.take({"name": "six", "version": "1.17.0", "vulns": []})
    status, lines = verdict(found, 1)
    assert status == 2
    assert lines[0] == "av was not audited: Dependency not found"
    assert lines[-1] == "1 packages of 1 lock files audited, 1 not: nothing is known"


def test_package_in_two_versions_is_queried_twice() -> None:
    each = rounds(sorted(LOCKS.glob("*.lock")))
    versions = [pin.version for pins in each for pin in pins if pin.name == "numpy"]
    assert len(set(versions)) == len(versions) == 2
    assert all(len({pin.name for pin in pins}) == len(pins) for pins in each)
