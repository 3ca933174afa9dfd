"""A real browser, and the problems that it reports."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from poseway.local.stack import Stack
from tests.system.browser.player import job

__all__ = ["job"]  # a fixture

ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Allows for a busy machine.
expect.set_options(timeout=20_000)

REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} blocked ${event.blockedURI}`));
"""


# Not session-scoped: Playwright's event loop would conflict with those of other tests.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    with browser.new_context(base_url=stack.gateway_url) as context:
        yield context.new_page()


@pytest.fixture
def problems(page: Page, stack: Stack) -> list[str]:
    """Collects errors, policy violations and requests to other hosts while a test runs."""
    found: list[str] = []
    page.add_init_script(REPORT_VIOLATIONS)
    page.on(
        "console",
        lambda m: (
            found.append(f"{m.text} {m.location}") if m.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(stack.gateway_url) else found.append(request.url)
        ),
    )
    return found
