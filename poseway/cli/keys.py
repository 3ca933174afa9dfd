"""``poseway keys``, and the same commands for operators: API keys in a bucket."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from poseway.api_keys import ApiKey, ApiKeys, Limits
from poseway.cli.parameters import with_context
from poseway.cli.system import DEFAULT_DATA_DIR, DataDir
from poseway.cli.terminal import console

Name = Annotated[str, typer.Argument(help="Name or id of the key.")]


def keys_app(opened: Callable[..., AbstractContextManager[ApiKeys]], whose: str) -> typer.Typer:
    """Makes the commands.

    Args:
        opened: Opens the keys. Its parameters become options of every command.
        whose: Which system the keys belong to, as the end of a sentence.
    """
    app = typer.Typer(
        help=f"Creates, lists, rotates and revokes API keys of {whose}.",
        no_args_is_help=True,
        add_completion=False,
    )
    with_keys = with_context("keys", opened)
    app.command()(with_keys(_create))
    app.command("list")(with_keys(_list))
    app.command()(with_keys(_rotate))
    app.command()(with_keys(_revoke))
    return app


def _create(
    keys: ApiKeys,
    name: Annotated[str, typer.Argument(help="Name of the key: who or what it is for.")],
    requests_per_minute: Annotated[int | None, typer.Option(help="3000 if not given.")] = None,
    jobs_per_day: Annotated[int | None, typer.Option(help="No limit if not given.")] = None,
    gigabytes_per_day: Annotated[float | None, typer.Option(help="No limit if not given.")] = None,
) -> None:
    """Creates a key and prints it. It is not stored and cannot be shown again."""
    limits = Limits.of(requests_per_minute, jobs_per_day, gigabytes_per_day)
    _print(keys.create(name, limits)[1])


def _list(keys: ApiKeys) -> None:
    """Lists all keys, including revoked ones."""
    rows = [_row(key) for key in keys.all()]
    if not console.is_terminal:
        for row in rows:
            _print("\t".join(row))
        return
    table = Table("id", "name", "created", "state", "limits", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def _rotate(keys: ApiKeys, name: Name) -> None:
    """Gives a key a new secret and prints the key; its jobs and limits stay."""
    _print(keys.rotate(name)[1])


def _revoke(keys: ApiKeys, name: Name) -> None:
    """Revokes a key for ever; its jobs stay."""
    key = keys.revoke(name)
    _print(f"revoked {key.id} {key.name}")


def _row(key: ApiKey) -> tuple[str, ...]:
    state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "valid"
    return key.id, key.name, f"{key.created_at:%Y-%m-%d}", state, str(key.limits)


def _print(line: str) -> None:
    typer.echo(line)  # Rich would turn tabs into spaces


@contextmanager
def _of_local_system(data_dir: DataDir = DEFAULT_DATA_DIR) -> Iterator[ApiKeys]:
    from poseway.local.bucket import running_storage
    from poseway.storage import ObjectStore

    yield ApiKeys(ObjectStore(running_storage(data_dir)))


app = keys_app(_of_local_system, "the system that runs on this machine")
