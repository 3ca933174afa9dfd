"""Our subclass of uvicorn's HTTP/1.1 protocol, and the parts of uvicorn that it relies on."""

import ast
import asyncio
import hashlib
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from poseway_gateway.api.web import h11_protocol
from poseway_gateway.api.web.h11_protocol import Connection, connection_class

_CHECKED_VERSION: Final = "0.54.0"
_CHECKED_DIGEST: Final = "76896b1840b5fdc5"
"""Digest of the methods that `_methods_relied_on` yields for that version."""
_RECHECK: Final = f"""\
uvicorn {uvicorn.__version__} differs from {_CHECKED_VERSION}, the version last checked, in a method
that poseway_gateway.api.web.h11_protocol.Connection relies on. Read the methods listed below and
check in h11_protocol.py that

- `data_received` may still be called with a part of the bytes, and parses all that it was given;
- `on_response_complete` is still called once per response, after `cycle.response_complete` is set;
- `send_400_response` is still called while the h11.RemoteProtocolError is being handled;
- `flow.pause_reading` still holds until the response is complete;
- setting `cycle.disconnected` and `cycle.message_event` still ends a pending `receive`;
- `_unset_keepalive_if_required` still cancels the keep-alive timer.

Run tests/system/hostile, then set _CHECKED_VERSION and _CHECKED_DIGEST in this file.
"""

Path = tuple[str, ...]
"""Attributes read one after the other, from `self` on, such as ("conn", "their_state")."""


@cache
def _class_body() -> ast.ClassDef:
    source = inspect.getsource(h11_protocol)
    return next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == Connection.__name__
    )


def _path(node: ast.Attribute) -> Path | None:
    """Attributes of `self` or `super()` that an expression reads; None if it reads others."""
    names = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        names.append(value.attr)
        value = value.value
    is_self = isinstance(value, ast.Name) and value.id == "self"
    is_super = (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "super"
    )
    return tuple(reversed(names)) if is_self or is_super else None


def _overridden() -> set[str]:
    """Methods of uvicorn's protocol that ours replaces."""
    own = {node.name for node in _class_body().body if isinstance(node, ast.FunctionDef)}
    return own & set(vars(H11Protocol))


def _inherited() -> set[Path]:
    """Everything that our class reads of uvicorn's, found in its source."""
    own = set(vars(Connection)) | set(Connection.__annotations__)
    paths = (_path(node) for node in ast.walk(_class_body()) if isinstance(node, ast.Attribute))
    return {path for path in paths if path and (path[0] not in own or path[0] in _overridden())}


def _methods_relied_on() -> Iterator[tuple[str, str]]:
    """Name and source of each method of uvicorn that defines, calls or changes what we use."""
    used = _overridden() | {name for path in _inherited() for name in path}
    for owner in (H11Protocol, RequestResponseCycle, FlowControl):
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            source = textwrap.dedent(inspect.getsource(method))
            attributes = {
                n.attr for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Attribute)
            }
            if name in used or attributes & used:
                lines = (line.strip() for line in source.splitlines())
                code = [line for line in lines if line and not line.startswith("#")]
                yield f"{owner.__name__}.{name}", "\n".join(code)


def test_source_scan_finds_what_the_class_uses() -> None:
    assert {"data_received", "on_response_complete", "send_400_response"} <= _overridden()
    assert {
        ("_unset_keepalive_if_required",),
        ("conn", "trailing_data"),
        ("cycle", "message_event", "set"),
        ("flow", "pause_reading"),
    } <= _inherited()
    names = {name for name, _ in _methods_relied_on()}
    assert {"H11Protocol.handle_events", "RequestResponseCycle.receive"} <= names


def test_overrides_have_the_signatures_of_uvicorn() -> None:
    for name in _overridden():
        ours = inspect.signature(getattr(Connection, name)).parameters
        theirs = inspect.signature(getattr(H11Protocol, name)).parameters
        assert list(ours) == list(theirs), f"{name}\n{_RECHECK}"


def test_every_inherited_member_exists_on_a_connection() -> None:
    missing: list[str] = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        (connection,) = state.connections
        for path in _inherited():
            found: Any = connection
            for name in path:
                if not hasattr(found, name):
                    missing.append(".".join(path))
                    break
                found = getattr(found, name)
        await _answer(scope, receive, send)

    state = ServerState()
    came, _ = asyncio.run(_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", look, state))
    assert came.startswith(b"HTTP/1.1 200 ")
    assert missing == [], _RECHECK


def test_uvicorn_is_the_version_that_was_checked() -> None:
    methods = sorted(_methods_relied_on())
    digest = hashlib.sha256("\n".join(code for _, code in methods).encode()).hexdigest()[:16]
    listed = "\n".join(name for name, _ in methods)
    assert digest == _CHECKED_DIGEST, f"{_RECHECK}\nDigest: {digest}\n\n{listed}"


async def _answer(_: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"body"})


async def _request(
    sent: bytes, app: ASGIApp = _answer, state: ServerState | None = None
) -> tuple[bytes, list[dict[str, Any]]]:
    """Sends bytes to a server with our connections.

    Returns:
        All that the server sends until it closes the connection, after the first response if it
        does not by itself; and the errors that reached the event loop.
    """
    loop, wrong = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: wrong.append(context))
    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, timeout_keep_alive=1)
    state = state or ServerState()
    kind = connection_class(60)
    server = await loop.create_server(lambda: kind(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(sent)
    async with asyncio.timeout(60):
        came = await reader.read()
        await asyncio.gather(*state.tasks)
    writer.close()
    server.close()
    return came, wrong


def test_error_response_to_head_has_no_body() -> None:
    head = b"%s / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    for method, bodies in ((b"HEAD", 0), (b"POST", 1)):
        came, wrong = asyncio.run(_request(head % method))
        assert came.startswith(b"HTTP/1.1 400 ")
        assert came.count(b'"code":"bad_request"') == bodies
        assert wrong == []


def test_pipelined_requests_are_answered_in_order() -> None:
    names: list[str] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        names.append(scope["path"])
        await _answer(scope, receive, send)
        names.append("answered")

    sent = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(3))
    came, wrong = asyncio.run(_request(sent, note))
    assert came.count(b"HTTP/1.1 200 ") == 3
    assert names[::2] == ["/0", "/1", "/2"]
    assert wrong == []
