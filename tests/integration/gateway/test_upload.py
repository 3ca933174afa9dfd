"""Uploads that end before the whole file has arrived."""

import json
import socket
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse

from poseway.local.stack import Stack
from tests.support.waiting import until


def send_without_end(stack: Stack, head: bytes) -> socket.socket:
    """Sends the beginning of a form: 2 MiB of the 40 MiB announced."""
    port = int(stack.gateway_url.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(
        b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 41943040\r\n"
        b"Content-Type: multipart/form-data; boundary=edge\r\n\r\n" + head
    )
    connection.sendall(
        b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n'
        + bytes(2 << 20)
    )
    return connection


def test_a_wrong_option_is_refused_before_the_whole_file_arrives(stack: Stack) -> None:
    field = b'--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\nnope\r\n'
    with send_without_end(stack, field) as connection:
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status == 422
        assert answer.headers["connection"] == "close"
        assert json.loads(answer.read())["code"] == "unknown_model"


def test_a_client_that_disconnects_is_not_an_error(stack: Stack) -> None:
    log = stack.data_dir / "logs" / "api.log"
    before = log.stat().st_size
    send_without_end(stack, b"").close()
    until(lambda: "client disconnected" in log.read_text()[before:])
    time.sleep(0.5)
    logged = log.read_text()[before:]
    assert "unexpected" not in logged
    assert "Traceback" not in logged


def test_an_oversized_body_is_refused_before_it_is_sent(stack: Stack) -> None:
    connection = HTTPConnection(stack.gateway_url.removeprefix("http://"), timeout=30)
    with closing(connection):
        connection.putrequest("POST", "/v1/jobs")
        connection.putheader("Content-Type", "multipart/form-data; boundary=edge")
        connection.putheader("Content-Length", str(60 << 20))
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413
        assert json.loads(answer.read())["code"] == "too_large"
