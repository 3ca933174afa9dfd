"""Downloads the files of a result, one or all of them."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePath

from poseway.client.operations import Steps, insist, manifest
from poseway.client.part_file import PartFile
from poseway.client.retry import Patience
from poseway.errors import NotFoundError, PosewayError
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobState

_NO_FILES = ("self", "events", "formats", "frames", "preview")


def download(
    path: str, target: Path, received: Callable[[int, int | None], None], patience_seconds: float
) -> Steps[None]:
    """Downloads a path of the gateway into a file, which appears once it is complete."""
    patience = Patience(patience_seconds)

    def progress(count: int, size: int | None) -> None:
        patience.success()
        received(count, size)

    with PartFile(target, progress) as file:
        yield from insist(lambda: file.request(path), patience)


def fetch(
    job: Job,
    folder: Path,
    only: Sequence[str],
    also: Sequence[str],
    told: Callable[[str], None],
    patience_seconds: float,
) -> Steps[list[Path]]:
    """Downloads the files of a result into a folder, the manifest last."""
    if job.state is not JobState.SUCCEEDED:
        raise NotFoundError(f"The job {job.id} is {job.state}, so it has no result.", "no_result")
    result: Manifest = yield from manifest(job.id)
    paths = [*(file.path for file in result.files), "manifest.json"]
    made = {name: _file_name(job, name) for name in job.links if name not in _NO_FILES}
    wanted = _chosen(paths, made, only) if only else _with(paths, made, also)
    root = folder.resolve()
    fetched = []
    for path in wanted:
        target = folder / path
        if not target.resolve().is_relative_to(root):
            raise PosewayError(f"The manifest names a file outside the folder: {path}", "internal")
        told(path)
        link = _link(job, path, made)
        yield from download(link, target, lambda *_: None, patience_seconds)
        fetched.append(target)
    return fetched


def _file_name(job: Job, name: str) -> str:
    return PurePath(job.links[name].partition("?")[0]).name


def _link(job: Job, path: str, made: dict[str, str]) -> str:
    for name, file in made.items():
        if file == path:
            return job.links[name]
    base, mark, token = job.links["self"].partition("?")
    return f"{base}/{path}{mark}{token}"


def _with(paths: list[str], made: dict[str, str], also: Iterable[str]) -> list[str]:
    extras = []
    for name in also:
        if name not in made:
            raise _unknown(name, paths, made)
        if made[name] not in paths:
            extras.append(made[name])
    return [*paths[:-1], *extras, paths[-1]]


def _chosen(paths: list[str], made: dict[str, str], only: Iterable[str]) -> list[str]:
    """Resolves names of links, names of files and patterns to files, each once."""
    known = [*paths, *(file for file in made.values() if file not in paths)]
    chosen: dict[str, None] = {}
    for pattern in only:
        exact = made.get(pattern, pattern)
        found = [path for path in known if path == exact or fnmatch(path, pattern)]
        found = found or [path for path in known if path.startswith(f"{pattern.rstrip('/')}/")]
        if not found:
            raise _unknown(pattern, paths, made)
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _unknown(name: str, paths: list[str], made: dict[str, str]) -> NotFoundError:
    folders = {f"{PurePath(path).parent}/*" for path in paths if "/" in path}
    known = sorted({path for path in paths if "/" not in path} | set(made.values()) | folders)
    return NotFoundError(
        f"The result has no file {name!r}, only: {', '.join(known)}.", "no_such_file"
    )
