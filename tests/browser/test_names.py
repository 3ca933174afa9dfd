"""Names of files that would be more than text, if the page let them."""

import re

from playwright.sync_api import Page, expect

from poseway.client import Client
from tests.browser.page import row_of

NAME = "<img src=x onerror=document.title='broken'>.mp4"


def test_a_name_is_text(page: Page, problems: list[str], client: Client) -> None:
    job = client.wait(client.submit(b"no video", name=NAME).id).id
    page.goto("/")
    row = row_of(page, job)
    expect(row).to_contain_text(NAME)
    expect(row).to_have_attribute("data-state", re.compile("failed"))
    page.goto(f"/#/{job}")
    expect(page.locator("#detail")).to_contain_text(NAME)
    # Else it would be asked for, which is a problem of the page as well.
    assert page.locator("img[src=x]").count() == 0
    assert problems == []
    client.delete(job)
