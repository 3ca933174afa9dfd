"""``poseway up``, and the system that other commands use."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from poseway.cli.terminal import console, ending, notes

DEFAULT_DATA_DIR: Final = Path(__file__).resolve().parents[2] / ".poseway"

DataDir = Annotated[
    Path, typer.Option(envvar="POSEWAY_DATA_DIR", help="Where the local system keeps its data.")
]
Port = Annotated[
    int | None,
    typer.Option(envvar="POSEWAY_GATEWAY_PORT", help="Port of the page; 8080 if it is free."),
]


def up(data_dir: DataDir = DEFAULT_DATA_DIR, port: Port = None) -> None:
    """Starts the whole system on this machine and keeps it running until Ctrl-C."""
    from poseway.local.stack import running

    with ending():
        if url := running(data_dir):
            console.print(f"Already running: [bold]{url}[/]")
            return
        with suppress(KeyboardInterrupt), system(data_dir, port) as url:
            console.print(f"\nPoseway is running: [bold]{url}[/]")
            console.print(f"[dim]API: {url}/docs   logs: {escape(str(data_dir / 'logs'))}[/]")
            console.print("[dim]Ctrl-C stops it.[/]")
            threading.Event().wait()
        console.print("Stopped.")


@contextmanager
def system(data_dir: Path, port: int | None) -> Iterator[str]:
    """The address of the system on this machine, which is started for the block if need be."""
    from poseway.local.stack import Stack, running

    if url := running(data_dir):
        yield url
        return
    system = Stack(data_dir, port)
    with notes.status("Starting…") as status:
        system.start(lambda what: status.update(f"Starting {what}…"))
    try:
        yield system.gateway_url
    finally:
        with notes.status("Stopping…"):
            system.stop()
