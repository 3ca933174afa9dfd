"""Objects that arrive in parts, in any order, from whoever has the address of a part."""

from typing import TYPE_CHECKING

from poseway.storage.store import ObjectStore, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, PartTypeDef


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

    def part_url(self, number: int, seconds: int, *, public: bool = False) -> str:
        """Address to which whoever has it may PUT a part, for some seconds.

        Args:
            number: Of the part.
            seconds: For which it counts.
            public: As seen from outside the cluster.
        """
        client = self._store.public_client if public else self._store.client
        return self._presigned(client, number, seconds)

    def _presigned(self, client: "S3Client", number: int, seconds: int) -> str:
        return client.generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": self._store.bucket,
                "Key": self._key,
                "UploadId": self._id,
                "PartNumber": number,
            },
            ExpiresIn=seconds,
        )

    def sizes(self) -> dict[int, int]:
        """Bytes of each part that has arrived, by its number."""
        return {part["PartNumber"]: part["Size"] for part in self._parts()}

    def complete(self) -> None:
        """Makes the object appear, out of all parts that have arrived."""
        parts: list[CompletedPartTypeDef] = [
            {"ETag": part["ETag"], "PartNumber": part["PartNumber"]} for part in self._parts()
        ]
        with translated(self._key):
            self._store.client.complete_multipart_upload(
                Bucket=self._store.bucket,
                Key=self._key,
                UploadId=self._id,
                MultipartUpload={"Parts": parts},
            )

    def abort(self) -> None:
        """Throws all parts away."""
        with translated(self._key):
            self._store.client.abort_multipart_upload(
                Bucket=self._store.bucket, Key=self._key, UploadId=self._id
            )

    def _parts(self) -> "list[PartTypeDef]":
        with translated(self._key):
            pages = self._store.client.get_paginator("list_parts").paginate(
                Bucket=self._store.bucket, Key=self._key, UploadId=self._id
            )
            return [part for page in pages for part in page.get("Parts", [])]
