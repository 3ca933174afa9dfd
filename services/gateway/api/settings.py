"""Settings of the API."""

from pathlib import Path

from pydantic import Field

from poseway.models import MODELS_DIR
from poseway.settings import QueueSettings, Settings, StorageSettings

_ROOT = Path(__file__).resolve().parents[3]


class ApiSettings(Settings, StorageSettings, QueueSettings):
    """Environment variables ``POSEWAY_*`` of the API."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on.")
    max_upload_bytes: int = Field(20 << 30, ge=1, description="Largest video that is taken.")
    frontend_dir: Path = Field(_ROOT / "frontend", description="Where the page is.")
    models_dir: Path = Field(MODELS_DIR, description="Where the models' cards are.")
    grace_seconds: int = Field(20, ge=0, description="Time for running requests when stopping.")
