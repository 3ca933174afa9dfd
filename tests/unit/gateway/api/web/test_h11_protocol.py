"""What a connection does that nobody outside sees."""

import asyncio
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from poseway_gateway.api.web.h11_protocol import within


async def _answer(_: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"body"})


async def _ask(sent: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    """What comes back, and what went wrong on the way."""
    loop, wrong = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: wrong.append(context))
    config = uvicorn.Config(_answer, ws="none", lifespan="off", log_config=None)
    state, kind = ServerState(), within(60)
    server = await loop.create_server(lambda: kind(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(sent)
    async with asyncio.timeout(60):
        came = await reader.read()
        await asyncio.gather(*state.tasks)
    writer.close()
    server.close()
    return came, wrong


def test_the_refusal_of_a_head_with_a_broken_body_has_none_itself() -> None:
    head = b"%s / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    for method, bodies in ((b"HEAD", 0), (b"POST", 1)):
        came, wrong = asyncio.run(_ask(head % method))
        assert came.startswith(b"HTTP/1.1 400 ")
        assert came.count(b'"code":"bad_request"') == bodies
        assert wrong == []
