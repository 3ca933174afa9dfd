"""Parts go directly to object storage, another origin, if its CORS rules allow the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from poseway.local.stack import Stack
from tests.support.gateways import gateway
from tests.support.videos import make_video
from tests.system.browser.page import delete_once_finished, start

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CORSConfigurationTypeDef

PART = 8 << 20


@pytest.fixture
def elsewhere(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The page of a gateway with a public address of object storage."""
    public = stack.storage_settings.s3_endpoint or ""
    with (
        gateway(stack, {"POSEWAY_S3_PUBLIC_ENDPOINT": public}) as url,
        browser.new_context(base_url=url) as context,
    ):
        yield context.new_page()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A short video, padded to two parts by a box that players skip."""
    path = tmp_path / "large.mp4"
    size = PART + 100_000
    path.write_bytes(make_video(4) + size.to_bytes(4, "big") + b"free" + bytes(size - 8))
    return path


def taken_by(page: Page) -> list[str]:
    """Collects host and port of every server that received a part."""
    hosts: list[str] = []
    page.on(
        "requestfinished",
        lambda request: (
            hosts.append(urlsplit(request.url).netloc) if request.method == "PUT" else None
        ),
    )
    return hosts


@contextmanager
def open_to(stack: Stack, origin: str) -> Iterator[None]:
    """Allows pages of one origin to access the bucket for the block."""
    rules: CORSConfigurationTypeDef = {
        "CORSRules": [
            {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"]}
        ]
    }
    stack.store.client.put_bucket_cors(Bucket=stack.store.bucket, CORSConfiguration=rules)
    try:
        yield
    finally:
        stack.store.client.delete_bucket_cors(Bucket=stack.store.bucket)


def test_parts_go_directly_to_object_storage(elsewhere: Page, stack: Stack, large: Path) -> None:
    elsewhere.goto("/")
    with open_to(stack, elsewhere.evaluate("location.origin")):
        hosts = taken_by(elsewhere)
        row = start(elsewhere, large)
    assert hosts == [urlsplit(stack.storage_settings.s3_endpoint or "").netloc] * 2
    expect(row).to_have_attribute("data-state", "succeeded")
    delete_once_finished(elsewhere, row)


def test_parts_go_through_the_gateway_without_cors_on_object_storage(
    elsewhere: Page, stack: Stack, large: Path
) -> None:
    elsewhere.goto("/")
    with open_to(stack, "https://other.example"):
        hosts = taken_by(elsewhere)
        row = start(elsewhere, large)
    assert hosts == [urlsplit(elsewhere.url).netloc] * 2
    expect(row).to_have_attribute("data-state", "succeeded")
    delete_once_finished(elsewhere, row)
