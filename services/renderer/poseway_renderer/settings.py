"""The renderer's settings."""

from typing import Literal

from pydantic import Field

from poseway.settings import ServerSettings, StorageSettings


class RendererSettings(ServerSettings, StorageSettings):
    """Settings of the renderer."""

    # "ultrafast" is missing: it leaves out what makes the High profile.
    encoder_preset: Literal[
        "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"
    ] = Field("superfast", description="x264's trade of speed for size.")
    encoder_crf: int = Field(
        22, ge=0, le=51, description="x264's constant quality: 18 looks lossless, 28 is small."
    )
    codec_threads: int = Field(
        4,
        ge=0,
        le=64,
        description="Threads that encode a segment; 0: by the cores. One more decodes.",
    )
    decode_memory_mb: int = Field(
        4096, ge=256, description="Memory in MiB of each process that draws a segment, or joins."
    )
    decode_seconds: float = Field(
        120, gt=0, description="Time in which a frame must be decoded, or the process is ended."
    )
