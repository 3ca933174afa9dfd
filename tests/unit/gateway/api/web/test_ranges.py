import pytest

from poseway_gateway.api.errors import RangeError
from poseway_gateway.api.web.ranges import parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-", (10, 100)),
        ("bytes=-30", (70, 100)),
        ("bytes=-300", (0, 100)),
        ("bytes=90-200", (90, 100)),
        # Malformed and unsupported ranges return the whole file.
        ("bytes=5-3", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=-", None),
        ("bytes=0-" + "9" * 5000, None),
        ("bytes=-" + "9" * 5000, None),
        ("bytes=0-" + "9" * 18, (0, 100)),
    ],
)
def test_ranges(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_ranges_outside_the_file(header: str) -> None:
    with pytest.raises(RangeError):
        parse_range(header, 100)
