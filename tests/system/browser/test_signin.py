"""Signing in on the page of a gateway with API keys, and share links, which need none."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from poseway.local.stack import Stack
from tests.support.gateways import KEYS, gateway, submit, user
from tests.support.videos import make_video
from tests.system.browser.page import start

KEY = "pw_000000ee_" + "ab" * 20


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    with gateway(stack, {**KEYS, "POSEWAY_FIRST_KEY": KEY}) as running:
        yield running


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with browser.new_context(base_url=url) as context:
        yield context.new_page()


def sign_in(page: Page, key: str = KEY) -> None:
    page.get_by_label("Your API key").fill(key)
    page.keyboard.press("Enter")


@pytest.mark.essential
def test_page_asks_for_a_key_once(page: Page, url: str) -> None:
    page.goto("/")
    field = page.get_by_label("Your API key")
    expect(field).to_be_focused()
    expect(page.locator("#home")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Enter your key. It starts with pw_.")
    sign_in(page, KEY[:-1] + "0")
    expect(page.get_by_role("alert")).to_contain_text("key")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    sign_in(page)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text("first")

    with user(url, KEY) as client:
        job = submit(client)
        expect(page.locator(f'[data-id="{job}"]')).to_be_visible()
        page.reload()
        expect(page.locator(f'[data-id="{job}"]')).to_be_visible()
        assert client.delete(f"/v1/jobs/{job}").is_success

    page.get_by_role("button", name="Sign out").click()
    expect(field).to_be_focused()
    expect(page.get_by_role("banner")).not_to_contain_text("first")
    page.goto(f"/#/{'0' * 32}")
    expect(field).to_be_visible()


def test_upload_waits_until_the_user_signs_in(page: Page, tmp_path: Path) -> None:
    video = tmp_path / "short.mp4"
    video.write_bytes(make_video(2))
    page.goto("/")
    sign_in(page)
    page.locator("#files").set_input_files(video)

    def expire(route: Route) -> None:
        page.context.clear_cookies()
        route.continue_()

    # The session expires exactly before the upload, so that no other request notices earlier.
    page.route("**/v1/uploads", expire, times=1)
    page.locator("#start").click()
    expect(page.get_by_label("Your API key")).to_be_focused()
    expect(page.get_by_role("region", name="Uploads")).to_contain_text(video.name)
    sign_in(page)
    row = page.locator(".job", has_text=video.name)
    expect(row).to_have_attribute("data-state", "succeeded", timeout=60_000)


def test_share_link_needs_no_key(browser: Browser, page: Page, tmp_path: Path) -> None:
    video = tmp_path / "shared.mp4"
    video.write_bytes(make_video(2))
    page.goto("/")
    sign_in(page)
    row = start(page, video)
    job = row.get_attribute("data-id") or ""
    link = page.request.post(f"/v1/jobs/{job}/shares", data={}).json()["page"]
    with browser.new_context(base_url=page.url.partition("#")[0]) as context:
        guest = context.new_page()
        guest.goto(link)
        heading = guest.get_by_role("heading", level=1, name=video.name)
        expect(heading).to_be_visible()
        expect(guest.get_by_label("Your API key")).to_be_hidden()
        # Progress is live, too.
        expect(guest.locator("#detail")).to_have_attribute(
            "data-state", "succeeded", timeout=60_000
        )
        # The player is created once the result is loaded, which happens after the state changes.
        expect(guest.locator("#detail .player video")).to_have_attribute(
            "src", re.compile(job), timeout=60_000
        )
        guest.get_by_role("link", name=re.compile("Poseway")).click()
        expect(guest.get_by_label("Your API key")).to_be_focused()


def test_shared_job_is_followed_again_after_a_refusal(browser: Browser, url: str) -> None:
    asked: list[str] = []
    with user(url, KEY) as owner, browser.new_context(base_url=url) as context:
        job = submit(owner)
        link = owner.post(f"/v1/jobs/{job}/shares", json={}).json()["page"]
        guest = context.new_page()
        guest.on("request", lambda request: asked.append(urlsplit(request.url).path))

        def shown(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, json={**answer.json(), "state": "running"})

        guest.route(re.compile(f"/v1/jobs/{job}[?]"), shown)
        # As if too many clients followed it already.
        guest.route("**/events?*", lambda route: route.fulfill(status=503), times=1)
        guest.goto(link)
        # The next stream comes from the gateway itself and reports the final state.
        expect(guest.locator("#detail")).to_have_attribute("data-state", "failed", timeout=60_000)
        assert asked.count(f"/v1/jobs/{job}/events") == 2
        # A guest sees no list and is not asked for a key.
        assert not {"/v1/jobs", "/v1/events", "/v1/session"} & set(asked)
        expect(guest.get_by_label("Your API key")).to_be_hidden()
        assert owner.delete(f"/v1/jobs/{job}").status_code in (202, 204)
