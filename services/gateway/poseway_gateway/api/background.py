"""Tasks that run as long as the gateway does."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def start_background(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Begins a task that nobody waits for; if something ends it, that is logged."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_log_end)
    return task


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task has ended", task=task.get_name(), exc_info=error)
