"""Reading server-sent events, as the HTML standard has them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx


@dataclass
class Event:
    """An event; one without data only sets the id."""

    name: str = ""
    data: str = ""
    id: str = ""


@asynccontextmanager
async def events(
    client: httpx.AsyncClient, path: str, last_id: str | None = None
) -> AsyncIterator[AsyncIterator[Event]]:
    """Connects and yields events, without comments."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        yield _parse(answer.aiter_lines())


async def _parse(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    event = Event()
    async for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if event != Event():
                yield event
            event = Event()
        elif field == "event":
            event.name = value
        elif field == "data":
            event.data += value
        elif field == "id":
            event.id = value
