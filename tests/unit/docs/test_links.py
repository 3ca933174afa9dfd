"""Links between pages, and from pages to files, lead to what is there."""

import re
from pathlib import Path
from typing import Final

import pytest

from poseway.paths import ROOT

_FOLDERS: Final = (
    ".github",
    "benchmarks",
    "deploy",
    "docs",
    "frontend",
    "models",
    "poseway",
    "proto",
    "requirements",
    "services",
    "tests",
    "tools",
)
_PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *(page for name in _FOLDERS for page in (ROOT / name).rglob("*.md"))]
)
_FENCE: Final = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
# Files and folders that are named but not linked; a placeholder makes an example.
_NAMED: Final = re.compile(rf"`((?:{'|'.join(_FOLDERS[1:])})/[\w./-]*)`")
_PLACEHOLDER: Final = re.compile(r"NAME|ID\b")
# Made by `make`, not in git.
_MADE: Final = ("models/weights",)
_HEADING: Final = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _text(page: Path) -> str:
    """A page without its fenced blocks, in which brackets are no links."""
    return _FENCE.sub("", page.read_text())


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    plain = (re.sub(r"[`*]|\]\([^)]*\)|\[", "", title) for title in _HEADING.findall(_text(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, anchor in _LINK.findall(_text(page)):
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{_name(page)} links to {target}"
        if anchor and there.suffix == ".md":
            assert anchor in _anchors(there), f"{_name(page)} links to {target}#{anchor}"


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_named_files_exist(page: Path) -> None:
    for path in _NAMED.findall(_text(page)):
        if not (_PLACEHOLDER.search(path) or path.startswith(_MADE)):
            there = [folder / path for folder in (ROOT, page.parent)]
            assert any(map(Path.exists, there)), f"{_name(page)} names {path}"


def test_every_page_of_docs_is_listed() -> None:
    listed = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in listed, f"{page.name} is not listed"


def test_every_record_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    listed = (folder / "README.md").read_text()
    for page in folder.glob("0*.md"):
        assert f"({page.name})" in listed, f"{page.name} is not listed"
        assert re.fullmatch(rf"# {int(page.name[:4])}\. .+", page.read_text().splitlines()[0])


def test_the_architecture_fits_on_a_page() -> None:
    assert len((ROOT / "docs" / "architecture.md").read_text().splitlines()) <= 150
