"""The page is small enough for a slow phone and contacts only its gateway."""

import re
from pathlib import Path

from playwright.sync_api import Page, Response, expect

from poseway.paths import ROOT

FRONTEND = ROOT / "frontend"
COMMENT = re.compile(r"/\*\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)


def _code(path: Path) -> int:
    """Returns the bytes of a script without comments and indentation."""
    lines = COMMENT.sub("", path.read_text()).splitlines()
    return sum(len(line.strip().encode()) + 1 for line in lines if line.strip())


def test_code_size_is_limited() -> None:
    assert sum(_code(path) for path in FRONTEND.rglob("*.js")) < 100_000


def test_first_view_transfers_little(page: Page, problems: list[str]) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto("/")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.wait_for_load_state("load")
    page.wait_for_timeout(500)
    scripts = [answer for answer in answers if answer.request.resource_type == "script"]
    # The result view is loaded when a result is opened.
    assert sum(len(script.body()) for script in scripts) < 65_000
    # All modules are preloaded, so the browser fetches them at once.
    preloaded = page.locator("link[rel=modulepreload]").evaluate_all(
        "(all) => all.map((l) => l.href)"
    )
    assert {script.url for script in scripts} == {*preloaded, f"{page.url.split('#')[0]}app.js"}
    assert problems == []


def test_page_has_no_inline_code_and_no_third_party_requests() -> None:
    page = (FRONTEND / "index.html").read_text()
    assert "<style" not in page
    assert not re.search(r"\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    for path in FRONTEND.rglob("*.*"):
        if path.suffix in (".html", ".js", ".css"):
            addresses = re.findall(r"https?://[^\s\"')]+", path.read_text())
            # The SVG namespace is not an address.
            assert [a for a in addresses if a != "http://www.w3.org/2000/svg"] == [], path
