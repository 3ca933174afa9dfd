"""Settings of the renderer."""

from typing import Literal

from pydantic import Field

from poseway.settings import ServerSettings, StorageSettings


class RendererSettings(ServerSettings, StorageSettings):
    """Settings of the renderer."""

    # "ultrafast" is left out because it disables what the High profile needs.
    encoder_preset: Literal[
        "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"
    ] = Field("superfast", description="x264 preset: slower presets make smaller files.")
    encoder_crf: int = Field(
        22, ge=0, le=51, description="x264 CRF: 18 looks lossless, 28 makes small files."
    )
    codec_threads: int = Field(
        4,
        ge=0,
        le=64,
        description="Threads that encode a segment; 0 chooses by cores. One more thread decodes.",
    )
    decode_memory_mb: int = Field(
        4096,
        ge=256,
        description="Memory limit in MiB of each child process, which renders or joins.",
    )
    decode_seconds: float = Field(
        120, gt=0, description="Timeout in seconds for decoding a frame. Ends the child process."
    )
