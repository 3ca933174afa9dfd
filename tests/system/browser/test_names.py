"""File names that contain markup or special characters are treated as text."""

import re

import pytest
from playwright.sync_api import Page, expect

from poseway.client import Client
from tests.support.videos import make_video
from tests.system.browser.page import row_of
from tests.unit.gateway.api.uploads.test_content_disposition import NASTY
from tests.unit.poseway.test_filenames import assert_portable

NAME = "<img src=x onerror=document.title='broken'>.mp4"
SEND = """async (name) => {
  const form = new FormData();
  form.append("video", new File(["no video"], name));
  const answer = await fetch("/v1/jobs", { method: "POST", body: form });
  return (await answer.json()).id;
}"""


def test_name_is_shown_as_text(page: Page, problems: list[str], client: Client) -> None:
    job = client.wait(client.submit(b"no video", name=NAME).id).id
    page.goto("/")
    row = row_of(page, job)
    expect(row).to_contain_text(NAME)
    expect(row).to_have_attribute("data-state", re.compile("failed"))
    page.goto(f"/#/{job}")
    expect(page.locator("#detail")).to_contain_text(NAME)
    # Otherwise the browser would request it, which `problems` would report.
    assert page.locator("img[src=x]").count() == 0
    assert problems == []
    client.delete(job)


@pytest.mark.parametrize("name", NASTY)
def test_native_form_keeps_the_name(page: Page, client: Client, name: str) -> None:
    page.goto("/")
    job = client.job(page.evaluate(SEND, name))
    assert job.name == name
    client.delete(job.id)


@pytest.mark.parametrize("name", ['a"b%22.mp4', "\u202egpj\\\n.mp4", "日" * 77 + ".mp4"])
def test_page_keeps_the_name_and_downloads_get_a_safe_one(
    page: Page, client: Client, name: str
) -> None:
    page.goto("/")
    video = {"name": name, "mimeType": "video/mp4", "buffer": make_video(4)}
    page.get_by_label("Choose videos or images").set_input_files(video)  # type: ignore[arg-type]
    with page.expect_response(re.compile("/v1/uploads/[0-9a-f]+/complete$")) as answer:
        page.locator("#start").click()
    job = client.wait(answer.value.json()["id"])
    assert job.name == name
    page.goto(f"/#/{job.id}")
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Keypoints as a table").click()
    assert_portable(fetched.value.suggested_filename)
    assert fetched.value.suggested_filename.endswith("_keypoints.csv")
    client.delete(job.id)
