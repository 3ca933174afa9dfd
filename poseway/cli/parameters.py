"""Parameters that several commands take, written once.

Typer reads the parameters of a command from its signature, so that of the command is put together
from its own and from those of the functions that make its other arguments.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from poseway.cli.system import DEFAULT_DATA_DIR, DataDir, Port, system
from poseway.cli.terminal import ending
from poseway.client import Client
from poseway.errors import UnavailableError

Command = Callable[..., None]

Url = Annotated[
    str | None,
    typer.Option(
        envvar="POSEWAY_URL",
        help="Address of a gateway; if not given, the system on this machine.",
        rich_help_panel="Gateway",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="POSEWAY_API_KEY",
        help="API key, if the gateway needs one.",
        show_envvar=True,
        rich_help_panel="Gateway",
    ),
]


def with_argument(name: str, made_by: Callable[..., object]) -> Callable[[Command], Command]:
    """A command's argument that another function makes, from parameters of its own."""

    def decorate(command: Command) -> Command:
        def run(**given: Any) -> None:  # noqa: ANN401 # whatever the parameters are
            own = {key: given.pop(key) for key in inspect.signature(made_by).parameters}
            command(**{name: made_by(**own)}, **given)

        return _with_signature(run, command, name, made_by)

    return decorate


def with_client(*, starts: bool = False) -> Callable[[Command], Command]:
    """A command that gets a `client` and ends with the exit code of whatever goes wrong.

    Args:
        starts: Whether the system on this machine is started for it if it is not running.
    """
    connect = _starting if starts else _running

    def decorate(command: Command) -> Command:
        def run(**given: Any) -> None:  # noqa: ANN401
            own = {key: given.pop(key) for key in inspect.signature(connect).parameters}
            with ending(), connect(**own) as client:
                command(client=client, **given)

        return _with_signature(run, command, "client", connect)

    return decorate


def _with_signature(
    run: Command, command: Command, made: str, made_by: Callable[..., object]
) -> Command:
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for function in (command, made_by)
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.name != made
    ]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # PEP 362
    return run


@contextmanager
def _running(
    url: Url = None, key: Key = None, data_dir: DataDir = DEFAULT_DATA_DIR
) -> Iterator[Client]:
    with Client(url or local(data_dir), key) as client:
        yield client


@contextmanager
def _starting(
    url: Url = None, key: Key = None, data_dir: DataDir = DEFAULT_DATA_DIR, port: Port = None
) -> Iterator[Client]:
    if url:
        with Client(url, key) as client:
            yield client
        return
    with system(data_dir, port) as here, Client(here, key) as client:
        yield client


def local(data_dir: Path) -> str:
    """Address of the system that runs on a data directory.

    Raises:
        UnavailableError: None does.
    """
    from poseway.local.stack import running

    if url := running(data_dir):
        return url
    raise UnavailableError(
        "No system is running here. Start it with `poseway up`, or name one with --url.",
        "not_running",
    )
