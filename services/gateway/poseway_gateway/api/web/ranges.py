"""Range requests (RFC 9110, section 14)."""

import re

from poseway_gateway.api.errors import RangeError

# No file needs more digits, and Python refuses to parse thousands of them.
_SINGLE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Parses a Range header.

    Args:
        header: The header, if any.
        size: Size of the file in bytes.

    Returns:
        First byte and the byte after the last; None to send the whole file, because the header is
        absent, malformed, or requests several ranges.

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
