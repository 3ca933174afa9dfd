"""Background tasks that run for as long as the gateway does."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def start_background(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Starts a task that is not awaited; logs the exception if one ends it."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_log_end)
    return task


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("background task failed", task=task.get_name(), exc_info=error)
