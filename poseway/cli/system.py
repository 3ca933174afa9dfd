"""``poseway up``, and the local system that other commands use or start."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from poseway.cli.terminal import console, ending, notes
from poseway.local.ports import HOST
from poseway.paths import ROOT

if TYPE_CHECKING:
    from poseway.local.stack import Stack

DEFAULT_DATA_DIR: Final = ROOT / ".poseway"

DataDir = Annotated[
    Path, typer.Option(envvar="POSEWAY_DATA_DIR", help="Folder for the data of the local system.")
]
Port = Annotated[
    int | None,
    typer.Option(
        envvar="POSEWAY_GATEWAY_PORT",
        help="Port of the page; if not given, 8080 or, if that is taken, any free one.",
    ),
]


Host = Annotated[
    str,
    typer.Option(
        envvar="POSEWAY_GATEWAY_HOST",
        help="Address on which to serve the page; any but this machine's own requires API keys.",
    ),
]
NoKeys = Annotated[
    bool, typer.Option("--no-keys", help="Do not require API keys, whatever the address.")
]


def up(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    port: Port = None,
    host: Host = HOST,
    no_keys: NoKeys = False,
) -> None:
    """Starts the whole system on this machine and keeps it running until Ctrl-C."""
    from poseway.local.stack import running

    with ending():
        if url := running(data_dir):
            console.print(f"Already running: [bold]{url}[/]")
            return
        env = {"POSEWAY_AUTH": "off"} if no_keys else {}
        with suppress(KeyboardInterrupt), started(data_dir, port, host, env) as stack:
            url = stack.gateway_url
            console.print(f"\nPoseway is running: [bold]{url}[/]")
            console.print(f"[dim]API: {url}/docs   logs: {escape(str(data_dir / 'logs'))}[/]")
            console.print("[dim]Ctrl-C stops it.[/]")
            threading.Event().wait()
        console.print("Stopped.")


@contextmanager
def system(data_dir: Path, port: int | None) -> Iterator[str]:
    """Yields the address of the system on this machine, starting it for the block if needed."""
    from poseway.local.stack import running

    if url := running(data_dir):
        yield url
        return
    with started(data_dir, port, HOST, {}) as stack:
        yield stack.gateway_url


@contextmanager
def started(data_dir: Path, port: int | None, host: str, env: dict[str, str]) -> Iterator["Stack"]:
    """Starts a system for the block; see `Stack`."""
    from poseway.local.stack import Stack

    system = Stack(data_dir, port, env, host)
    with notes.status("Starting…") as status:
        system.start(lambda what: status.update(f"Starting {what}…"))
    if system.first_key:
        notes.print(f"API key: [bold]{system.first_key}[/]", soft_wrap=True)
        notes.print("[dim]It is shown only once; `poseway keys` creates more.[/]")
    try:
        yield system
    finally:
        with notes.status("Stopping…"):
            system.stop()
