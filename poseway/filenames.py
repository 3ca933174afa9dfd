"""Names of files: as users gave them, and as every system can store them.

The name of an upload is kept as it was given, because it is what its user knows the job by. Files
that are made of the upload are named after it, by names that Linux, macOS and Windows all take.
"""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

DEFAULT: Final = "video"
"""The name of what has none."""

MAX_BYTES: Final = 255
"""Bytes in UTF-8 that the name of a file may have on Linux; there are never more UTF-16 units."""

_MAX_GIVEN: Final = 255
# Windows unpacks nothing with a path of more than 259 units. This leaves room for the folder of a
# user's downloads, a folder named after the archive, and one file in it.
_MAX_STEM_UNITS: Final = 80

_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,10}")
_WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:\\|\\\\")
_REFUSED: Final = frozenset('<>:"/\\|?*')
_REFUSED_CATEGORIES: Final = frozenset(("Cc", "Cn", "Cs", "Zl", "Zp"))
# They can make a name look as if it had another extension. The last is ignored by file systems.
_UNSEEN: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
_PORTS: Final = (f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³")
_RESERVED: Final = frozenset(("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$", *_PORTS))
_JOINERS: Final = frozenset("\u200c\u200d")
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAGS: Final = range(0x1F1E6, 0x1F200)


def given(name: str) -> str:
    """The name of an uploaded file, without the path that some clients send with it.

    Control characters go, except for line breaks. A name that is too long for any file system
    loses the end of its stem; its extension is kept.

    Args:
        name: As it came.
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
    """The name of an upload without its extension, if it has one."""
    return _split(name)[0]


def portable(text: str, ending: str = "") -> str:
    """A name for a file or a folder that Linux, macOS and Windows all take.

    The same text with other endings gives names that differ in their endings only.

    Args:
        text: What the name begins with: the stem of the upload's name.
        ending: What it ends with, which is kept as it is: ``_video.mp4``, say.

    Returns:
        At most 255 bytes in UTF-8. No character in it is refused by a system or changes the
        direction of the text, and it neither begins nor ends with a dot or a space.
    """
    clean = "".join(_replaced(c) for c in text if c not in _UNSEEN).strip(" .") or DEFAULT
    most = MAX_BYTES - len(ending.encode()) - 1
    while _units(clean) > _MAX_STEM_UNITS or len(clean.encode()) > most:
        clean = _cut(clean, len(clean) - 1).rstrip(" .")
    reserved = f"{clean}{ending}".partition(".")[0].rstrip(" ").upper() in _RESERVED
    return f"_{clean}{ending}" if reserved else f"{clean}{ending}"


def shown(name: str) -> str:
    """A name for one line of a terminal, where it does not change what stands around it."""
    moving = _UNSEEN - {"\u061c", "\u200e", "\u200f"}
    moving |= {c for c in name if unicodedata.category(c) in ("Cc", "Zl", "Zp")}
    return "".join("\ufffd" if c in moving else c for c in name)


def _split(name: str) -> tuple[str, str]:
    """Stem and extension; what is too long for an extension, or has spaces in it, is none."""
    extension = PurePosixPath(name).suffix
    if not _EXTENSION.fullmatch(extension):
        return name, ""
    return name.removesuffix(extension), extension


def _replaced(character: str) -> str:
    if character in _REFUSED or unicodedata.category(character) in _REFUSED_CATEGORIES:
        return "_"
    return character


def _units(text: str) -> int:
    """Length in UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, length: int) -> str:
    """The beginning of a text, not longer than so many characters and without half a grapheme."""
    if len(text) <= length:
        return text
    end = length
    while end and _continues(text, end):
        end -= 1
    return text[: end or length]


def _continues(text: str, index: int) -> bool:
    """Whether a character is drawn as one with that before it."""
    here, before = text[index], text[index - 1]
    if before == "\u200d" or here in _JOINERS or ord(here) in _SKIN_TONES:
        return True
    if ord(here) in _FLAGS:
        # Flags are pairs of letters.
        first = index
        while first and ord(text[first - 1]) in _FLAGS:
            first -= 1
        return (index - first) % 2 == 1
    return unicodedata.category(here).startswith("M") or 0xE0020 <= ord(here) <= 0xE007F
