"""HTTP/1.1 connections with the limits that uvicorn lacks: a timeout and a size for request heads.

uvicorn has no setting for either, and answers a malformed request in plain text rather than with a
problem. `Connection` therefore subclasses uvicorn's `H11Protocol` and relies on members of it that
are not documented. The alternative, granian, has both settings, but it would have to answer 400,
408 and 431 with problems and let event streams end before it drains. Until it does, the subclass
stays, confined to this module, and ``tests/unit/gateway/api/web/test_h11_protocol.py`` fails when
uvicorn changes a method that it relies on.
"""

import asyncio
import sys
from http import HTTPStatus
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from poseway_gateway.api.web.problems import problem
from poseway_gateway.api.web.security_headers import DEFAULT

HEAD_BYTES: Final = 32 << 10
"""Largest request head that is always accepted. h11 must be configured with the same limit."""

_DETAILS: Final = {
    HTTPStatus.BAD_REQUEST: "The request is not valid HTTP/1.1.",
    HTTPStatus.REQUEST_TIMEOUT: "The request's head took too long to arrive. Send it in one go.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        f"The URL and headers are too large. Send at most {HEAD_BYTES >> 10} KiB of them."
    ),
    HTTPStatus.NOT_IMPLEMENTED: "The only transfer encoding supported is chunked.",
}


class Connection(H11Protocol):
    """A connection that limits request heads and answers protocol errors with problem details.

    While no request is being answered, the next one must arrive completely within `head_seconds`.
    That includes the rest of a body that its route did not read.

    Attributes:
        head_seconds: Timeout for the next request's head; set by `connection_class`.
    """

    head_seconds: float
    _timer: asyncio.TimerHandle | None = None
    _unparsed: bytes = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer for the first request."""
        super().connection_made(transport)
        self._update_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancels the timer."""
        super().connection_lost(exc)
        self._cancel_timer()

    def data_received(self, data: bytes) -> None:
        """Parses as many of the arrived bytes as the current request allows."""
        self._unparsed += data
        self._parse()
        self._update_timer()

    def on_response_complete(self) -> None:
        """Parses what arrived while the response was being sent."""
        super().on_response_complete()
        self._parse()
        if self.conn.trailing_data[0]:  # the next head has begun, so the connection is not idle
            self._unset_keepalive_if_required()
            self._update_timer()

    def send_400_response(self, msg: str) -> None:
        """Answers malformed HTTP. uvicorn calls this while it handles h11's error."""
        error = sys.exception()
        assert isinstance(error, h11.RemoteProtocolError)  # noqa: S101 # what uvicorn caught
        self._send_error(HTTPStatus(error.error_status_hint))

    def _parse(self) -> None:
        """Passes h11 the bytes of one request and keeps the rest until that is answered.

        Up to 256 KiB may arrive at once. h11 searches its whole buffer for the end of the head
        before it checks the head's size, so it is given at most `HEAD_BYTES` at a time. It checks
        neither while another request is being answered.
        """
        data, self._unparsed = self._unparsed, b""
        for start in range(0, len(data), HEAD_BYTES):
            if self.transport.is_closing():
                return
            if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
                self._unparsed = data[start:]
                self.flow.pause_reading()
                return
            super().data_received(data[start : start + HEAD_BYTES])

    def _update_timer(self) -> None:
        """Runs the timer while no request is being answered, and cancels it otherwise."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._cancel_timer()
        elif self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(self.head_seconds, self._on_timeout)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timeout(self) -> None:
        head_begun = self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]
        if head_begun:
            self._send_error(HTTPStatus.REQUEST_TIMEOUT)
        else:  # there is no request to answer
            self.transport.close()

    def _send_error(self, status: HTTPStatus) -> None:
        """Sends a problem, unless a response has begun, and closes the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            code = status.phrase.lower().replace(" ", "_")
            answer = problem(status, _DETAILS[status], code, {**DEFAULT, "Connection": "close"})
            head = h11.Response(
                status_code=status, headers=answer.raw_headers, reason=status.phrase.encode()
            )
            has_request = self.conn.our_state is h11.SEND_RESPONSE
            is_head = has_request and self.scope["method"] == "HEAD"
            body = b"" if is_head else bytes(answer.body)
            for event in (head, h11.Data(body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:
            # Otherwise a route that reads this body would wait forever or send a second response.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


def connection_class(head_seconds: float) -> type[Connection]:
    """Returns the connection class for uvicorn's ``http`` setting.

    Args:
        head_seconds: Seconds in which the head of a request must arrive.
    """
    return type("Connection", (Connection,), {"head_seconds": head_seconds})
