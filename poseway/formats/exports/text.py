"""Rows of tables, and blocks of bytes."""

from collections.abc import Generator, Iterable, Sequence
from typing import Final

from pydantic_core import to_json

_BLOCK_BYTES: Final = 1 << 18


def cells(values: Sequence[float | None], separator: bytes = b",", missing: bytes = b"") -> bytes:
    """Formats numbers as the cells of a row, without a line break.

    Args:
        values: Numbers; None or a number that is not finite makes an empty cell.
        separator: Text between cells.
        missing: Text of an empty cell.
    """
    # JSON formats numbers in the same way, and here several times faster than `csv`.
    text = to_json(values, inf_nan_mode="null")[1:-1]
    return text.replace(b",", separator).replace(b"null", missing)


def blocks(pieces: Iterable[bytes]) -> Generator[bytes]:
    """Joins pieces into blocks of 256 KiB or slightly more; only the last may be smaller."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= _BLOCK_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
