"""Multipart uploads whose parts clients send to presigned URLs, in any order."""

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
        number: Number of the part, from 1.
        size: Size in bytes.
        etag: Distinguishes this content from others sent under the same number.
    """

    number: int
    size: int
    etag: str


class MultipartUpload:
    """An object that is uploaded in parts numbered from 1. It appears when it is completed.

    Every method raises `NotFoundError` once the upload is completed or aborted.
    """

    def __init__(self, store: ObjectStore, key: str, upload_id: str) -> None:
        """Continues an upload.

        Args:
            store: Store of the object.
            key: Name of the object.
            upload_id: Id that `begin` returned.
        """
        self._store = store
        self._key = key
        self._id = upload_id

    @staticmethod
    def begin(store: ObjectStore, key: str, content_type: str) -> str:
        """Starts an upload and returns its id."""
        with translated(key):
            return store.client.create_multipart_upload(
                Bucket=store.bucket, Key=key, ContentType=content_type
            )["UploadId"]

    def part_url(self, number: int, size: int, seconds: int, *, public: bool = False) -> str:
        """Returns a presigned URL to PUT a part to.

        Args:
            number: Number of the part.
            size: Size in bytes. Object storage rejects any other Content-Length.
            seconds: Time until the URL expires.
            public: Whether the URL is for clients outside the cluster.
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
        """Lists the parts that have arrived.

        A part that was sent several times may be listed as often, in any order: SeaweedFS keeps
        every copy until the upload is completed.
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
        """Completes the object from these parts, the newest of each number."""
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
        """Deletes all parts."""
        with translated(self._key):
            self._store.client.abort_multipart_upload(
                Bucket=self._store.bucket, Key=self._key, UploadId=self._id
            )
