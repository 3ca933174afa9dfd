"""The ``poseway`` command."""

import hashlib
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from poseway.client import Client
from poseway.errors import PosewayError
from poseway.jobs import Job, JobState, Manifest, Overlay, Smoothing
from poseway.local.place import bypass_proxies

app = typer.Typer(
    help="Video in, skeletons out.", no_args_is_help=True, pretty_exceptions_enable=False
)
console = Console()

_ROOT: Final = Path(__file__).resolve().parent.parent

DataDir = Annotated[
    Path, typer.Option(envvar="POSEWAY_DATA_DIR", help="Where the local system keeps its data.")
]
Port = Annotated[
    int | None,
    typer.Option(envvar="POSEWAY_GATEWAY_PORT", help="Port of the page; 8080 if it is free."),
]


@app.command()
def up(data_dir: DataDir = _ROOT / ".poseway", port: Port = None) -> None:
    """Starts the whole system on this machine and keeps it running until Ctrl-C."""
    from poseway.local.stack import running

    _stop_on_sigterm()
    bypass_proxies()
    if url := running(data_dir):
        console.print(f"Already running: [bold]{url}[/]")
        return
    try:
        with _system(data_dir, port) as url:
            console.print(f"\nPoseway is running: [bold]{url}[/]")
            console.print(f"[dim]API: {url}/docs   logs: {escape(str(data_dir / 'logs'))}[/]")
            console.print("[dim]Ctrl-C stops it.[/]")
            threading.Event().wait()
    except PosewayError as error:
        _fail(error)
    except KeyboardInterrupt:
        console.print("Stopped.")


@app.command()
def run(
    video: Annotated[Path, typer.Argument(help="The video.", exists=True, dir_okay=False)],
    output: Annotated[Path, typer.Option(help="Results go into a folder in here.")] = Path(
        "outputs"
    ),
    model: Annotated[str | None, typer.Option(help="Which model finds the people.")] = None,
    accurate: Annotated[
        bool, typer.Option("--accurate", help="Find more people; takes several times longer.")
    ] = False,
    overlay: Annotated[Overlay, typer.Option(help="What is drawn on.")] = Overlay.VIDEO,
    smoothing: Annotated[
        Smoothing, typer.Option(help="How much jitter is taken out of the keypoints.")
    ] = Smoothing.LIGHT,
    screenshot_frames: Annotated[
        int | None, typer.Option(help="A screenshot every so many frames (50).")
    ] = None,
    screenshot_seconds: Annotated[
        float | None, typer.Option(help="A screenshot every so many seconds, instead.")
    ] = None,
    max_people: Annotated[int | None, typer.Option(help="Keep the best so many a frame.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Fetch the keypoints as CSV too.")] = False,
    openpose: Annotated[
        bool, typer.Option("--openpose", help="Fetch OpenPose's JSON too.")
    ] = False,
    data_dir: DataDir = _ROOT / ".poseway",
    port: Port = None,
) -> None:
    """Processes a video on this machine, starting the system if it is not running."""
    _stop_on_sigterm()
    bypass_proxies()
    options = {
        "model": model,
        "accurate": "true" if accurate else None,
        "overlay": overlay.value,
        "smoothing": smoothing.value,
        "screenshot_frames": screenshot_frames,
        "screenshot_seconds": screenshot_seconds,
        "max_people": max_people,
    }
    given = {name: str(value) for name, value in options.items() if value is not None}
    extras = [name for name, wanted in (("csv", csv), ("openpose", openpose)) if wanted]
    try:
        with _system(data_dir, port) as url, Client(url) as client:
            job = _process(client, video, given)
            target = _target(output, video)
            manifest = _fetch(client, job, target, extras)
    except PosewayError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
    _summarise(manifest, target)


