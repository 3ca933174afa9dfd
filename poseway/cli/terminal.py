"""What all commands have in common: where they print, and how they end."""

import signal
import sys
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from poseway.errors import PosewayError

console = Console()


def stop_on_sigterm() -> None:
    """SIGTERM and a closed terminal end the command the way Ctrl-C does: in good order."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def fail(error: PosewayError) -> NoReturn:
    """Says what went wrong and ends the command."""
    said = f"[red]{error.code}[/]: {escape(error.message)}"
    Console(stderr=True).print(said, highlight=False, soft_wrap=True)
    sys.exit(1)
