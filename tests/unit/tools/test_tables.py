"""Tables of settings, options, errors, metrics and exit codes match the code."""

import re
from pathlib import Path

import pytest

from poseway.paths import ROOT
from tools.tables import TABLES, written

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_up_to_date(page: Path) -> None:
    text = page.read_text()
    assert written(text) == text, "write them anew: make tables"


def test_every_table_is_used() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert set(re.findall(r"<!-- table: (\S+) -->", text)) == set(TABLES)