@app.command()
def evaluate(
    images: Annotated[
        Path, typer.Option(help="Folder of the labelled images.", exists=True, file_okay=False)
    ],
    annotations: Annotated[
        Path, typer.Option(help="Their COCO keypoints, JSON.", exists=True, dir_okay=False)
    ],
    model: Annotated[str | None, typer.Option(help="Which model finds the people.")] = None,
    accurate: Annotated[
        bool, typer.Option("--accurate", help="Find more people; takes several times longer.")
    ] = False,
    json: Annotated[
        Path | None, typer.Option(help="Write the measures here, in 0..1; - for the output.")
    ] = None,
    detections: Annotated[
        Path | None,
        typer.Option(help="Write the people here, in COCO's result format; - likewise."),
    ] = None,
) -> None:
    """Measures a model: COCO's average precision on labelled images."""
    _stop_on_sigterm()
    bypass_proxies()
    try:
        from poseway.evaluation import command
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed. Run `make evaluate`."
        _fail(PosewayError(message, "not_installed"))
    try:
        command.run(
            images,
            annotations,
            model=model,
            accurate=accurate,
            measures=json,
            detections=detections,
        )
    except PosewayError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def evaluate_tracking(
    detections: Annotated[Path, typer.Option(help="Boxes to track, MOTChallenge's format.")],
    ground_truth: Annotated[Path, typer.Option(help="The labelled boxes, likewise.")],
    tracker: Annotated[
        Literal["sort", "default"] | None, typer.Option(help="Which one; both if not given.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write the measures here; - for the output.")
    ] = None,
    frame_rate: Annotated[float | None, typer.Option(help="Frames a second (25).")] = None,
    high_score: Annotated[
        float | None, typer.Option(help="Least score of who is certain; not for sort.")
    ] = None,
    new_score: Annotated[
        float | None, typer.Option(help="Least score of who may begin a track; not for sort.")
    ] = None,
) -> None:
    """Measures the tracker: MOTA, IDF1 and switches of ids on a labelled sequence."""
    _stop_on_sigterm()
    try:
        from poseway.evaluation import tracking
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed. Run `make evaluate-tracking`."
        _fail(PosewayError(message, "not_installed"))
    settings = {"frame_rate": frame_rate, "high_score": high_score, "new_score": new_score}
    try:
        tracking.run(detections, ground_truth, tracker=tracker, measures=json, settings=settings)
    except PosewayError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def tracks(
    file: Annotated[Path, typer.Argument(help="keypoints.jsonl, tracks.json or their folder.")],
    svg: Annotated[Path | None, typer.Option(help="Draw them into this SVG file too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what tracks.json holds.")] = False,
) -> None:
    """Shows who is in the picture when: a row per track, a gap where it is not seen."""
    from poseway import timeline
    from poseway.tracks import read

    try:
        timeline.show(console, read(file), file.resolve().name, svg=svg, json=json)
    except PosewayError as error:
        _fail(error)


@contextmanager
def _system(data_dir: Path, port: int | None) -> Iterator[str]:
    """The address of the system on this machine, which is started for the block if need be."""
    from poseway.local.stack import Stack, running

    if url := running(data_dir):
        yield url
        return
    system = Stack(data_dir, port)
    with console.status("Starting…") as status:
        system.start(lambda what: status.update(f"Starting {what}…"))
    try:
        yield system.gateway_url
    finally:
        with console.status("Stopping…"):
            system.stop()


def _process(client: Client, video: Path, options: dict[str, str]) -> Job:
    """Submits a video and shows how it goes until it is done."""
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console) as bars:
        size = video.stat().st_size
        upload = bars.add_task("upload", total=size or 1, note="")
        job = client.submit(video, options, lambda sent: bars.update(upload, completed=sent))
        bars.update(upload, completed=size or 1)
        work = bars.add_task("process", total=1.0, note="queued")
        try:
            for job in client.watch(job.id):  # noqa: B020 # the last one counts
                bars.update(work, completed=job.progress.fraction, note=_note(job))
        except KeyboardInterrupt:
            client.cancel_or_remove(job.id)
            raise
    if job.state is not JobState.SUCCEEDED:
        error = job.error
        if error is None:
            raise PosewayError("The job was cancelled.", "cancelled")
        raise PosewayError(error.message, error.code)
    return job


def _note(job: Job) -> str:
    if job.state is not JobState.RUNNING:
        return job.state.value
    progress = job.progress
    frames = f"{progress.frames_done}/{progress.frames_total or '?'} frames"
    if progress.eta_seconds is None:
        return frames
    minutes, seconds = divmod(round(progress.eta_seconds), 60)
    return f"{frames}, {minutes}:{seconds:02d} left"


def _target(output: Path, video: Path) -> Path:
    """The folder for a video's result; one that holds another video's result is left alone."""
    with video.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    number = 1
    while True:
        target = output / (video.stem if number == 1 else f"{video.stem}-{number}")
        if not target.exists() or _holds(target, sha256):
            return target
        number += 1


def _holds(target: Path, sha256: str) -> bool:
    try:
        manifest = Manifest.model_validate_json((target / "manifest.json").read_text())
    except (OSError, ValueError):
        return False
    return manifest.source.sha256 == sha256


def _fetch(client: Client, job: Job, target: Path, extras: list[str]) -> Manifest:
    manifest = client.manifest(job.id)
    with console.status("Fetching the result…"):
        for old in sorted(target.glob("screenshots/frame_*.jpg")):
            old.unlink()
        for file in manifest.files:
            path = target / file.path
            if not path.resolve().is_relative_to(target.resolve()):
                raise PosewayError(f"The manifest names a file outside: {file.path}", "internal")
            client.download(f"{job.links['self']}/{file.path}", path)
        for name in extras:
            client.download(job.links[name], target / job.links[name].rsplit("/", 1)[-1])
        client.download(job.links["manifest"], target / "manifest.json")
    return manifest


def _summarise(manifest: Manifest, target: Path) -> None:
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
    for name in sorted(path.name + "/" * path.is_dir() for path in target.iterdir()):
        shown = f"  {target / name}" + "/" * name.endswith("/")
        console.print(shown, markup=False, highlight=False, soft_wrap=True)


def _stop_on_sigterm() -> None:
    """SIGTERM and a closed terminal end the command the way Ctrl-C does: in good order."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _fail(error: PosewayError) -> NoReturn:
    said = f"[red]{error.code}[/]: {escape(error.message)}"
    Console(stderr=True).print(said, highlight=False, soft_wrap=True)
    sys.exit(1)
