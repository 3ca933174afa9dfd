"""Uploads and downloads of the client over connections that break, on the running system."""

import asyncio
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import httpx
import pytest

from poseway.client import AsyncClient, Client
from poseway.errors import InvalidRequestError, NotFoundError, PosewayError
from poseway.jobs import Job, JobState
from poseway.local.stack import Stack
from tests.support.gateways import gateway
from tests.support.videos import shorten

PART = 8 << 20
FRAMES = 15


@pytest.fixture(scope="module")
def short(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of the sample."""
    target = tmp_path_factory.mktemp("short") / "short.mp4"
    shorten(sample, target, Fraction(1, 2))
    return target


@contextmanager
def breaking(url: str, *limits: int) -> Iterator[str]:
    """The address of a relay to a gateway that cuts its first connections.

    Args:
        url: The gateway.
        limits: Bytes after which the first, the second … connection is cut, both ways counted.
    """
    host, port = url.removeprefix("http://").split(":")
    left = list(limits)

    def relay(client: socket.socket) -> None:
        allowed = [left.pop(0)] if left else [1 << 60]
        with client, socket.create_connection((host, int(port))) as server:

            def pump(source: socket.socket, target: socket.socket) -> None:
                with suppress(OSError):
                    while (data := source.recv(65536)) and allowed[0] > 0:
                        allowed[0] -= len(data)
                        target.sendall(data)
                for end in (source, target):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

            back = threading.Thread(target=pump, args=(server, client))
            back.start()
            pump(client, server)
            back.join()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=relay, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert not left, "fewer connections were made than should have been cut"


def padded(short: Path, size: int) -> bytes:
    """The sample with a box at its end that players pass over, as large as asked."""
    video = short.read_bytes()
    missing = size - len(video)
    return video + missing.to_bytes(4, "big") + b"free" + bytes(missing - 8)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_upload_resumes_after_a_lost_connection(
    stack: Stack, short: Path, tmp_path: Path, asynchronous: bool
) -> None:
    video = tmp_path / "large.mp4"
    video.write_bytes(padded(short, 2 * PART + 12345))
    told: list[tuple[int, int]] = []
    with breaking(stack.gateway_url, 3 << 20, PART + (3 << 20)) as url:

        def sent(count: int, total: int) -> None:
            told.append((count, total))

        async def submit() -> Job:
            async with AsyncClient(url) as client:
                return await client.submit(video, {"screenshot_frames": 100}, sent)

        if asynchronous:
            job = asyncio.run(submit())
        else:
            with Client(url) as client:
                job = client.submit(video, {"screenshot_frames": 100}, sent)
    size = video.stat().st_size
    assert told[-1] == (size, size)
    assert (job.name, job.size, job.options.screenshot_frames) == ("large.mp4", size, 100)
    with Client(stack.gateway_url) as client:
        assert client.wait(job.id).state is JobState.SUCCEEDED
        assert client.manifest(job.id).frames == FRAMES
        client.delete(job.id)


def test_part_waits_for_its_presigned_url(
    stack: Stack, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = padded(short, PART + 1000)
    failures: list[httpx.ReadError | httpx.Response] = [
        httpx.ReadError("cut"),
        httpx.Response(503, headers={"Retry-After": "0"}),
        httpx.Response(429, headers={"Retry-After": "0"}),
    ]
    through = httpx.HTTPTransport.handle_request
    sent: list[str] = []

    def disturbed(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if failures and request.url.path.endswith("/parts/2/url"):
            failure = failures.pop(0)
            if isinstance(failure, httpx.ReadError):
                raise failure
            return failure
        if request.method == "PUT":
            sent.append(request.url.host)
        return through(transport, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", disturbed)
    public = (stack.storage_settings.s3_endpoint or "").replace("127.0.0.1", "localhost")
    with (
        gateway(stack, {"POSEWAY_S3_PUBLIC_ENDPOINT": public}) as url,
        Client(url) as client,
    ):
        job = client.submit(video, name="direct.mp4")
        assert sent == ["localhost", "localhost"]
        assert (job.name, job.size) == ("direct.mp4", len(video))
        client.delete(job.id)
    assert not failures


def test_submit_with_the_same_idempotency_key_is_one_job(
    client: Client, short: Path, tmp_path: Path
) -> None:
    small, large = short.read_bytes(), padded(short, PART + 1000)
    for video in (small, large):
        key = f"test-{len(video)}-{tmp_path.name}"
        first = client.submit(video, name="v.mp4", idempotency_key=key)
        again = client.submit(io.BytesIO(video), name="v.mp4", idempotency_key=key)
        assert again.id == first.id
        with pytest.raises(PosewayError) as caught:
            client.submit(video, {"crf": 30}, name="v.mp4", idempotency_key=key)
        assert caught.value.code == "idempotency_key_reused"
        client.delete(first.id)
        with pytest.raises(NotFoundError):
            client.job(first.id)


def test_download_resumes_after_a_lost_connection(
    client: Client, stack: Stack, short: Path, tmp_path: Path
) -> None:
    job = client.wait(client.submit(short).id)
    whole = tmp_path / "whole.mp4"
    client.download(job.links["video"], whole)
    cut = whole.stat().st_size // 3
    counts: list[tuple[int, int | None]] = []
    with breaking(stack.gateway_url, cut, cut) as url, Client(url) as broken:
        target = tmp_path / "there" / "video.mp4"
        broken.download(job.links["video"], target, lambda *told: counts.append(told))
    assert target.read_bytes() == whole.read_bytes()
    # Nothing was fetched twice, as what is there never became less.
    assert counts == sorted(counts)
    assert {total for _, total in counts} == {whole.stat().st_size}
    client.delete(job.id)


def test_unusable_file_is_refused_before_any_request(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:1") as client:
        with pytest.raises(InvalidRequestError, match="No such file"):
            client.submit(tmp_path / "none.mp4")
        read, write = socket.socketpair()
        with (
            read,
            write,
            read.makefile("rb") as stream,
            pytest.raises(InvalidRequestError, match="cannot be read twice"),
        ):
            client.submit(stream)
    with pytest.raises(InvalidRequestError, match="is not the address of a gateway"):
        Client("localhost:8080")
