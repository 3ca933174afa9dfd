"""``poseway keys``: the API keys of a local system."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from poseway.cli.system import DEFAULT_DATA_DIR, DataDir
from poseway.cli.terminal import console, ending

if TYPE_CHECKING:
    from poseway.api_keys import ApiKeys

app = typer.Typer(
    help="Makes, lists, replaces and revokes API keys of the system that runs on this machine.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="Name of the key; its id does, too.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.")],
    requests_per_minute: Annotated[int | None, typer.Option(help="3000 if not given.")] = None,
    jobs_per_day: Annotated[int | None, typer.Option(help="No limit if not given.")] = None,
    gigabytes_per_day: Annotated[float | None, typer.Option(help="No limit if not given.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Makes a key and prints it, once: it is kept nowhere."""
    from poseway.api_keys import Limits

    with _keys(data_dir) as keys:
        limits = Limits.of(requests_per_minute, jobs_per_day, gigabytes_per_day)
        _print(keys.create(name, limits)[1])


@app.command("list")
def list_keys(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Shows all keys, the revoked too."""
    with _keys(data_dir) as keys:
        table = Table("id", "name", "made", "state", "limits", box=None, pad_edge=False)
        for key in keys.all():
            state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "counts"
            made = f"{key.created_at:%Y-%m-%d}"
            table.add_row(key.id, escape(key.name), made, state, str(key.limits))
        console.print(table, soft_wrap=not console.is_terminal)


@app.command()
def rotate(name: Name, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Gives a key another secret and prints it; its jobs stay its own."""
    with _keys(data_dir) as keys:
        _print(keys.rotate(name)[1])


@app.command()
def revoke(name: Name, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Has a key count no longer, for ever; its jobs stay."""
    with _keys(data_dir) as keys:
        keys.revoke(name)


def _print(key: str) -> None:
    console.print(key, highlight=False, soft_wrap=True)


@contextmanager
def _keys(data_dir: Path) -> Iterator["ApiKeys"]:
    """The keys of the system that runs on a data directory; ends the command if none does."""
    from poseway.api_keys import ApiKeys
    from poseway.local.bucket import running_storage
    from poseway.storage import ObjectStore

    with ending():
        yield ApiKeys(ObjectStore(running_storage(data_dir)))
