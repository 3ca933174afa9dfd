"""Whole objects in one bucket: put, get, list, delete."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from poseway.errors import ConflictError, NotFoundError, UnavailableError
from poseway.settings import StorageSettings

# As many as S3 takes, or tells, in one request.
_DELETED_AT_ONCE: Final = 1000
_LISTED_AT_ONCE: Final = 1000

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the server tells of an object.

    Attributes:
        key: Name in the bucket.
        size: Bytes.
        etag: Changes whenever the object does; with its quotes.
        content_type: Media type that the object was stored with; empty in listings.
    """

    key: str
    size: int
    etag: str
    content_type: str = ""


@contextmanager
def translated(key: str) -> Generator[None]:
    """Turns boto3's errors into Poseway's.

    Raises:
        NotFoundError: There is no such object or bucket.
        ConflictError: A condition on the object's ETag did not hold.
        UnavailableError: The server cannot be reached or cannot serve; trying again helps.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchBucket":
            raise UnavailableError(f"The bucket for {key} does not exist. Create it.") from error
        if status == 404 or code in ("NoSuchKey", "NoSuchUpload"):
            raise NotFoundError(f"There is no object {key}.") from error
        if status in (409, 412):
            raise ConflictError(f"Object {key} was changed by another writer.") from error
        raise UnavailableError(f"Object storage refused {key}: {code or status}.") from error
    except BotoCoreError as error:
        raise UnavailableError(f"Object storage cannot be reached for {key}: {error}.") from error


def _connect(settings: StorageSettings, endpoint: str | None) -> "S3Client":
    secret = settings.s3_secret_key
    client: S3Client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            signature_version="s3v4",  # also of addresses: older ones are refused by some
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "max_attempts": 4},
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=64,
            # Newer defaults add trailing checksums that not every S3 server understands.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return client


class ObjectStore:
    """The bucket. Safe to use from several threads."""

    def __init__(self, settings: StorageSettings) -> None:
        self.client = _connect(settings, settings.s3_endpoint)
        public = settings.s3_public_endpoint
        self.public_client = _connect(settings, public) if public else self.client
        """Signs addresses for those who know the server under another name; sends nothing."""
        self.bucket = settings.bucket

    def check(self) -> None:
        """Raises `NotFoundError` or `UnavailableError` unless the bucket is there."""
        with translated(self.bucket):
            self.client.head_bucket(Bucket=self.bucket)

    def ensure_bucket(self) -> None:
        """Makes the bucket if it is not there."""
        try:
            self.check()
        except NotFoundError:
            with translated(self.bucket):
                self.client.create_bucket(Bucket=self.bucket)

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str,
        *,
        if_match: str | None = None,
        if_absent: bool = False,
    ) -> str:
        """Writes an object and returns its ETag.

        Args:
            key: Name in the bucket.
            data: The whole object.
            content_type: Media type to serve it with.
            if_match: Write only if the object still has this ETag.
            if_absent: Write only if there is no such object yet.

        Raises:
            ConflictError: The condition did not hold.
            UnavailableError: See `translated`.
        """
        condition: dict[str, Any] = {}
        if if_match is not None:
            condition["IfMatch"] = if_match
        if if_absent:
            condition["IfNoneMatch"] = "*"
        with translated(key):
            return self.client.put_object(
                Bucket=self.bucket, Key=key, Body=data, ContentType=content_type, **condition
            )["ETag"]

    def get(self, key: str) -> tuple[bytes, str]:
        """Reads an object: its bytes and its ETag."""
        with translated(key):
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
            return answer["Body"].read(), answer["ETag"]

    def head(self, key: str) -> ObjectInfo:
        """Tells about an object without reading it."""
        with translated(key):
            answer = self.client.head_object(Bucket=self.bucket, Key=key)
        return ObjectInfo(key, answer["ContentLength"], answer["ETag"], answer["ContentType"])

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            self.head(key)
        except NotFoundError:
            return False
        return True

    def stream(
        self,
        key: str,
        start: int = 0,
        end: int | None = None,
        chunk: int = 1 << 18,
        *,
        if_match: str | None = None,
    ) -> Iterator[bytes]:
        """Reads an object piece by piece.

        Args:
            key: Name in the bucket.
            start: First byte.
            end: The byte after the last; None: all.
            chunk: Bytes of a piece.
            if_match: Read only if the object still has this ETag; else `ConflictError`.
        """
        if end is not None and end <= start:
            return
        with translated(key):
            wanted: dict[str, Any] = {}
            if start or end is not None:  # an empty object has no range at all
                wanted["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
            if if_match is not None:
                wanted["IfMatch"] = if_match
            body = self.client.get_object(Bucket=self.bucket, Key=key, **wanted)["Body"]
            try:
                yield from body.iter_chunks(chunk)
            finally:
                body.close()

    def public_url(self, key: str, seconds: int, disposition: str) -> str:
        """Address at which whoever has it may get an object, as seen from outside the cluster.

        Args:
            key: Name in the bucket.
            seconds: For which it counts.
            disposition: ``Content-Disposition`` of the answer.
        """
        return self.public_client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.bucket,
                "Key": key,
                "ResponseContentDisposition": disposition,
            },
            ExpiresIn=seconds,
        )

    def copy(self, source: str, target: str) -> None:
        """Copies an object within the bucket, on the server."""
        with translated(source):
            self.client.copy_object(
                Bucket=self.bucket,
                Key=target,
                CopySource={"Bucket": self.bucket, "Key": source},
            )

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        """All objects whose key starts with `prefix`, in order."""
        with translated(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield ObjectInfo(item["Key"], item["Size"], item["ETag"])

    def folders(self, prefix: str, after: str, limit: int) -> list[str]:
        """Names of the first `limit` folders directly under `prefix` that sort after `after`.

        Args:
            prefix: Ends with a slash.
            after: Name of a folder, or empty to begin with the first.
            limit: At most this many.
        """
        found: list[str] = []
        # "0" is the character after the slash: everything inside folder `after` sorts before it.
        position = f"{prefix}{after}0" if after else prefix
        while len(found) < limit:
            with translated(prefix):
                page = self.client.list_objects_v2(
                    Bucket=self.bucket,
                    Prefix=prefix,
                    Delimiter="/",
                    StartAfter=position,
                    MaxKeys=min(limit - len(found), _LISTED_AT_ONCE),
                )
            folders = [
                item["Prefix"][len(prefix) : -1]
                for item in page.get("CommonPrefixes", [])
                if "Prefix" in item
            ]
            found += folders
            if not page.get("IsTruncated") or not folders:
                break
            position = f"{prefix}{folders[-1]}0"
        return found[:limit]

    def delete(self, key: str) -> None:
        """Deletes an object; one that is not there is fine."""
        with translated(key):
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def delete_prefix(self, prefix: str) -> None:
        """Deletes every object whose key starts with `prefix`."""
        keys = [item.key for item in self.walk(prefix)]
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            some = keys[start : start + _DELETED_AT_ONCE]
            with translated(prefix):
                answer = self.client.delete_objects(
                    Bucket=self.bucket,
                    Delete={"Objects": [{"Key": key} for key in some], "Quiet": True},
                )
            if errors := answer.get("Errors"):
                raise UnavailableError(
                    f"{len(errors)} objects under {prefix} could not be deleted."
                )
