"""One connection of a client, with bounds that uvicorn lacks."""

import asyncio
import sys
from http import HTTPStatus
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from poseway_gateway.api.web.problems import problem
from poseway_gateway.api.web.security_headers import DEFAULT

HEAD_BYTES: Final = 32 << 10
"""Largest head of a request that is always taken; what h11 must be told."""

_SAYS: Final = {
    HTTPStatus.BAD_REQUEST: "That is no HTTP/1.1 that can be read.",
    HTTPStatus.REQUEST_TIMEOUT: "The head of the request took too long. Send it again, at once.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        f"Address and headers are too large. Send at most {HEAD_BYTES >> 10} KiB of them."
    ),
    HTTPStatus.NOT_IMPLEMENTED: "Of transfer encodings only chunked is understood.",
}


class Connection(H11Protocol):
    """Ends when the head of a request takes too long; errors of the protocol are problems, too.

    From where nothing is being answered until the next request has come there are so many seconds,
    whether its bytes come slowly, or not, or are still those of a body that nobody reads.

    Attributes:
        head_seconds: How many; see `within`.
    """

    head_seconds: float
    _clock: asyncio.TimerHandle | None = None
    _held: bytes = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        super().connection_lost(exc)
        self._stop()

    def data_received(self, data: bytes) -> None:
        """Takes what has come."""
        self._held += data
        self._take()
        self._watch()

    def on_response_complete(self) -> None:
        """Goes on with what came while this was being answered."""
        super().on_response_complete()
        self._take()
        if self.conn.trailing_data[0]:  # the next head has begun, so it is not idle
            self._unset_keepalive_if_required()
            self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP; called while the error is handled."""
        error = sys.exception()
        assert isinstance(error, h11.RemoteProtocolError)  # noqa: S101 # what uvicorn caught
        self._refuse(HTTPStatus(error.error_status_hint))

    def _take(self) -> None:
        """Gives h11 what belongs to one request, and keeps the rest until that is answered.

        What comes at once may be 256 KiB, and h11 looks for the end of a head before its size: it
        must not have more at a time. It looks for neither while another request is being answered.
        """
        data, self._held = self._held, b""
        for start in range(0, len(data), HEAD_BYTES):
            if self.transport.is_closing():
                return
            if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
                self._held = data[start:]
                self.flow.pause_reading()
                return
            super().data_received(data[start : start + HEAD_BYTES])

    def _watch(self) -> None:
        """Starts the clock where nothing is being answered, and stops it where something is."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._clock is None and not self.transport.is_closing():
            self._clock = self.loop.call_later(self.head_seconds, self._too_late)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _too_late(self) -> None:
        begun = self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]
        if begun:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:  # nothing was asked
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answers, unless an answer has begun, and ends."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            code = status.phrase.lower().replace(" ", "_")
            answer = problem(status, _SAYS[status], code, {**DEFAULT, "Connection": "close"})
            head = h11.Response(
                status_code=status, headers=answer.raw_headers, reason=status.phrase.encode()
            )
            asked = self.conn.our_state is h11.SEND_RESPONSE
            body = b"" if asked and self.scope["method"] == "HEAD" else bytes(answer.body)
            for event in (head, h11.Data(body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:
            # Else whoever reads this body waits, or answers as well.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


def within(seconds: float) -> type[Connection]:
    """Connections on which the head of a request must come in so many seconds."""
    return type("Connection", (Connection,), {"head_seconds": seconds})
