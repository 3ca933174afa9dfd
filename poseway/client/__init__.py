"""A client of the gateway's HTTP API: `Client`, and `AsyncClient` for asyncio.

What is asked and how answers are read is in `steps`, once; the two clients only carry it.
"""

from poseway.client.answers import Frame, Frames, JobPage, Model, Person, Session, Share, Upload
from poseway.client.asynchronous import AsyncClient
from poseway.client.blocking import Client
from poseway.client.source import Video

__all__ = [
    "AsyncClient",
    "Client",
    "Frame",
    "Frames",
    "JobPage",
    "Model",
    "Person",
    "Session",
    "Share",
    "Upload",
    "Video",
]
