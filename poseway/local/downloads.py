"""Downloads weights and the sample video from published archives and verifies their hashes.

Only these files are extracted. Nothing in the archives is installed or executed. The registries are
those that pip and npm are configured for.
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from unearth import PackageFinder

from poseway.errors import NotFoundError, PosewayError, UnavailableError
from poseway.model_cards import MODELS_DIR, Download, Source, find_card, load_cards

_SAMPLE_CARD: Final = Path(__file__).with_name("sample.toml")
_NPM_SECONDS: Final = 900
_NPM_OPTIONS: Final = (
    "--pack-destination=.",
    "--dry-run=false",
    "--ignore-scripts",
    "--no-update-notifier",
    "--loglevel=error",
    # Fail fast without a network; these do not interrupt a slow download.
    "--fetch-timeout=15000",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)


def fetch(
    download: Download, targets: Sequence[Path], tell: Callable[[str], None] = lambda _: None
) -> bool:
    """Downloads files unless they are present with the right hashes.

    Args:
        download: Files, their hashes and their source. Without a source, they must be present.
        targets: Path of each file.
        tell: Called with the names and sizes of the files to fetch.

    Returns:
        Whether anything was downloaded.

    Raises:
        UnavailableError: The registry cannot be reached, or its client is not installed.
        NotFoundError: The registry lacks the archive, or the archive lacks a file.
        PosewayError: A downloaded file has the wrong hash.
        OSError: A file cannot be written.
    """
    files = list(zip(download.files, targets, strict=True))
    if download.source is None:
        for target in targets:
            if not target.is_file():
                raise NotFoundError(f"{target} cannot be fetched. Put the file there.")
        return False
    if all(_has(target, file.sha256) for file, target in files):
        return False
    names = ", ".join(_sized(file.file, file.bytes) for file, _ in files)
    packed = _sized(download.source.archive, download.source.archive_bytes)
    tell(f"fetching {names} out of {packed}")
    with tempfile.TemporaryDirectory() as folder:
        archive = _DOWNLOADS[download.source.registry](download.source, Path(folder))
        _expect(archive, download.source.archive_sha256)
        for file, target in files:
            _extract(archive, file.member or "", file.sha256 or "", target)
    return True


def fetch_sample(directory: Path) -> Path:
    """Downloads the sample video into a folder and returns its path; raises like `fetch`."""
    card, targets = _sample(directory)
    fetch(card, targets)
    return targets[0]


def _sample(directory: Path) -> tuple[Download, list[Path]]:
    card = Download.model_validate(tomllib.loads(_SAMPLE_CARD.read_text()))
    return card, [directory / file.file for file in card.files]


def _sized(name: str, size: int | None) -> str:
    return f"{name} ({size / 1e6:,.1f} MB)" if size else name


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
    """URL of the registry that pip uses; None for pip's default."""
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
            f"Fetching {source.archive} needs the npm command. Install Node.js with npm and run "
            "`make models`."
        )
    package = f"{source.project}@{source.version}"
    try:
        packed = subprocess.run(  # noqa: S603 # the arguments come from a card
            [npm, "pack", package, *_NPM_OPTIONS],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_NPM_SECONDS,
        )
        said = packed.stderr
    except subprocess.TimeoutExpired:
        said = f"it took more than {_NPM_SECONDS} s"
    archive = folder / source.archive
    if not archive.is_file():
        raise UnavailableError(
            f"npm cannot fetch {package} ({_reason(said)}). Check the network and that "
            f"`npm view {package}` works, then run `make models`."
        )
    return archive


def _reason(said: str) -> str:
    """The most informative line of npm's output, without the codes before it."""
    lines = [line.removeprefix("npm error ") for line in said.splitlines()]
    codes = ("npm warn", "code ", "errno ", "syscall ")
    return next((line for line in lines if not line.startswith(codes)), "no reason given")


_DOWNLOADS: Final = {"pypi": _from_pypi, "npm": _from_npm}


def _extract(archive: Path, member: str, sha256: str, target: Path) -> None:
    """Extracts a file of an archive to its target atomically."""
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
            f"{name or path.name} has SHA-256 {found}, not {sha256}: it is damaged or modified.",
            "wrong_hash",
        )


def _asked(arguments: Sequence[str], directory: Path) -> list[tuple[Download, list[Path]]]:
    """Downloads and target paths that the command line asks for."""
    match arguments:
        case ["weights", *names]:
            known = load_cards(directory)
            default = known[0].name
            cards = [find_card(default if name == "default" else name, known) for name in names]
            cards = cards or [card for card in known if card.source]
            return [(card, card.paths(directory)) for card in cards]
        case ["sample", folder]:
            return [_sample(Path(folder))]
    command = "python -m poseway.local.downloads"
    sys.exit(f"usage: {command} weights [default | NAME...] | sample DIRECTORY")


def main(arguments: Sequence[str], models_dir: Path = MODELS_DIR) -> None:
    """``python -m poseway.local.downloads weights [default | NAME...] | sample DIRECTORY``.

    Downloads the weights of all models or of the named ones, or the sample video, and prints the
    paths. A failed download does not prevent the others.
    """
    console = Console(stderr=True, soft_wrap=True)

    def tell(text: str) -> None:
        console.print(f"[dim]{escape(text)}[/]")

    try:
        asked = _asked(arguments, models_dir)
    except (PosewayError, OSError) as error:
        sys.exit(str(error))
    failed = False
    for download, targets in asked:
        try:
            fetch(download, targets, tell)
        except (PosewayError, OSError) as error:
            console.print(f"[red]{escape(str(error))}[/]")
            failed = True
        else:
            for path in targets:
                tell(f"ready: {os.path.relpath(path)}")
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1:])
