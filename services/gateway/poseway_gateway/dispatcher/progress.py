"""How far a job is, told from what was decoded, found and rendered of its video."""

import time
from collections.abc import Sequence
from typing import Final

from poseway.jobs import Progress
from poseway.media.reader import VideoInfo
from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.frames.batches import Batch

RENDER_SHARE: Final = 0.2
"""Part of the work of a frame that is done after its people are found."""

_MOST: Final = 0.99
"""The fraction of a job whose frames are all done, but whose result is not."""

_TELLING: Final = 0.02
"""With less done in this attempt, nothing is said about the time left."""


class JobProgress:
    """The progress of one attempt at a job."""

    def __init__(self, video: VideoInfo, done: Sequence[Checkpoint]) -> None:
        """Begins with what earlier attempts have done.

        Args:
            video: What the upload is.
            done: Checkpoints of its first segments.
        """
        self._video = video
        self._found = self._rendered = self._decoded = sum(point.frames for point in done)
        self._start = done[0].start if done else None
        self._end = done[-1].end if done else 0
        self._is_over = bool(done) and done[-1].following is None
        self._began = time.monotonic()
        self._fraction = self._fraction_at_start = self._share()

    def decoded(self, batch: Batch) -> None:
        """Takes note of the next batch of frames."""
        if self._start is None:
            self._start = batch.images[0].pts
        self._decoded = batch.images[-1].index + 1
        self._end = batch.end
        self._is_over = batch.following is None

    def found(self, frames: int) -> None:
        """Takes note of frames whose people have been found."""
        self._found += frames

    def rendered(self, frames: int) -> None:
        """Takes note of frames that have been drawn."""
        self._rendered += frames

    def progress(self) -> Progress:
        """How far the job is."""
        # A better estimate of the length does not take back what was told.
        self._fraction = max(self._fraction, self._share())
        worked = self._fraction - self._fraction_at_start
        left = None
        if worked > _TELLING:
            left = round((time.monotonic() - self._began) / worked * (1 - self._fraction), 1)
        return Progress(
            fraction=round(self._fraction, 4),
            frames_done=self._found,
            frames_total=self.frames_total(),
            eta_seconds=left,
        )

    def frames_total(self) -> int | None:
        """Frames of the video; an estimate until all are decoded, None if nothing tells."""
        if self._is_over:
            return self._decoded
        video = self._video
        # The picture may begin long after the sound.
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
