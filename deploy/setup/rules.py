"""What the bucket deletes by itself, and what the services may do with it."""

import json
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

FILE: Final = Path(__file__).with_name("lifecycle.json")
"""The rules as S3 takes them."""

POLICY: Final = "poseway"
"""Name of the policy."""

_ON_BUCKET: Final = ("s3:ListBucket",)
_ON_OBJECTS: Final = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)


def policy(bucket: str) -> dict[str, Any]:
    """The least that the services need: objects of one bucket, and nothing of the bucket itself."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": list(_ON_BUCKET),
                "Resource": [f"arn:aws:s3:::{bucket}"],
            },
            {
                "Effect": "Allow",
                "Action": list(_ON_OBJECTS),
                "Resource": [f"arn:aws:s3:::{bucket}/*"],
            },
        ],
    }


def lifecycle(present: bytes | None) -> bytes:
    """The rules that a bucket shall have: those of the file, and all others that it has, untouched.

    MinIO knows no rule for incomplete uploads, which it ends by itself, so that one is left out.

    Args:
        present: The XML of what the bucket has; None if it has no rule.
    """
    # It comes from the server whose root we are. Read as objects of a client, it would lose what
    # that client does not know, and delete more than its author meant.
    root = ElementTree.fromstring(present or b"<LifecycleConfiguration/>")  # noqa: S314
    space = root.tag.removesuffix("LifecycleConfiguration")
    ours = [rule for rule in json.loads(FILE.read_text())["Rules"] if "Expiration" in rule]
    names = {rule["ID"] for rule in ours}
    for rule in root.findall(f"{space}Rule"):
        if rule.findtext(f"{space}ID") in names:
            root.remove(rule)
    for rule in ours:
        _add(root, space, "Rule", rule)
    return bytes(ElementTree.tostring(root, default_namespace=space.strip("{}") or None))


def _add(parent: ElementTree.Element, space: str, name: str, value: object) -> None:
    element = ElementTree.SubElement(parent, space + name)
    if isinstance(value, dict):
        for key, inner in value.items():
            _add(element, space, key, inner)
    else:
        element.text = str(value)
