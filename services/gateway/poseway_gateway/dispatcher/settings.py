"""Settings of the dispatcher."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from poseway.settings import QueueSettings, Settings, StorageSettings
from poseway_gateway.dispatcher.lease import LeaseTerms


class DispatcherSettings(Settings, StorageSettings, QueueSettings):
    """Environment variables ``POSEWAY_*`` of the dispatcher."""

    inference_address: str = Field(
        "127.0.0.1:50051",
        description="host:port of inference; all addresses of the host are replicas. Several are "
        "separated by commas.",
    )
    tracker_address: str = Field("127.0.0.1:50052", description="The same of the tracker.")
    renderer_address: str = Field("127.0.0.1:50053", description="The same of the renderer.")
    health_port: int = Field(
        0, ge=0, le=65535, description="Port of /healthz and /readyz; 0 switches it off."
    )
    jobs_at_once: int = Field(1, ge=1, description="Jobs run side by side.")
    batch_frames: int = Field(4, ge=1, le=64, description="Frames per call of inference.")
    batches_in_flight: int = Field(
        4, ge=1, description="Calls of inference at once, per job and replica of inference."
    )
    max_batches_in_flight: int = Field(
        32, ge=1, description="The same per job, however many replicas; bounds the memory."
    )
    segment_seconds: float = Field(10, gt=0, description="Length of a segment.")
    segments_in_flight: int = Field(
        3,
        ge=2,
        description="Segments begun and not yet rendered, per job; two more for each replica of "
        "the renderer after the first.",
    )
    max_segments_in_flight: int = Field(
        18, ge=2, description="The same, however many replicas; bounds the memory."
    )
    decode_threads: int = Field(1, ge=0, description="Threads that decode; 0: as FFmpeg likes.")
    decode_memory_mb: int = Field(
        3072, ge=256, description="Memory in MiB of the process that decodes a job's file."
    )
    decode_seconds: float = Field(
        120, gt=0, description="Time in which a frame must be decoded, or the process is ended."
    )
    max_frames: int = Field(10_000_000, ge=1, description="Frames that a video may have.")
    call_seconds: float = Field(120, gt=0, description="Deadline of inference and tracker.")
    render_seconds: float = Field(900, gt=0, description="Deadline of rendering a segment.")
    join_seconds: float = Field(900, gt=0, description="Deadline of joining the segments.")
    patience_seconds: float = Field(
        600, ge=0, description="Time to wait for a service before the job is handed back."
    )
    max_attempts: int = Field(
        3, ge=1, description="Attempts without a new checkpoint before a job is given up."
    )
    heartbeat_seconds: float = Field(
        5, gt=0, description="A dispatcher renews its lease on a job at least this often."
    )
    lease_seconds: float = Field(
        15,
        gt=0,
        description="A lease that was not renewed for this long has expired: another dispatcher "
        "may take the job. More than the heartbeat, less than POSEWAY_NATS_ACK_WAIT_SECONDS.",
    )
    retry_seconds: float = Field(
        10,
        ge=0,
        description="Pause before a job is delivered again that was handed back because a service "
        "or storage was unavailable.",
    )
    stop_seconds: float = Field(
        12, gt=0, description="When stopping: time for a job to write what it has begun to write."
    )
    hand_back_seconds: float = Field(
        12,
        gt=0,
        description="Time to record that a job was handed back. Together with the time above less "
        "than the platform's own limit for stopping a dispatcher.",
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
