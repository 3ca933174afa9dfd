"""Modules that have moved still start under the name that documents once gave them."""

import runpy
import sys


def run(module: str, was: str) -> None:
    """Runs a module as ``python -m`` does, and says on standard error where it is now.

    Args:
        module: Its name now.
        was: The name under which it was started.
    """
    print(f"{was} is now {module}; please start that.", file=sys.stderr)  # noqa: T201
    sys.argv[0] = module
    runpy.run_module(module, run_name="__main__", alter_sys=True)
