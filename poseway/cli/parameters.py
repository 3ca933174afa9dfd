"""Parameters shared by several commands, declared once.

Typer reads the parameters of a command from its signature. The decorators here build that signature
from the command's own parameters and from those of the function that makes its other argument.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
    """Passes a command an argument that another function makes from parameters of its own."""

    def decorate(command: Command) -> Command:
        def run(**given: Any) -> None:  # noqa: ANN401 # any parameters
            own = {key: given.pop(key) for key in inspect.signature(made_by).parameters}
            command(**{name: made_by(**own)}, **given)

        return _with_signature(run, command, name, made_by)

    return decorate


def with_context(
    name: str, opened: Callable[..., AbstractContextManager[object]]
) -> Callable[[Command], Command]:
    """Passes a command what a context manager opens, from parameters of its own.

    An error in the command or the context manager is printed and ends the command with its exit
    code.
    """

    def decorate(command: Command) -> Command:
        def run(**given: Any) -> None:  # noqa: ANN401
            own = {key: given.pop(key) for key in inspect.signature(opened).parameters}
            with ending(), opened(**own) as argument:
                command(**{name: argument}, **given)

        return _with_signature(run, command, name, opened)

    return decorate


def with_client(*, starts: bool = False) -> Callable[[Command], Command]:
    """Passes a command a `client`.

    Args:
        starts: Whether to start the system on this machine if it is not running.
    """
    return with_context("client", _starting if starts else _running)


def _with_signature(
    run: Command, command: Command, made: str, made_by: Callable[..., object]
) -> Command:
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for function in (command, made_by)
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.name != made
    ]
    run.__name__, run.__doc__ = command.__name__.strip("_"), command.__doc__
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
    """Returns the address of the system that runs on a data directory.

    Raises:
        UnavailableError: No system runs on it.
    """
    from poseway.local.stack import running

    if url := running(data_dir):
        return url
    raise UnavailableError(
        "No system is running on this machine. Start it with `poseway up`, or name one with --url.",
        "not_running",
    )
