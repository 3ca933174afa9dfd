"""Settings of the inference service."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from poseway.model_cards import MODELS_DIR
from poseway.settings import ServerSettings
from poseway_inference.engines.base import EngineName, Precision


class InferenceSettings(ServerSettings):
    """Settings of the inference service, from environment variables ``POSEWAY_*``."""

    max_calls: int = Field(64, ge=1, description="Calls served at once; further calls wait.")
    models_dir: Path = Field(MODELS_DIR, description="Folder of the model cards and their weights.")
    engine: EngineName | Literal["auto"] = Field(
        "auto",
        description="Library that runs the networks; auto chooses the fastest one installed.",
    )
    precision: Precision | Literal["auto"] = Field(
        "auto",
        description="Arithmetic of the networks; auto chooses the fastest that is supported.",
    )
    input_height: int = Field(
        0,
        ge=0,
        le=2048,
        multiple_of=8,
        description="Input height of the default model, in pixels; 0: the value in its card.",
    )
    batch_frames: int = Field(
        0, ge=0, le=256, description="Maximum frames per batch; 0: what suits the device."
    )
    batch_delay_seconds: float = Field(
        0.005,
        ge=0,
        le=10,
        description="Maximum time a frame waits for others to fill its batch.",
    )
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="Batches processed at once; 0: as many as keep the device busy.",
    )
    max_frames: int = Field(
        64,
        ge=1,
        description="Maximum frames accepted but not yet answered; calls beyond that are rejected "
        "and may be retried.",
    )
