"""Responses of the gateway other than jobs and manifests."""

from datetime import datetime

from pydantic import Field

from poseway.jobs import Job, Record
from poseway.model_cards import Measured


class JobPage(Record):
    """A page of jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None = Field(description="Cursor of the next page; null on the last page.")


class Part(Record):
    """A part of a multipart upload that has arrived."""

    number: int
    size: int


class Upload(Record):
    """A multipart upload."""

    id: str = Field(description="Id of the upload, and of the job that it becomes.")
    name: str
    size: int
    part_bytes: int = Field(description="Size of every part but the last.")
    parts: list[Part] = Field(description="Parts that have arrived.")
    complete: bool = Field(description="Whether the upload was completed and has become a job.")
    direct: bool = Field(description="Whether parts can be sent straight to object storage.")
    expires_at: datetime
    links: dict[str, str]


class PartUrl(Record):
    """A presigned URL for one part, which bypasses the gateway."""

    url: str
    expires_at: datetime


class Share(Record):
    """A share link to one result."""

    token: str
    expires_at: datetime
    page: str = Field(description="Path of the page that shows the result.")


class Model(Record):
    """A model that a job can choose."""

    name: str
    title: str
    licence: str
    default: bool
    measured: Measured | None = None


class Models(Record):
    """The models, the default first."""

    models: list[Model]


class Person(Record):
    """A person in a frame."""

    id: int
    score: float
    keypoints: list[float] = Field(description="x, y and score of the 18 keypoints, as drawn.")
    filled: list[int] = Field(default=[], description="Indices of keypoints that were filled in.")
    angles: dict[str, float | None] = Field(
        default={}, description="Joint angles in degrees; null if not seen."
    )


class Frame(Record):
    """A frame with the people in it."""

    frame: int
    time: float = Field(description="Seconds from the start of the video.")
    people: list[Person]


class Frames(Record):
    """Consecutive frames of a result."""

    frames: list[Frame]
    next: float | None = Field(description="Time of the next frame; null after the last.")

    def next_start(self, end: float | None) -> float | None:
        """Returns the start of the next request for frames before `end`; None if there is none."""
        if self.next is None or (end is not None and self.next >= end):
            return None
        return self.next


class Session(Record):
    """The caller as the gateway sees it."""

    auth: str = Field(description='"off" or "keys".')
    owner: str = ""
    name: str = Field("", description="Name of the API key; empty if the gateway needs none.")
    limits: dict[str, int | None] | None = Field(None, description="Limits of the key.")
    usage: dict[str, int | str] | None = Field(None, description="What the key has used today.")
    webhook_secret: str = Field("", description="Secret that signs webhooks.")
