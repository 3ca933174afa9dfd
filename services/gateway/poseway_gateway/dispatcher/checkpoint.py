"""Checkpoints: what a job needs to resume after a complete segment."""

from pydantic import BaseModel

from poseway.errors import IncompatibleError
from poseway.formats.tracks import Span, Times
from poseway.media.reader import VideoInfo
from poseway_gateway.dispatcher.frames.batches import Position
from poseway_gateway.dispatcher.frames.stills import Still


class Checkpoint(BaseModel):
    """Record of a complete segment, from which the job can resume after it.

    Fields with a default are missing in checkpoints of older versions.

    Attributes:
        segment: Number of the segment.
        frames: Number of its frames.
        start: Presentation time of its first frame in ticks.
        end: End of its last frame in ticks.
        following: Index and presentation time of the next frame; None after the last segment.
        memory: Index and presentation time of the earliest frame that cut detection needs to
            continue there.
        tracker: State of the tracker after the segment, in Base64.
        people: Largest number of people in one frame.
        tracks: Ids of the tracks in the segment.
        spans: For each track, the first and last frame of every run of consecutive frames with it.
        times: For each of these runs, its start and end in seconds.
        screenshots: For each frame with a screenshot, the number of people in it.
        stills: For each track, its best frame and that frame's quality; see `stills`.
        video_size: Width and height of the segment's video in pixels.
        seconds: Wall-clock time per stage in seconds.
        damaged_packets: Packets of the upload that could not be decoded.
        cuts: Presentation times in ticks of the first frames after cuts.
        reshaped: Frames whose size or aspect ratio differs from the previous frame's.
        video_stream: Index of the decoded stream.
    """

    segment: int
    frames: int
    start: int = 0
    end: int
    following: tuple[int, int] | None
    memory: tuple[int, int] | None = None
    tracker: str
    people: int
    tracks: list[int]
    spans: dict[int, list[Span]] = {}
    times: dict[int, list[Times]] = {}
    screenshots: dict[int, int]
    stills: dict[int, Still] = {}
    video_size: tuple[int, int] | None = None
    seconds: dict[str, float]
    damaged_packets: int = 0
    cuts: list[int] = []
    reshaped: int = 0
    video_stream: int | None = None

    def without_tracker(self) -> "Checkpoint":
        """A copy without the tracker's state, the largest part, which only the last one needs."""
        return self.model_copy(update={"tracker": ""})

    def next_position(self) -> Position | None:
        """The frame to resume with."""
        return None if self.following is None else Position(*self.following)

    def memory_position(self) -> Position | None:
        """The frame from which cut detection resumes."""
        return None if self.memory is None else Position(*self.memory)


def check_resumable(done: list[Checkpoint], video: VideoInfo) -> None:
    """Checks that a job resumes with the video stream of its completed segments.

    Args:
        done: Checkpoints of the completed segments.
        video: The upload as it is read now.

    Raises:
        IncompatibleError: An older version started the job and decoded another stream.
    """
    if not done or video.is_photo:
        return
    read = done[-1].video_stream
    if read is None:
        # Older versions decoded the first.
        films = [s.index for s in video.streams if s.type == "video" and not s.cover]
        read = films[0] if films else video.video_stream
    if read != video.video_stream:
        raise IncompatibleError(
            f"The completed segments show stream {read} of the upload, not {video.video_stream}."
        )
