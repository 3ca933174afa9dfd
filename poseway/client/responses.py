"""What the gateway answers, as far as it is not a job or a manifest."""

from datetime import datetime

from pydantic import Field

from poseway.jobs import Job, Record
from poseway.model_cards import Measured


class JobPage(Record):
    """Some of the jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None = Field(description="Asks for the next page; null on the last.")


class Part(Record):
    """A part of an upload that arrived."""

    number: int
    size: int


class Upload(Record):
    """A video that arrives in parts."""

    id: str = Field(description="That of the job that it becomes.")
    name: str
    size: int
    part_bytes: int = Field(description="Size of every part but the last.")
    parts: list[Part] = Field(description="Those that arrived.")
    complete: bool = Field(description="Whether it was completed, and is a job.")
    direct: bool = Field(description="Whether parts may go straight into object storage.")
    expires_at: datetime
    links: dict[str, str]


class PartUrl(Record):
    """Where a part may be put without the gateway."""

    url: str
    expires_at: datetime


class Share(Record):
    """A link to one result, for whoever has it."""

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
    """Somebody in a frame."""

    id: int
    score: float
    keypoints: list[float] = Field(description="x, y and score of 18 keypoints, as drawn.")
    filled: list[int] = Field(default=[], description="Indices of those that were filled in.")
    angles: dict[str, float | None] = Field(default={}, description="Degrees; null if not seen.")


class Frame(Record):
    """Who is in a frame."""

    frame: int
    time: float = Field(description="Seconds from the start of the video.")
    people: list[Person]


class Frames(Record):
    """Some of the frames of a result."""

    frames: list[Frame]
    next: float | None = Field(description="Time of the next frame; null after the last.")

    def goes_on(self, end: float | None) -> float | None:
        """Where to go on if the frames before `end` are wanted, or all; None if that was all."""
        if self.next is None or (end is not None and self.next >= end):
            return None
        return self.next


class Session(Record):
    """Who the gateway takes the caller for."""

    auth: str = Field(description='"off" or "keys".')
    owner: str = ""
    name: str = Field("", description="Name of the key; empty where there are none.")
    limits: dict[str, int | None] | None = Field(None, description="What the key may ask for.")
    usage: dict[str, int | str] | None = Field(None, description="What it asked for today.")
    webhook_secret: str = Field("", description="Signs what is told to webhooks.")
