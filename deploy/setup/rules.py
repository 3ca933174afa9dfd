"""What the bucket deletes by itself, and what the services may do with it."""

import json
from pathlib import Path
from typing import Any, Final

from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

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


def lifecycle(present: LifecycleConfig | None) -> LifecycleConfig:
    """The rules that a bucket shall have: those of the file, and all others that it has.

    MinIO knows no rule for incomplete uploads, which it ends by itself, so that one is left out.

    Args:
        present: What the bucket has; None if it has no rule.
    """
    ours = [
        Rule(
            ENABLED,
            rule_filter=Filter(prefix=rule["Filter"]["Prefix"]),
            rule_id=rule["ID"],
            expiration=Expiration(days=rule["Expiration"]["Days"]),
        )
        for rule in json.loads(FILE.read_text())["Rules"]
        if "Expiration" in rule
    ]
    names = {rule.rule_id for rule in ours}
    theirs = [rule for rule in present.rules if rule.rule_id not in names] if present else []
    return LifecycleConfig([*theirs, *ours])
