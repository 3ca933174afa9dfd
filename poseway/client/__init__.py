"""Clients of the gateway's HTTP API: `Client`, and `AsyncClient` for asyncio.

Requests and responses are described once, in `operations`; the two clients only send and receive.
"""

from poseway.client.async_client import AsyncClient
from poseway.client.responses import Frame, Frames, JobPage, Model, Person, Session, Share, Upload
from poseway.client.sync_client import Client
from poseway.client.video_source import Video

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
