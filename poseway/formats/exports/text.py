"""Text in pieces and blocks."""

from collections.abc import Generator, Iterable, Sequence
from typing import Final

from pydantic_core import to_json

_BLOCK_BYTES: Final = 1 << 18


def cells(values: Sequence[float | None], separator: bytes = b",", missing: bytes = b"") -> bytes:
    """Writes numbers as the cells of a row, without the end of the line.

    Args:
        values: Numbers; None or what is not finite for a cell without one.
        separator: What is between cells.
        missing: What is in a cell without a number.
    """
    # JSON writes them as tables do, and here several times faster than `csv` does.
    text = to_json(values, inf_nan_mode="null")[1:-1]
    return text.replace(b",", separator).replace(b"null", missing)


def blocks(pieces: Iterable[bytes]) -> Generator[bytes]:
    """Joins pieces into blocks of 256 KiB or little more; only the last may be smaller."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BLOCK_BYTES:
            yield b"".join(held)
            held.clear()
            size = 0
    if size:
        yield b"".join(held)
