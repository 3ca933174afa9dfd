"""The name of a file in a form, as each client writes it."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseway_gateway.api.uploads.content_disposition import sent_name

NASTY = (
    'a"b.mp4',
    '"',
    r"a\b.mp4",
    "a\\",
    r"a\"b.mp4",
    "a\nb\r\n.mp4",
    "50 % of it.mp4",
    "a%2522b.mp4",
    "a; filename=b.mp4",
    "a'b`$(id).mp4",
    "\u202egpj.exe",
    "\u200fשלום\u200f.mp4",  # noqa: RUF001 # Hebrew
    "舞踏🕺.mp4",
    " a .mp4 ",
)


def browser(name: str) -> str:
    """As the HTML standard has it, which Chromium, Firefox and Safari follow, and curl."""
    return name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")


def backslashes(name: str) -> str:
    """As Go does, and ``curl --form-escape``."""
    return name.replace("\\", "\\\\").replace('"', '\\"')


def as_written(name: str) -> bytes:
    return f'form-data; name="video"; filename="{name}"'.encode()


def by_httpx(name: str) -> bytes:
    body = httpx.Request("POST", "http://a", files={"video": (name, b"x")}).read()
    line = body.split(b"\r\n")[1]
    return line.removeprefix(b"Content-Disposition: ")


WAYS: dict[str, Callable[[str], bytes]] = {
    "browser": lambda name: as_written(browser(name)),
    "httpx": by_httpx,
    "extended": lambda name: (
        f"form-data; filename*=UTF-8''{quote(name, safe='')}; name=video; filename=x".encode()
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NASTY)
def test_the_name_is_what_it_was(way: str, name: str) -> None:
    assert sent_name(WAYS[way](name)) == name


@pytest.mark.parametrize("name", [name for name in NASTY if "\n" not in name])
def test_backslashes_are_undone_too(name: str) -> None:
    assert sent_name(as_written(backslashes(name))) == name


@pytest.mark.parametrize("name", ["a%22b.mp4", "a%0Ab.mp4", "a%22\\b.mp4"])
def test_what_looks_escaped_is_not_harmed_where_it_can_be_told(name: str) -> None:
    assert sent_name(WAYS["extended"](name)) == name
    assert sent_name(as_written(backslashes(f'"{name}'))) == f'"{name}'


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_every_name_comes_through_the_extended_way(name: str) -> None:
    assert sent_name(WAYS["extended"](name)) == name


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'form-data; name="video"', ""),
        (b"form-data; name=video; filename=a.mp4", "a.mp4"),
        (b'form-data; filename="a.mp4"; name="video"', "a.mp4"),
        (b'form-data; name="; filename=evil"; filename="a.mp4"', "a.mp4"),
        (b'FORM-DATA; NAME="video"; FILENAME="a.mp4"', "a.mp4"),
        (b"form-data; filename*=utf-16''%ff; filename=a.mp4", "a.mp4"),
        (b'form-data; filename="\xff.mp4"', "\ufffd.mp4"),
        (b"", ""),
    ],
)
def test_headers_of_all_kinds_are_read(disposition: bytes, name: str) -> None:
    assert sent_name(disposition) == name
