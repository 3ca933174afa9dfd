"""The first visit: an empty list that offers a sample."""

from playwright.sync_api import Page, expect

from tests.system.browser.page import delete_once_finished, row_of

NOTHING: dict[str, object] = {"jobs": [], "next_cursor": None}


def test_sample_is_one_click_away(page: Page, problems: list[str]) -> None:
    page.route("**/v1/jobs?*", lambda route: route.fulfill(json=NOTHING))
    page.goto("/")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    expect(page.get_by_role("search")).to_be_hidden()
    with page.expect_response(lambda answer: answer.url.endswith("/complete")) as made:
        page.get_by_role("button", name="Try it with a sample").click()
    job = made.value.json()
    assert job["size"] > 1_000_000
    assert job["options"]["background"]
    page.unroute("**/v1/jobs?*")
    expect(row_of(page, job["id"])).to_be_visible()
    expect(page.get_by_text("Nothing here yet")).to_be_hidden()
    page.request.delete(f"/v1/jobs/{job['id']}")  # cancels it
    delete_once_finished(page, row_of(page, job["id"]))
    assert problems == []


def test_sample_is_not_offered_if_missing(page: Page) -> None:
    page.route("**/v1/jobs?*", lambda route: route.fulfill(json=NOTHING))
    page.route("**/v1/events", lambda _: None)  # hides jobs left by other tests
    page.route("**/v1/sample", lambda route: route.fulfill(status=404, json={"detail": "None."}))
    with page.expect_response("**/v1/sample"):
        page.goto("/")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    expect(page.get_by_role("button", name="Try it with a sample")).to_be_hidden()
