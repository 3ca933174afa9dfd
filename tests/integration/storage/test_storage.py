"""Object storage against a real S3 server."""

import hashlib
import io
import secrets
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from poseway.errors import ConflictError, NotFoundError, UnavailableError
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway.settings import StorageSettings
from poseway.storage import ObjectReader, ObjectStore, ObjectWriter
from poseway.storage.writer import PART_BYTES


@pytest.fixture
def store(stack: Stack) -> ObjectStore:
    return stack.store


@pytest.fixture
def prefix(store: ObjectStore) -> Iterator[str]:
    name = f"test/{secrets.token_hex(8)}/"
    yield name
    store.delete_prefix(name)


def test_conditional_writes_guard_a_record(store: ObjectStore, prefix: str) -> None:
    key = prefix + "status"
    first = store.put(key, b"1", "text/plain", if_absent=True)
    with pytest.raises(ConflictError):
        store.put(key, b"2", "text/plain", if_absent=True)
    store.put(key, b"2", "text/plain", if_match=first)
    with pytest.raises(ConflictError):
        store.put(key, b"3", "text/plain", if_match=first)
    assert store.get(key)[0] == b"2"


def test_missing_object_raises_not_found(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(NotFoundError):
        store.get(prefix + "nothing")
    with pytest.raises(NotFoundError):
        ObjectReader(store, prefix + "nothing")
    assert not store.exists(prefix + "nothing")
    store.delete(prefix + "nothing")


def test_unreachable_server_raises_unavailable() -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    settings = StorageSettings(
        s3_endpoint=nowhere, s3_access_key="key", s3_secret_key=SecretStr(secrets.token_hex())
    )
    with pytest.raises(UnavailableError):
        ObjectStore(settings).get("anything")


def test_folders_are_paged_in_order(store: ObjectStore, prefix: str) -> None:
    names = [f"{number:02d}" for number in range(7)]
    for name in names:
        for part in ("request", "status", "z/deep"):
            store.put(f"{prefix}{name}/{part}", b"x", "text/plain")
    assert store.folders(prefix, "", 3) == names[:3]
    assert store.folders(prefix, names[2], 3) == names[3:6]
    assert store.folders(prefix, names[5], 3) == names[6:]
    assert store.folders(prefix, names[6], 3) == []


def test_stream_of_a_range(store: ObjectStore, prefix: str) -> None:
    data = secrets.token_bytes(1000)
    store.put(prefix + "data", data, "text/plain")
    assert b"".join(store.stream(prefix + "data", 10, 20)) == data[10:20]
    assert b"".join(store.stream(prefix + "data", 990)) == data[990:]
    assert b"".join(store.stream(prefix + "data", 5, 5)) == b""


def test_reader_behaves_like_a_file(store: ObjectStore, prefix: str) -> None:
    data = secrets.token_bytes(3_000_000)
    store.put(prefix + "data", data, "text/plain")
    reader, file = ObjectReader(store, prefix + "data"), io.BytesIO(data)
    for offset, whence, size in [(0, 0, 10), (-5, 2, 10), (1 << 20, 0, 1 << 20), (-7, 1, 100)]:
        assert reader.seek(offset, whence) == file.seek(offset, whence)
        assert reader.read(size) == file.read(size)
        assert reader.tell() == file.tell()
    reader.seek(0)
    assert reader.read() == data


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 5])
def test_writer_accepts_any_size(store: ObjectStore, prefix: str, size: int) -> None:
    data = secrets.token_bytes(size)
    with ObjectWriter(store, prefix + "data", "video/mp4") as writer:
        for i in range(0, size, 1_000_003):
            writer.write(data[i : i + 1_000_003])
    assert writer.sha256.hexdigest() == hashlib.sha256(data).hexdigest()
    assert b"".join(store.stream(prefix + "data")) == data
    assert store.head(prefix + "data").content_type == "video/mp4"


def test_head_can_be_written_last(store: ObjectStore, prefix: str) -> None:
    body = secrets.token_bytes(PART_BYTES + 1000)
    with ObjectWriter(store, prefix + "data", "video/mp4") as writer:
        writer.seek(5000)
        writer.write(body)
        writer.seek(100)
        writer.write(b"index")
    expected = bytearray(5000) + body
    expected[100:105] = b"index"
    assert store.get(prefix + "data")[0] == bytes(expected)


def test_sent_part_cannot_be_rewritten(store: ObjectStore, prefix: str) -> None:
    writer = ObjectWriter(store, prefix + "data", "video/mp4")
    writer.write(bytes(3 * PART_BYTES))
    writer.seek(PART_BYTES)
    with pytest.raises(io.UnsupportedOperation):
        writer.write(b"late")
    writer.abort()


def test_aborted_object_never_appears(store: ObjectStore, prefix: str) -> None:
    def fail() -> None:
        with ObjectWriter(store, prefix + "data", "video/mp4") as writer:
            writer.write(bytes(2 * PART_BYTES + 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not store.exists(prefix + "data")


@pytest.mark.parametrize("end", [ObjectWriter.finish, ObjectWriter.abort])
def test_finished_writer_frees_its_memory(
    store: ObjectStore, prefix: str, end: Callable[[ObjectWriter], None]
) -> None:
    tracemalloc.start()
    try:
        writer = ObjectWriter(store, f"{prefix}a", "text/plain")
        writer.write(bytes(2 * PART_BYTES - 1))
        assert tracemalloc.get_traced_memory()[0] > PART_BYTES
        end(writer)
        assert tracemalloc.get_traced_memory()[0] < PART_BYTES / 4
    finally:
        tracemalloc.stop()
    assert writer.size == 2 * PART_BYTES - 1


def test_head_can_be_larger_than_a_part(store: ObjectStore, prefix: str) -> None:
    head = PART_BYTES + 5_000_000
    body = secrets.token_bytes(2 * PART_BYTES)
    with ObjectWriter(store, prefix + "data", "video/mp4", head) as writer:
        writer.seek(head - 100)
        writer.write(body)
        writer.seek(PART_BYTES + 7)
        writer.write(b"index")
        writer.seek(head)
        with pytest.raises(io.UnsupportedOperation):
            writer.write(b"late")
    expected = bytearray(head - 100) + body
    expected[PART_BYTES + 7 : PART_BYTES + 12] = b"index"
    assert store.get(prefix + "data")[0] == bytes(expected)
