"""File names: as users gave them, and as every operating system can store them.

An upload keeps its name, because its user knows the job by it. Files made from the upload are named
after it, with names that are valid on Linux, macOS and Windows.
"""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

DEFAULT: Final = "video"
"""Name of an upload without a name."""

MAX_BYTES: Final = 255
"""Longest file name on Linux in bytes of UTF-8; no name has more UTF-16 units than that."""

_MAX_GIVEN: Final = 255
# Windows cannot unpack a path of more than 259 units. This leaves room for the folder of a user's
# downloads, a folder named after the archive, and a file in it.
_MAX_STEM_UNITS: Final = 80

_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,10}")
_WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:\\|\\\\")
_REFUSED: Final = frozenset('<>:"/\\|?*')
_REFUSED_CATEGORIES: Final = frozenset(("Cc", "Cn", "Cs", "Zl", "Zp"))
# These can make a name look as if it had another extension. File systems ignore the last one.
_UNSEEN: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
_PORTS: Final = (f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³")
_RESERVED: Final = frozenset(("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$", *_PORTS))
_JOINERS: Final = frozenset("\u200c\u200d")
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAGS: Final = range(0x1F1E6, 0x1F200)


def given(name: str) -> str:
    """Returns the name of an uploaded file without the path that some clients send with it.

    Control characters other than line breaks are removed. A name that is too long for every file
    system loses the end of its stem and keeps its extension.

    Args:
        name: The name as received.
    """
    if _WINDOWS_PATH.match(name):
        name = name.replace("\\", "/")
    name = PurePosixPath(name).name
    name = "".join(c for c in name if c in "\r\n" or unicodedata.category(c) not in ("Cc", "Cs"))
    if name == ".." or not name.strip():
        return DEFAULT
    stem, extension = _split(name)
    return _cut(stem, _MAX_GIVEN - len(extension)) + extension


def stem(name: str) -> str:
    """Returns the name of an upload without its extension."""
    return _split(name)[0]


def portable(text: str, ending: str = "") -> str:
    """Makes a name for a file or a folder that is valid on Linux, macOS and Windows.

    The same text with different endings gives names that differ only in their endings.

    Args:
        text: Beginning of the name, usually the stem of the upload's name.
        ending: End of the name, kept unchanged, such as ``_video.mp4``.

    Returns:
        A name of at most 255 bytes in UTF-8. It contains no character that a system rejects or that
        changes the direction of text, and neither begins nor ends with a dot or a space.
    """
    clean = "".join(_replaced(c) for c in text if c not in _UNSEEN).strip(" .") or DEFAULT
    most = MAX_BYTES - len(ending.encode()) - 1
    while _units(clean) > _MAX_STEM_UNITS or len(clean.encode()) > most:
        clean = _cut(clean, len(clean) - 1).rstrip(" .")
    reserved = f"{clean}{ending}".partition(".")[0].rstrip(" ").upper() in _RESERVED
    return f"_{clean}{ending}" if reserved else f"{clean}{ending}"


def shown(name: str) -> str:
    """Makes a name safe to print within a line of a terminal."""
    moving = _UNSEEN - {"\u061c", "\u200e", "\u200f"}
    moving |= {c for c in name if unicodedata.category(c) in ("Cc", "Zl", "Zp")}
    return "".join("\ufffd" if c in moving else c for c in name)


def _split(name: str) -> tuple[str, str]:
    """Splits a name into stem and extension; a long suffix or one with spaces is no extension."""
    extension = PurePosixPath(name).suffix
    if not _EXTENSION.fullmatch(extension):
        return name, ""
    return name.removesuffix(extension), extension


def _replaced(character: str) -> str:
    if character in _REFUSED or unicodedata.category(character) in _REFUSED_CATEGORIES:
        return "_"
    return character


def _units(text: str) -> int:
    """Returns the length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, length: int) -> str:
    """Cuts a text to a number of characters without splitting a grapheme."""
    if len(text) <= length:
        return text
    end = length
    while end and _continues(text, end):
        end -= 1
    return text[: end or length]


def _continues(text: str, index: int) -> bool:
    """Checks whether a character belongs to the same grapheme as the one before it."""
    here, before = text[index], text[index - 1]
    if before == "\u200d" or here in _JOINERS or ord(here) in _SKIN_TONES:
        return True
    if ord(here) in _FLAGS:
        # A flag is a pair of regional indicators.
        first = index
        while first and ord(text[first - 1]) in _FLAGS:
            first -= 1
        return (index - first) % 2 == 1
    return unicodedata.category(here).startswith("M") or 0xE0020 <= ord(here) <= 0xE007F
