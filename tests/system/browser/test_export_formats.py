"""A format that is added to the table appears on the page."""

import sys
from pathlib import Path

from playwright.sync_api import Page, expect

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
