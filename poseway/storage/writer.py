"""Writes an object of any size as a file, in bounded memory."""

import hashlib
import io
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from poseway.storage.store import ObjectStore, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES: Final = 8 << 20
"""S3 allows 10,000 parts of at least 5 MiB each, so an object may have up to 80 GB."""


class ObjectWriter(io.RawIOBase):
    """Writes an object as a multipart upload.

    The head, which is the first part, stays in memory until the end and can be rewritten. So a
    container whose header is only known at the end (an MP4 with its index in front) needs no file
    on disk. After the head, bytes can only be appended.

    As a context manager, it creates the object when the block ends, and not at all if it raises.

    Attributes:
        size: Bytes written so far.
        sha256: Hash of the bytes in the order of writing, for callers that only append.
    """

    def __init__(
        self, store: ObjectStore, key: str, content_type: str, head_bytes: int = PART_BYTES
    ) -> None:
        """Starts an object.

        Args:
            store: Store of the object.
            key: Name of the object.
            content_type: Media type of the object.
            head_bytes: Minimum size of the rewritable head. At least `PART_BYTES` are used.
        """
        super().__init__()
        self._store = store
        self._content_type = content_type
        self._head = bytearray()
        self._tail = bytearray()
        self._head_bytes = max(PART_BYTES, head_bytes)
        self._tail_start = self._head_bytes
        self._position = 0
        self._parts: list[CompletedPartTypeDef] = []
        self._upload_id: str | None = None
        self.key = key
        self.size = 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True, although only the head can be rewritten."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a position. A gap past the end is filled with zeros."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Returns the current position."""
        return self._position

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Writes `data` at the current position.

        Raises:
            io.UnsupportedOperation: The position lies in a part that was already sent.
            UnavailableError: Object storage cannot be reached.
        """
        view = memoryview(data).cast("B")
        self.sha256.update(view)
        while view:
            if self._position < self._head_bytes:
                offset = self._position
                room, buffer = self._head_bytes - offset, self._head
            else:
                offset = self._position - self._tail_start
                room, buffer = PART_BYTES - offset, self._tail
            if offset < 0 or room <= 0:
                raise io.UnsupportedOperation(f"cannot write {self.key} at {self._position}")
            piece = view[:room]
            if offset > len(buffer):
                buffer.extend(bytes(offset - len(buffer)))
            buffer[offset : offset + len(piece)] = piece
            self._position += len(piece)
            self.size = max(self.size, self._position)
            view = view[len(piece) :]
            if len(self._tail) == PART_BYTES:
                self._send(self._tail)
                self._tail_start += PART_BYTES
                self._tail = bytearray()
        return len(data)

    def _send(self, part: bytearray, number: int | None = None) -> None:
        with translated(self.key):
            if self._upload_id is None:
                self._upload_id = self._store.client.create_multipart_upload(
                    Bucket=self._store.bucket, Key=self.key, ContentType=self._content_type
                )["UploadId"]
            number = number or len(self._parts) + 2
            etag = self._store.client.upload_part(
                Bucket=self._store.bucket,
                Key=self.key,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=bytes(part),
            )["ETag"]
        self._parts.append({"ETag": etag, "PartNumber": number})

    def finish(self) -> None:
        """Creates the object and frees the buffers. Nothing more can be written."""
        if self._upload_id is None and not self._tail:
            self._store.put(self.key, bytes(self._head), self._content_type)
        else:
            self._complete()
        self._free_buffers()

    def _complete(self) -> None:
        if self._tail:
            self._send(self._tail)
        self._head.extend(bytes(self._head_bytes - len(self._head)))
        self._send(self._head, number=1)
        assert self._upload_id is not None  # noqa: S101 # _send has started it
        self._parts.sort(key=lambda part: part["PartNumber"])
        with translated(self.key):
            self._store.client.complete_multipart_upload(
                Bucket=self._store.bucket,
                Key=self.key,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},
            )
        self._upload_id = None

    def abort(self) -> None:
        """Discards the upload, unless it is finished."""
        self._free_buffers()
        if self._upload_id is not None:
            with translated(self.key):
                self._store.client.abort_multipart_upload(
                    Bucket=self._store.bucket, Key=self.key, UploadId=self._upload_id
                )
            self._upload_id = None

    def _free_buffers(self) -> None:
        # A remaining reference to this writer, even in a cycle, would keep megabytes alive.
        self._head, self._tail = bytearray(), bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.abort()
            # A muxer that is destroyed later must not write its trailer here.
            self.close()
