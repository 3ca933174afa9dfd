"""Actions on the page."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect


def row_of(page: Page, job: str) -> Locator:
    """Returns the row of a job."""
    return page.locator(f'[data-id="{job}"]')


def start(page: Page, *files: Path) -> Locator:
    """Uploads files through the form. Returns the row of the last job."""
    page.get_by_label("Choose videos or images").set_input_files(files)
    with page.expect_response(re.compile("/v1/uploads/[0-9a-f]+/complete$")) as answer:
        page.locator("#start").click()
    return row_of(page, answer.value.json()["id"])


def ids(page: Page) -> list[str]:
    """Returns the ids of all jobs from the API, newest first."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = page.request.get("/v1/jobs", params={"limit": "100", "cursor": cursor}).json()
        found += [str(job["id"]) for job in answer["jobs"]]
        cursor = answer["next_cursor"]
    return found


def delete(page: Page, button: Locator) -> None:
    """Presses a Delete button and confirms."""
    button.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()


def delete_once_finished(page: Page, row: Locator) -> None:
    expect(row).to_have_attribute("data-state", re.compile("succeeded|failed|cancelled"))
    delete(page, row.get_by_role("button", name="Delete"))
    expect(row).to_have_count(0)


def check_fits(page: Page) -> None:
    """Checks that nothing is wider than a phone's screen."""
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert before is not None
    page.set_viewport_size(before)
