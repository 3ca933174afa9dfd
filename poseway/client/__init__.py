"""A client of the gateway's HTTP API: `Client`, and `AsyncClient` for asyncio.

What is asked and how answers are read is in `steps`, once; the two clients only carry it.
"""

from poseway.client.async_client import AsyncClient
from poseway.client.responses import Frame, Frames, JobPage, Model, Person, Session, Share, Upload
from poseway.client.source import Video
from poseway.client.sync_client import Client

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
