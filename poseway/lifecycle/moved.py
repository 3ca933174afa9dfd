"""Starts modules that have moved under their former, documented names."""

import runpy
import sys


def run(module: str, was: str) -> None:
    """Runs a module like ``python -m`` and prints its new name on standard error.

    Args:
        module: New name of the module.
        was: Former name, under which it was started.
    """
    print(f"{was} is now {module}; please start that.", file=sys.stderr)  # noqa: T201
    sys.argv[0] = module
    runpy.run_module(module, run_name="__main__", alter_sys=True)
