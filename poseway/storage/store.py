"""Objects in one bucket: put, get, list, copy, delete."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from poseway.errors import ConflictError, NotFoundError, UnavailableError
from poseway.settings import StorageSettings

# Limits of S3 per request.
_DELETED_AT_ONCE: Final = 1000
_LISTED_AT_ONCE: Final = 1000

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Metadata of an object.

    Attributes:
        key: Name in the bucket.
        size: Size in bytes.
        etag: ETag, including its quotes. Changes with every write.
        content_type: Media type of the object; empty in listings.
    """

    key: str
    size: int
    etag: str
    content_type: str = ""


@contextmanager
def translated(key: str) -> Generator[None]:
    """Turns boto3's errors into Poseway's.

    Args:
        key: Name of the object, for messages.

    Raises:
        NotFoundError: There is no such object or upload.
        ConflictError: A condition on the object's ETag did not hold.
        UnavailableError: The server cannot be reached, has no bucket or refuses. A retry may help.
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
            signature_version="s3v4",  # also for presigned URLs: some servers reject older versions
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "max_attempts": 4},
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=64,
            # The newer defaults add trailing checksums, which some S3 servers do not understand.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return client


class ObjectStore:
    """The bucket. Thread-safe."""

    def __init__(self, settings: StorageSettings) -> None:
        self.client = _connect(settings, settings.s3_endpoint)
        public = settings.s3_public_endpoint
        self.public_client = _connect(settings, public) if public else self.client
        """Signs URLs with the server's public name. Sends no requests."""
        self.bucket = settings.bucket

    def check(self) -> None:
        """Raises `NotFoundError` or `UnavailableError` unless the bucket exists."""
        with translated(self.bucket):
            self.client.head_bucket(Bucket=self.bucket)

    def ensure_bucket(self) -> None:
        """Creates the bucket if it does not exist."""
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
            data: Content of the object.
            content_type: Media type of the object.
            if_match: Write only if the object has this ETag.
            if_absent: Write only if the object does not exist.

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
        """Returns the content and the ETag of an object."""
        with translated(key):
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
            return answer["Body"].read(), answer["ETag"]

    def head(self, key: str) -> ObjectInfo:
        """Returns the metadata of an object."""
        with translated(key):
            answer = self.client.head_object(Bucket=self.bucket, Key=key)
        return ObjectInfo(key, answer["ContentLength"], answer["ETag"], answer["ContentType"])

    def exists(self, key: str) -> bool:
        """Whether an object exists."""
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
        """Yields the content of an object in chunks.

        Args:
            key: Name in the bucket.
            start: Position of the first byte.
            end: Position after the last byte; None reads to the end.
            chunk: Size of a chunk in bytes.
            if_match: ETag that the object must have. Otherwise `ConflictError` is raised.
        """
        if end is not None and end <= start:
            return
        with translated(key):
            wanted: dict[str, Any] = {}
            if start or end is not None:  # an empty object has no valid range
                wanted["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
            if if_match is not None:
                wanted["IfMatch"] = if_match
            body = self.client.get_object(Bucket=self.bucket, Key=key, **wanted)["Body"]
            try:
                yield from body.iter_chunks(chunk)
            finally:
                body.close()

    def public_url(self, key: str, seconds: int, disposition: str) -> str:
        """Returns a presigned URL to download an object from outside the cluster.

        Args:
            key: Name in the bucket.
            seconds: Time until the URL expires.
            disposition: ``Content-Disposition`` of the response.
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
        """Copies an object within the bucket. The server does the work."""
        with translated(source):
            self.client.copy_object(
                Bucket=self.bucket,
                Key=target,
                CopySource={"Bucket": self.bucket, "Key": source},
            )

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yields all objects whose key starts with `prefix`, in order of their keys."""
        with translated(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield ObjectInfo(item["Key"], item["Size"], item["ETag"])

    def folders(self, prefix: str, after: str, limit: int) -> list[str]:
        """Returns the names of the first folders directly under `prefix` that sort after `after`.

        Args:
            prefix: Prefix that ends with a slash.
            after: Name of a folder; empty to start with the first.
            limit: Maximum number of names.
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
        """Deletes an object if it exists."""
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
