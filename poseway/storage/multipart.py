"""Objects that arrive in parts, in any order, from whoever has the address of a part."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poseway.storage.store import ObjectStore, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


@dataclass(frozen=True)
class ArrivedPart:
    """A part as object storage lists it.

    Attributes:
        number: From 1.
        size: Its bytes.
        etag: Names these bytes among all that were sent under the number.
    """

    number: int
    size: int
    etag: str


class MultipartUpload:
    """An object that grows by parts, numbered from 1; it is not there before it is complete.

    Every method raises `NotFoundError` once the upload is completed or aborted.
    """

    def __init__(self, store: ObjectStore, key: str, upload_id: str) -> None:
        """Goes on with an upload.

        Args:
            store: Where it is.
            key: Name of the object.
            upload_id: As `begin` returned it.
        """
        self._store = store
        self._key = key
        self._id = upload_id

    @staticmethod
    def begin(store: ObjectStore, key: str, content_type: str) -> str:
        """Begins an upload and returns its id."""
        with translated(key):
            return store.client.create_multipart_upload(
                Bucket=store.bucket, Key=key, ContentType=content_type
            )["UploadId"]

    def part_url(self, number: int, size: int, seconds: int, *, public: bool = False) -> str:
        """Address to which whoever has it may PUT a part, for some seconds.

        Args:
            number: Of the part.
            size: Its bytes; object storage refuses any other Content-Length.
            seconds: For which it counts.
            public: As seen from outside the cluster.
        """
        client = self._store.public_client if public else self._store.client
        return self._presigned(client, number, size, seconds)

    def _presigned(self, client: "S3Client", number: int, size: int, seconds: int) -> str:
        return client.generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": self._store.bucket,
                "Key": self._key,
                "UploadId": self._id,
                "PartNumber": number,
                "ContentLength": size,
            },
            ExpiresIn=seconds,
        )

    def parts(self) -> list[ArrivedPart]:
        """The parts that have arrived.

        One that was sent again may be listed several times, in no order: SeaweedFS keeps them all
        until the upload is completed.
        """
        with translated(self._key):
            pages = self._store.client.get_paginator("list_parts").paginate(
                Bucket=self._store.bucket, Key=self._key, UploadId=self._id
            )
            return [
                ArrivedPart(part["PartNumber"], part["Size"], part["ETag"])
                for page in pages
                for part in page.get("Parts", [])
            ]

    def complete(self, parts: Iterable[ArrivedPart]) -> None:
        """Makes the object appear, out of these parts; of several of a number, the newest."""
        named: list[CompletedPartTypeDef] = [
            {"ETag": part.etag, "PartNumber": part.number} for part in parts
        ]
        with translated(self._key):
            self._store.client.complete_multipart_upload(
                Bucket=self._store.bucket,
                Key=self._key,
                UploadId=self._id,
                MultipartUpload={"Parts": named},
            )

    def abort(self) -> None:
        """Throws all parts away."""
        with translated(self._key):
            self._store.client.abort_multipart_upload(
                Bucket=self._store.bucket, Key=self._key, UploadId=self._id
            )
