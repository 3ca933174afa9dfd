"""Results as folders."""

import json
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Final

from rich.markup import escape

from poseway import filenames
from poseway.cli.terminal import console, notes
from poseway.client import Client
from poseway.formats.manifest import Manifest, SourceInfo
from poseway.jobs import Job

# Which of these a result has depends on the options.
_OPTIONAL: Final = ("screenshots/frame_*.jpg", "stills/person_*.jpg", "background.mp4")


def fetch(
    client: Client,
    job: Job,
    folder: Path,
    *,
    only: Sequence[str] = (),
    also: Sequence[str] = (),
) -> list[Path]:
    """Downloads a result into a folder, all of it or some files; returns the paths."""
    with notes.status("Fetching the result…") as status:
        if not only:
            _clear(folder, job)
        return client.fetch(
            job,
            folder,
            only=only,
            also=also,
            told=lambda name: status.update(escape(f"Fetching {name}…")),
        )


def target(output: Path, source: SourceInfo) -> Path:
    """Picks the folder for a result, avoiding a folder with the result of another video."""
    stem = filenames.stem(source.name)
    number = 1
    while True:
        folder = output / filenames.portable(stem, "" if number == 1 else f"-{number}")
        held = _held(folder)
        if not folder.exists() or (held and _same(held.source, source)):
            return folder
        number += 1


def _held(folder: Path) -> Manifest | None:
    try:
        return Manifest.model_validate_json((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        return None


def _same(one: SourceInfo, other: SourceInfo) -> bool:
    if one.sha256 and other.sha256:
        return one.sha256 == other.sha256
    return (one.name, one.size) == (other.name, other.size)


def _clear(folder: Path, job: Job) -> None:
    """Removes the files of an earlier result, so that old and new do not mix."""
    if _held(folder) is None:
        return
    links = [link.partition("?")[0] for link in job.links.values()]
    names = {PurePath(link).name for link in links} | {"manifest.json"}
    old = [path for pattern in _OPTIONAL for path in folder.glob(pattern)]
    for path in [*old, *(folder / name for name in names)]:
        if path.is_file():
            path.unlink()


def show(job: Job, manifest: Manifest, folder: Path, files: Sequence[Path]) -> None:
    """Prints a result as JSON."""
    found = {
        "job": job.model_dump(mode="json"),
        "manifest": manifest.model_dump(mode="json"),
        "folder": str(folder),
        "files": [str(path) for path in files],
    }
    print_json(found)


def print_json(value: object) -> None:
    """Prints one JSON document to standard output."""
    console.print(json.dumps(value, indent=2), markup=False, highlight=False, soft_wrap=True)


def summarise(manifest: Manifest, folder: Path) -> None:
    """Prints a summary of a result and the paths of its files."""
    people = f"{manifest.people} {'person' if manifest.people == 1 else 'people'} at once"
    seconds = manifest.seconds["total"]
    model = manifest.model
    how = ", accurate," if manifest.options.accurate else ""
    console.print(
        f"[green]Done:[/] {manifest.frames} frames, {people}, {seconds:.1f} s "
        f"({manifest.frames / seconds:.1f} frames/s) "
        + escape(f"with {model.name}{how} on {model.device} ({model.precision})")
    )
    for warning in manifest.warnings:
        console.print(f"[yellow]{escape(warning)}[/]", highlight=False)
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    print_paths([f"  {folder / name}" + "/" * name.endswith("/") for name in names])


def print_paths(paths: Sequence[object]) -> None:
    """Prints paths, one per line and unwrapped."""
    for path in paths:
        console.print(str(path), markup=False, highlight=False, soft_wrap=True)
