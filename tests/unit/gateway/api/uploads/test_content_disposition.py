"""File names in forms, as each client escapes them."""

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
    """Escapes like the HTML standard, followed by Chromium, Firefox, Safari and curl."""
    return name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")


def backslashes(name: str) -> str:
    """Escapes like Go and ``curl --form-escape``."""
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
def test_name_survives_each_client(way: str, name: str) -> None:
    assert sent_name(WAYS[way](name)) == name


@pytest.mark.parametrize("name", [name for name in NASTY if "\n" not in name])
def test_escaped_backslashes_are_unescaped(name: str) -> None:
    assert sent_name(as_written(backslashes(name))) == name


@pytest.mark.parametrize("name", ["a%22b.mp4", "a%0Ab.mp4", "a%22\\b.mp4"])
def test_names_that_look_escaped_survive_where_unambiguous(name: str) -> None:
    assert sent_name(WAYS["extended"](name)) == name
    assert sent_name(as_written(backslashes(f'"{name}'))) == f'"{name}'


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_extended_parameter_carries_any_name(name: str) -> None:
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
def test_any_header_is_parsed(disposition: bytes, name: str) -> None:
    assert sent_name(disposition) == name
