"""Background tasks of the gateway."""

import asyncio

from structlog.testing import capture_logs

from poseway_gateway.api.background import start_background


async def fail() -> None:
    raise ValueError


def test_failed_task_is_logged() -> None:
    async def run() -> None:
        quiet = start_background(asyncio.sleep(60), "quiet")
        start_background(fail(), "loud")
        await asyncio.sleep(0)
        quiet.cancel()
        await asyncio.sleep(0.01)

    with capture_logs() as logs:
        asyncio.run(run())
    assert [entry["task"] for entry in logs] == ["loud"]
