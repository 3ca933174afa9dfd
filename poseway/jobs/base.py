"""What all records of jobs have in common: ids, times, and how they are parsed."""

import secrets
import time
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

JobId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


def new_job_id() -> str:
    """Makes a job id: 48 bits of inverted milliseconds, then 80 random bits, in hex.

    Newer ids sort first as text, so a listing of objects begins with the newest jobs.
    """
    inverted = (1 << 48) - 1 - time.time_ns() // 1_000_000
    return f"{inverted:012x}{secrets.token_hex(10)}"


def now() -> datetime:
    """Returns the current time in UTC."""
    return datetime.now(UTC)


class Record(BaseModel):
    """Base of all records: immutable, and readable whichever version wrote them."""

    # Ignoring unknown fields lets a service read the records of a newer version.
    model_config = ConfigDict(extra="ignore", frozen=True)
