"""A list of a thousand jobs: all can be reached, found and followed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from poseway.jobs import JobState
from poseway.local.stack import Stack
from tests.system.browser.page import delete, row_of
from tests.system.browser.records import Record, records

COUNT = 1000


@pytest.fixture(scope="module")
def jobs(stack: Stack) -> Iterator[list[str]]:
    """Finished jobs; every tenth one failed."""
    states = {0: JobState.FAILED}
    wanted = [
        Record(f"session {index:04d}.mp4", states.get(index % 10, JobState.CANCELLED))
        for index in range(COUNT)
    ]
    with records(stack, wanted) as ids:
        yield ids


def shown(page: Page) -> list[str]:
    ids: list[str] = page.locator(".job").evaluate_all("(rows) => rows.map((r) => r.dataset.id)")
    return ids


def test_all_of_a_thousand_jobs_are_reachable(
    page: Page, jobs: list[str], problems: list[str]
) -> None:
    page.goto("/")
    expect(page.locator(".job").first).to_be_visible()
    # Pages further down are loaded only when the user gets there.
    assert len(shown(page)) <= 150
    page.evaluate(
        """async () => {
            while (document.querySelector("#more").checkVisibility()) {
              scrollTo(0, document.body.scrollHeight);
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
        }"""
    )
    assert shown(page)[:COUNT] == jobs, "order, duplicates or gaps are wrong"
    page.locator(".job").nth(COUNT - 1).scroll_into_view_if_needed()
    last = page.get_by_role("link", name=f"session {COUNT - 1:04d}.mp4")
    expect(last).to_be_visible()

    # Returning to the list restores its position.
    last.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.go_back()
    expect(last).to_be_in_viewport()
    expect(last).to_be_focused()
    assert problems == []


def test_search_finds_one_job_among_a_thousand(
    page: Page, jobs: list[str], problems: list[str]
) -> None:
    page.goto("/")
    search = page.get_by_role("searchbox", name="Search by name")
    search.press_sequentially("Session 04", delay=10)
    expect(page.locator(".job").first).to_contain_text("session 0400")
    expect(page.locator(".job").nth(49)).to_be_attached()  # the first page of a hundred, at least
    assert shown(page)[:50] == jobs[400:450]
    page.get_by_label("State").select_option("Failed")
    expect(page.locator(".job")).to_have_count(10)
    assert shown(page) == jobs[400:500:10]
    assert page.url.endswith("#/?q=Session+04&state=failed")

    page.reload()
    expect(page.locator(".job")).to_have_count(10)
    expect(search).to_have_value("Session 04")
    page.get_by_role("link", name="session 0450.mp4").click()
    expect(page.get_by_role("heading", level=1, name="session 0450.mp4")).to_be_visible()
    page.go_back()
    expect(page.locator(".job")).to_have_count(10)
    expect(search).to_have_value("Session 04")

    search.fill("no job is called this")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Show all jobs").click()
    expect(page.locator(".job").first).to_be_visible()
    expect(search).to_be_focused()
    assert page.url.endswith("#/")
    assert problems == []


def test_search_is_one_entry_in_the_history(page: Page, jobs: list[str]) -> None:
    page.goto("/")
    expect(page.locator(".job").first).to_be_visible()
    search = page.get_by_role("searchbox", name="Search by name")
    search.fill("session 07")
    expect(page.locator(".job").first).to_contain_text("session 0700")
    search.fill("session 078")
    expect(page.locator(".job").first).to_contain_text("session 0780")
    page.go_back()
    expect(page.locator(".job").first).not_to_contain_text("session 07")
    expect(search).to_have_value("")


def test_job_deleted_elsewhere_disappears_from_the_list(page: Page, jobs: list[str]) -> None:
    page.goto("/#/?q=session+002")
    expect(page.locator(".job")).to_have_count(10)
    assert page.request.delete(f"/v1/jobs/{jobs[25]}").status == 204
    expect(row_of(page, jobs[25])).to_have_count(0)
    delete(page, page.get_by_role("button", name="Delete session 0026.mp4"))
    expect(page.locator(".job")).to_have_count(8)
