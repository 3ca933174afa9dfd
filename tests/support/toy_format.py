"""A toy export format, added to the table as a contributor would add one.

``python -m tests.support.toy_format MODULE ARGUMENTS…`` runs a module of Poseway with it; MODULE
may also be ``poseway``, the command.
"""

import runpy
import sys
from collections.abc import Generator

from poseway.formats import exports
from poseway.formats.exports import Format, Source


def to_toy(source: Source) -> Generator[bytes]:
    """Counts the frames of a file."""
    yield f"{source.stem} has {sum(1 for _ in source.lines()) - 1} frames\n".encode()


TOY = Format(
    name="toy",
    file="toy.txt",
    media_type="text/plain; charset=utf-8",
    title="Toy",
    contents="the number of frames",
    in_bundle=True,
    convert=to_toy,
)

if __name__ == "__main__":
    exports.FORMATS = (*exports.FORMATS, TOY)  # type: ignore[misc] # as if it stood in the table
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "poseway":
        from poseway.cli import app

        app()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
