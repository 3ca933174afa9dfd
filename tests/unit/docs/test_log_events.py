"""Log events that the pages tell operators to look for are events that services log."""

from itertools import chain
from typing import Final

import pytest

from poseway.paths import ROOT

_EVENTS: Final = (
    "attempt failed",
    "handed back",
    "repeating",
    "job record cannot be read",
    "unexpected",
    "webhook not delivered",
)


@pytest.mark.parametrize("event", _EVENTS)
def test_an_event_of_the_pages_is_logged(event: str) -> None:
    pages = "".join(
        (ROOT / "docs" / page).read_text() for page in ("operations.md", "monitoring.md")
    )
    assert f"`{event}`" in pages.replace("\n", " "), "no page names it any more"
    sources = chain((ROOT / "poseway").rglob("*.py"), (ROOT / "services").rglob("*.py"))
    assert any(f'"{event}"' in source.read_text() for source in sources), "nothing logs it any more"
