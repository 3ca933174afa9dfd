"""Conditional requests with If-None-Match."""

import pytest

from poseway_gateway.api.web.conditional import unchanged


@pytest.mark.parametrize(
    ("header", "etag", "known"),
    [
        (None, '"a"', False),
        ("*", '"a"', True),
        (" * ", 'W/"a"', True),
        ('"a"', '"a"', True),
        ('W/"a"', '"a"', True),
        ('"a"', 'W/"a"', True),
        ('"b", "a"', '"a"', True),
        ('W/"b",W/"a"', '"a"', True),
        ('"b"', '"a"', False),
        ('"aa"', '"a"', False),
        ('"a,b"', '"a"', False),
        ("a", '"a"', False),
        ("", '"a"', False),
    ],
)
def test_if_none_match(header: str | None, etag: str, known: bool) -> None:
    assert unchanged(header, etag) is known
