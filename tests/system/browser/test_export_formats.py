"""The export formats on the page: those that the gateway lists, whatever its version."""

import sys
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from poseway.jobs import Job
from poseway.local.stack import Stack
from tests.support.gateways import gateway
from tests.support.toy_format import TOY


def test_page_offers_a_registered_format(page: Page, job: Job, stack: Stack) -> None:
    command = (sys.executable, "-m", "tests.support.toy_format", "poseway_gateway.api")
    with gateway(stack, {}, command=command) as url:
        page.goto(f"{url}/#/{job.id}")
        row = page.locator("#detail .downloads .toy")
        expect(row).to_contain_text(f"TXT: {TOY.contents}")
        with page.expect_download() as download:
            row.get_by_role("link", name=TOY.title).click()
        assert download.value.suggested_filename.endswith("_toy.txt")
        assert Path(download.value.path()).read_text().endswith(" has 90 frames\n")


def test_result_is_shown_if_an_older_gateway_answers(page: Page, job: Job) -> None:
    def without_formats(route: Route) -> None:
        problem = {"title": "Not Found", "status": 404, "code": "no_such_file"}
        route.fulfill(status=404, json=problem, content_type="application/problem+json")

    page.route("**/formats", without_formats)
    page.goto(f"/#/{job.id}")
    expect(page.locator("#detail .downloads .video")).to_be_visible()
    expect(page.locator("#detail .downloads .csv")).to_have_count(0)
