"""Lifecycle rules of the bucket and the policy of the services' user."""

import json
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

FILE: Final = Path(__file__).with_name("lifecycle.json")
"""The rules in the form that S3 accepts."""

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
    """Least rights that the services need: the objects of one bucket, not its configuration."""
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
    """Merges the rules of `FILE` into a bucket's rules. Other rules stay as they are.

    The rule for incomplete uploads is left out: MinIO has no such rule and aborts them itself.

    Args:
        present: Current rules of the bucket as XML; None if there are none.

    Returns:
        The merged rules as XML.
    """
    # The XML comes from our own server. Parsed into a client's objects, rules would lose elements
    # that the client does not know, and then delete more than intended.
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
