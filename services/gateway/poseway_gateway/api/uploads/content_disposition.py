"""File names in forms, which each client escapes in its own way."""

import re
from typing import Final
from urllib.parse import unquote

# Values are either quoted, with backslashes as escapes, or a single word.
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.DOTALL)
_BACKSLASHES: Final = re.compile(r"\\+")
_ESCAPED: Final = re.compile(r'\\(["\\])')
_ENCODED: Final = re.compile(r"%(22|0A|0D)", re.IGNORECASE)
_EXTENDED: Final = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE)


def sent_name(disposition: bytes) -> str:
    """Returns the file name of a part, unescaped.

    Clients escape quotes and line breaks in one of three ways:

    - Browsers, curl, undici and urllib3 follow the HTML standard: ``%22``, ``%0A`` and ``%0D``.
      They do not escape ``%`` itself, so a name that contains ``%22`` cannot be distinguished from
      one with a quote. Clients with such names can use ``filename*`` or a multipart upload.
    - curl ``--form-escape``, Go and older clients put a backslash before quotes and backslashes.
    - aiohttp and older urllib3 follow RFC 5987: ``filename*``, which is unambiguous.

    Args:
        disposition: ``Content-Disposition`` of the part.

    Returns:
        The name; empty if there is none.
    """
    text = disposition.decode("utf-8", "replace")
    found = {name.lower(): (quoted, word) for name, quoted, word in _PARAMETER.findall(text)}
    extended = _EXTENDED.fullmatch("".join(found.get("filename*", ())).strip())
    if extended:
        return unquote(extended[2], extended[1], "replace")
    quoted, word = found.get("filename", ("", ""))
    # If a name ends with a backslash, browsers write what looks like an escaped quote.
    value = quoted or word.strip().removeprefix('"').removesuffix('"')
    if '\\"' in value:
        return _ESCAPED.sub(r"\1", value)
    if all(len(run) % 2 == 0 for run in _BACKSLASHES.findall(value)):
        value = value.replace("\\\\", "\\")
    return _ENCODED.sub(lambda code: unquote(code[0]), value)
