"""Object storage over S3: whole objects, readers, writers and multipart uploads."""

from poseway.storage.multipart import ArrivedPart, MultipartUpload
from poseway.storage.reader import ObjectReader
from poseway.storage.store import ObjectInfo, ObjectStore
from poseway.storage.writer import ObjectWriter

__all__ = [
    "ArrivedPart",
    "MultipartUpload",
    "ObjectInfo",
    "ObjectReader",
    "ObjectStore",
    "ObjectWriter",
]
