"""Settings of the inference service."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from poseway.model_cards import MODELS_DIR
from poseway.settings import ServerSettings


class InferenceSettings(ServerSettings):
    """Environment variables ``POSEWAY_*`` of the inference service."""

    max_calls: int = Field(64, ge=1, description="Calls served side by side; more wait.")
    models_dir: Path = Field(MODELS_DIR, description="Where the cards and the weights are.")
    engine: Literal["auto", "tensorflow", "openvino"] = Field(
        "auto", description="What runs the networks; auto takes the fastest that is installed."
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Arithmetic of the network; auto takes what the device is fast in."
    )
    input_height: int = Field(
        0,
        ge=0,
        le=2048,
        multiple_of=8,
        description="Height in pixels of the default model's input; 0: what its card says.",
    )
    batch_frames: int = Field(
        0, ge=0, le=256, description="Most frames of a batch; 0: what the device is fastest with."
    )
    batch_delay_seconds: float = Field(
        0.005, ge=0, le=10, description="How long a frame waits for others to fill its batch."
    )
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="Batches worked on side by side; 0: what keeps the device busy.",
    )
    max_frames: int = Field(
        64, ge=1, description="Frames taken and not yet answered; more are refused for now."
    )
