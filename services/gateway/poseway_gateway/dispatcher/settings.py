"""Settings of the dispatcher."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from poseway.settings import QueueSettings, Settings, StorageSettings
from poseway_gateway.dispatcher.lease_terms import LeaseTerms


class DispatcherSettings(Settings, StorageSettings, QueueSettings):
    """Environment variables ``POSEWAY_*`` of the dispatcher."""

    inference_address: str = Field(
        "127.0.0.1:50051",
        description="host:port of inference. Every address of the host is a replica. Separate "
        "several with commas.",
    )
    tracker_address: str = Field(
        "127.0.0.1:50052", description="host:port of the tracker, likewise."
    )
    renderer_address: str = Field(
        "127.0.0.1:50053", description="host:port of the renderer, likewise."
    )
    health_port: int = Field(
        0, ge=0, le=65535, description="Port that serves /healthz and /readyz. 0 disables it."
    )
    jobs_at_once: int = Field(1, ge=1, description="Jobs run at the same time.")
    batch_frames: int = Field(4, ge=1, le=64, description="Frames per inference call.")
    batches_in_flight: int = Field(
        4, ge=1, description="Concurrent inference calls per job and inference replica."
    )
    max_batches_in_flight: int = Field(
        32, ge=1, description="Upper limit of concurrent inference calls per job. Bounds memory."
    )
    segment_seconds: float = Field(10, gt=0, description="Length of a segment in seconds of video.")
    segments_in_flight: int = Field(
        3,
        ge=2,
        description="Segments in progress per job. Each renderer replica after the first adds two.",
    )
    max_segments_in_flight: int = Field(
        18, ge=2, description="Upper limit of segments in progress per job. Bounds memory."
    )
    decode_threads: int = Field(1, ge=0, description="Decoder threads. 0: FFmpeg decides.")
    decode_memory_mb: int = Field(
        3072, ge=256, description="Memory limit in MiB of the process that decodes an upload."
    )
    decode_seconds: float = Field(
        120, gt=0, description="Time limit for decoding one frame. The decoder is killed after it."
    )
    max_frames: int = Field(10_000_000, ge=1, description="Maximum number of frames in a video.")
    call_seconds: float = Field(
        120, gt=0, description="Deadline of a call to inference or the tracker."
    )
    render_seconds: float = Field(900, gt=0, description="Deadline of rendering a segment.")
    join_seconds: float = Field(900, gt=0, description="Deadline of joining the segments.")
    patience_seconds: float = Field(
        600,
        ge=0,
        description="Time to retry calls to an unavailable service before the job is handed back.",
    )
    max_attempts: int = Field(
        3, ge=1, description="Attempts without a new checkpoint after which a job fails."
    )
    heartbeat_seconds: float = Field(
        5, gt=0, description="A dispatcher renews its lease on a job at least this often."
    )
    lease_seconds: float = Field(
        15,
        gt=0,
        description="Time after which a lease that was not renewed expires and another dispatcher "
        "may take the job. Must be more than the heartbeat and less than "
        "POSEWAY_NATS_ACK_WAIT_SECONDS.",
    )
    retry_seconds: float = Field(
        10,
        ge=0,
        description="Pause before redelivery of a job that was handed back because a service or "
        "storage was unavailable.",
    )
    stop_seconds: float = Field(
        12, gt=0, description="When stopping: time for a job to complete writes that it started."
    )
    hand_back_seconds: float = Field(
        12,
        gt=0,
        description="Time limit for recording that a job was handed back. Together with "
        "POSEWAY_STOP_SECONDS, less than the platform allows a dispatcher for stopping.",
    )

    @property
    def lease_terms(self) -> LeaseTerms:
        """When leases on jobs expire."""
        return LeaseTerms(
            timedelta(seconds=self.lease_seconds), 3 * timedelta(seconds=self.nats_ack_wait_seconds)
        )

    @model_validator(mode="after")
    def _leases_outlast_heartbeats(self) -> Self:
        if not self.heartbeat_seconds < self.lease_seconds < self.nats_ack_wait_seconds:
            raise ValueError(
                "heartbeat_seconds must be less than lease_seconds, and lease_seconds less than "
                "nats_ack_wait_seconds."
            )
        return self
