"""Range requests, as RFC 9110 section 14 has them."""

import re

from poseway_gateway.api.errors import RangeError

# No file needs more digits, and Python refuses to read thousands of them.
_SINGLE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Reads a Range header.

    Args:
        header: The header, if any.
        size: Bytes of the file.

    Returns:
        First byte and the byte after the last, or None to send the whole file: no header, one that
        cannot be read, or one that asks for several ranges.

    Raises:
        RangeError: The range lies outside the file.
    """
    match = _SINGLE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise RangeError(size)
    return start, end
