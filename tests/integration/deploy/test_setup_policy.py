"""The policy of the services' user allows exactly the operations that services use."""

import re
from collections.abc import Iterator
from pathlib import Path

import botocore.loaders
import pytest
from botocore import xform_name

from deploy.setup.rules import policy
from poseway.local.stack import Stack
from poseway.storage import MultipartUpload, ObjectReader, ObjectStore, ObjectWriter
from poseway.storage.writer import PART_BYTES

ROOT = Path(__file__).resolve().parents[3]
# What S3 asks for each operation, as its documentation says.
NEEDED = {
    "AbortMultipartUpload": {"s3:AbortMultipartUpload"},
    "CompleteMultipartUpload": {"s3:PutObject"},
    "CopyObject": {"s3:GetObject", "s3:PutObject"},
    "CreateMultipartUpload": {"s3:PutObject"},
    "DeleteObject": {"s3:DeleteObject"},
    "DeleteObjects": {"s3:DeleteObject"},
    "GetObject": {"s3:GetObject"},
    "HeadBucket": {"s3:ListBucket"},
    "HeadObject": {"s3:GetObject"},
    "ListObjectsV2": {"s3:ListBucket"},
    "ListParts": {"s3:ListMultipartUploadParts"},
    "PutObject": {"s3:PutObject"},
    "UploadPart": {"s3:PutObject"},
}
# A local system makes its bucket as its owner; on a cluster the set-up does.
OF_THE_OWNER = {"CreateBucket"}


def named() -> set[str]:
    """Every operation of S3 that the code of the services names."""
    files = [path for part in ("poseway", "services") for path in (ROOT / part).rglob("*.py")]
    text = "".join(path.read_text() for path in files)
    model = botocore.loaders.create_loader().load_service_model("s3", "service-2")
    return {name for name in model["operations"] if re.search(rf'\b{xform_name(name)}\b[("]', text)}


def test_every_operation_in_the_code_has_known_permissions() -> None:
    assert named() == set(NEEDED) | OF_THE_OWNER


def test_the_policy_allows_exactly_these_permissions() -> None:
    on_bucket, on_objects = policy("videos")["Statement"]
    assert on_bucket["Effect"] == on_objects["Effect"] == "Allow"
    assert on_bucket["Resource"] == ["arn:aws:s3:::videos"]
    assert on_objects["Resource"] == ["arn:aws:s3:::videos/*"]
    assert {*on_bucket["Action"], *on_objects["Action"]} == set.union(*NEEDED.values())
    # The rest are actions on objects.
    assert on_bucket["Action"] == ["s3:ListBucket"]


@pytest.fixture
def store(stack: Stack) -> Iterator[ObjectStore]:
    store = ObjectStore(stack.storage_settings)
    yield store
    store.delete_prefix("policy/")


def test_storage_enforces_the_named_permissions(store: ObjectStore) -> None:
    done: list[str] = []

    def note(model: botocore.model.OperationModel, **_: object) -> None:
        done.append(model.name)

    store.client.meta.events.register("before-call.s3", note)
    store.check()
    store.put("policy/a", b"a", "text/plain")
    store.get("policy/a")
    store.copy("policy/a", "policy/b")
    store.folders("policy/", "", 10)
    with ObjectWriter(store, "policy/long", "text/plain") as writer:
        writer.write(bytes(PART_BYTES + 1))
    ObjectReader(store, "policy/long").read(10)
    for ended in (MultipartUpload.complete, MultipartUpload.abort):
        upload = MultipartUpload(
            store, "policy/c", MultipartUpload.begin(store, "policy/c", "text/plain")
        )
        upload.parts()
        if ended is MultipartUpload.abort:
            upload.abort()
        else:
            store.client.upload_part(
                Bucket=store.bucket,
                Key="policy/c",
                UploadId=upload._id,
                PartNumber=1,
                Body=b"c",
            )
            upload.complete(upload.parts())
    store.delete("policy/a")
    store.delete_prefix("policy/")
    assert set(done) == set(NEEDED)
