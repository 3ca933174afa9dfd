"""A trace collector that receives OTLP over HTTP and keeps all spans."""

import gzip
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


@dataclass(frozen=True)
class ReceivedSpan:
    """A span.

    Attributes:
        service: Service that sent it.
        name: Name of the span.
        trace: Id of its trace in hex.
        id: Id of the span in hex.
        parent: Id of the parent span in hex; empty for a root.
        kind: Kind as a number of OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
        failed: Whether its status is an error.
        attributes: Attributes without the ``poseway.`` prefix.
        began: Start in nanoseconds since 1970.
        ended: End in nanoseconds since 1970.
    """

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    failed: bool
    attributes: dict[str, object]
    began: int
    ended: int


class Collector(ThreadingHTTPServer):
    """Collector on a loopback port."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.paths: set[str] = set()
        self._spans: list[ReceivedSpan] = []
        self._changed = threading.Condition()

    def take(self, path: str, request: ExportTraceServiceRequest) -> None:
        with self._changed:
            self.paths.add(path)
            self._spans += _spans(request)
            self._changed.notify_all()

    def wait(
        self, wanted: Callable[[list[ReceivedSpan]], bool], seconds: float = 60
    ) -> list[ReceivedSpan]:
        """Waits until the spans satisfy `wanted` and returns them; fails after `seconds`."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: wanted(self._spans), seconds)
            names = sorted({(span.service, span.name) for span in self._spans})
            assert arrived, f"of these only: {names}"
            return list(self._spans)

    def settled(self, seconds: float) -> list[ReceivedSpan]:
        """Returns all spans after a pause."""
        time.sleep(seconds)
        with self._changed:
            return list(self._spans)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.take(self.path, ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def _spans(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for resource in request.resource_spans:
        about = dict(_attributes(resource.resource.attributes))
        assert about["service.namespace"] == "poseway"
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    service=str(about["service.name"]),
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    kind=span.kind,
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes=dict(_attributes(span.attributes)),
                    began=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                )


def _attributes(pairs: Iterable[KeyValue]) -> Iterator[tuple[str, object]]:
    for pair in pairs:
        yield pair.key.removeprefix("poseway."), _value(pair.value)


def _value(value: AnyValue) -> object:
    return getattr(value, value.WhichOneof("value") or "string_value")


@contextmanager
def collecting() -> Iterator[Collector]:
    """Runs a collector for the block."""
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()
