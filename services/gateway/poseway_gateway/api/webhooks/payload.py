"""Body and signature of a webhook (standardwebhooks.com)."""

import base64
import hashlib
import hmac
from datetime import datetime

from pydantic import BaseModel, Field

from poseway.jobs import Job


class Ended(BaseModel):
    """The body of a webhook."""

    type: str = Field(description="job.succeeded, job.failed or job.cancelled.")
    timestamp: datetime = Field(description="Time at which the job ended.")
    data: Job = Field(description="The job as the API shows it.")


def body(job: Job, now: datetime) -> bytes:
    """Returns the body for a job that has ended."""
    ended = Ended(type=f"job.{job.state}", timestamp=job.finished_at or now, data=job)
    return ended.model_dump_json().encode()


def headers(secret: str, message_id: str, now: datetime, content: bytes) -> dict[str, str]:
    """Returns the headers that prove the sender.

    Args:
        secret: Secret of the receiver, ``whsec_`` and Base64.
        message_id: Id of the message, the same for each attempt.
        now: Time of this attempt.
        content: Body of the message.
    """
    seconds = int(now.timestamp())
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b"%s.%d.%s" % (message_id.encode(), seconds, content)
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "poseway-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }
