"""The name of a file as forms write it, each client in its own way."""

import re
from typing import Final
from urllib.parse import unquote

# Values are quoted, with a backslash before what is no end of the value, or they are one word.
_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.DOTALL)
_BACKSLASHES: Final = re.compile(r"\\+")
_ESCAPED: Final = re.compile(r'\\(["\\])')
_ENCODED: Final = re.compile(r"%(22|0A|0D)", re.IGNORECASE)
_EXTENDED: Final = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE)


def sent_name(disposition: bytes) -> str:
    """The name of a part's file, with what its client escaped undone.

    Clients write quotes and line breaks in one of three ways:

    - Browsers, curl, undici and urllib3, after the HTML standard: as ``%22``, ``%0A`` and ``%0D``.
      A ``%`` itself stays, so a name that really holds ``%22`` cannot be told from one with a
      quote: whoever has such names uses the other way, or the upload in parts.
    - curl ``--form-escape``, Go and older clients: with a backslash before quotes and backslashes.
    - aiohttp and older urllib3, after RFC 5987: as ``filename*``, which says everything exactly.

    Args:
        disposition: The part's ``Content-Disposition``.

    Returns:
        The name, empty if there is none.
    """
    text = disposition.decode("utf-8", "replace")
    found = {name.lower(): (quoted, word) for name, quoted, word in _PARAMETER.findall(text)}
    extended = _EXTENDED.fullmatch("".join(found.get("filename*", ())).strip())
    if extended:
        return unquote(extended[2], extended[1], "replace")
    quoted, word = found.get("filename", ("", ""))
    # Browsers end a name that ends with a backslash in what reads as an escaped quote.
    value = quoted or word.strip().removeprefix('"').removesuffix('"')
    if '\\"' in value:
        return _ESCAPED.sub(r"\1", value)
    if all(len(run) % 2 == 0 for run in _BACKSLASHES.findall(value)):
        value = value.replace("\\\\", "\\")
    return _ENCODED.sub(lambda code: unquote(code[0]), value)
