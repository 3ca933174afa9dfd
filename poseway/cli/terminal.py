"""What all commands share: where they print, and how they end."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from poseway.errors import NotFoundError, PosewayError, RefusedError, UnavailableError
from poseway.local.ports import bypass_proxies

console = Console()
"""Standard output, for what the command was asked for."""

notes = Console(stderr=True)
"""Standard error, for progress and errors."""

Json = Annotated[bool, typer.Option("--json", help="Print only JSON, for scripts.")]


class Exit(IntEnum):
    """Exit codes."""

    OK = 0
    ERROR = 1
    USAGE = 2
    JOB_FAILED = 3
    UNAVAILABLE = 4
    NOT_FOUND = 5
    REFUSED = 6
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What the exit code means."""
        return {
            Exit.OK: "success",
            Exit.ERROR: "any other error",
            Exit.USAGE: "the command line is invalid",
            Exit.JOB_FAILED: "a job failed or was cancelled",
            Exit.UNAVAILABLE: "the gateway cannot be reached",
            Exit.NOT_FOUND: "there is no such job, file or key",
            Exit.REFUSED: "the API key is missing or wrong",
            Exit.INTERRUPTED: "interrupted",
        }[self]


EPILOG = "Exit codes: " + ", ".join(f"{code.value} {code.meaning}" for code in Exit) + "."


class JobFailedError(PosewayError):
    """A job did not succeed."""


def stop_on_sigterm() -> None:
    """Makes SIGTERM and a closed terminal end the command in the way that Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


@contextmanager
def ending() -> Iterator[None]:
    """Prints an error raised in the block and ends the command with the error's exit code."""
    stop_on_sigterm()
    bypass_proxies()
    try:
        yield
    except PosewayError as error:
        fail(error)
    except OSError as error:  # of files: the disk is full, a folder cannot be written
        fail(PosewayError(str(error), "file"))
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


def exit_code(error: PosewayError) -> Exit:
    """Returns the exit code of an error."""
    kinds = {
        JobFailedError: Exit.JOB_FAILED,
        UnavailableError: Exit.UNAVAILABLE,
        NotFoundError: Exit.NOT_FOUND,
        RefusedError: Exit.REFUSED,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), Exit.ERROR)


def say(error: PosewayError) -> None:
    """Prints an error."""
    said = f"[red]{error.code}[/]: {escape(error.message)}"
    notes.print(said, highlight=False, soft_wrap=True)


def fail(error: PosewayError) -> NoReturn:
    """Prints an error and ends the command."""
    say(error)
    sys.exit(exit_code(error))
