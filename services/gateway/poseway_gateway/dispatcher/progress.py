"""Progress of a job, computed from its decoded, inferred and rendered frames."""

import time
from collections.abc import Sequence
from typing import Final

from poseway.jobs import Progress
from poseway.media.reader import VideoInfo
from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.frames.batches import Batch

RENDER_SHARE: Final = 0.2
"""Share of the work on a frame that follows inference."""

_MOST: Final = 0.99
"""Largest fraction before the result is published."""

_ESTIMABLE: Final = 0.02
"""Fraction that this attempt must complete before the remaining time is estimated."""


class JobProgress:
    """The progress of one attempt at a job."""

    def __init__(self, video: VideoInfo, done: Sequence[Checkpoint]) -> None:
        """Starts with the frames of earlier attempts.

        Args:
            video: Properties of the upload.
            done: Checkpoints of the completed segments.
        """
        self._video = video
        self._found = self._rendered = self._decoded = sum(point.frames for point in done)
        self._start = done[0].start if done else None
        self._end = done[-1].end if done else 0
        self._is_over = bool(done) and done[-1].following is None
        self._began = time.monotonic()
        self._fraction = self._fraction_at_start = self._share()

    def decoded(self, batch: Batch) -> None:
        """Counts a decoded batch."""
        if self._start is None:
            self._start = batch.images[0].pts
        self._decoded = batch.images[-1].index + 1
        self._end = batch.end
        self._is_over = batch.following is None

    def found(self, frames: int) -> None:
        """Counts frames that inference has processed."""
        self._found += frames

    def rendered(self, frames: int) -> None:
        """Counts rendered frames."""
        self._rendered += frames

    def progress(self) -> Progress:
        """Returns the current progress."""
        # The fraction never decreases, even if the estimate of the length improves.
        self._fraction = max(self._fraction, self._share())
        worked = self._fraction - self._fraction_at_start
        left = None
        if worked > _ESTIMABLE:
            left = round((time.monotonic() - self._began) / worked * (1 - self._fraction), 1)
        return Progress(
            fraction=round(self._fraction, 4),
            frames_done=self._found,
            frames_total=self.frames_total(),
            eta_seconds=left,
        )

    def frames_total(self) -> int | None:
        """Number of frames: an estimate until all are decoded; None if unknown."""
        if self._is_over:
            return self._decoded
        video = self._video
        # The video may start long after the audio.
        start, end = ((ticks or 0) * video.time_base for ticks in (self._start, self._end))
        if video.counted or video.duration is None or not self._decoded or end <= start:
            expected = video.frames
        else:
            expected = round(self._decoded * (video.duration - start) / (end - start))
        return None if expected is None else max(expected, self._decoded)

    def _share(self) -> float:
        total = self.frames_total()
        if not total:
            return 0.0
        done = (1 - RENDER_SHARE) * self._found + RENDER_SHARE * self._rendered
        return min(_MOST, done / total)
