"""Checkpoints: what a job needs to resume after a complete segment."""

from pydantic import BaseModel

from poseway.errors import IncompatibleError
from poseway.formats.tracks import Span, Times
from poseway.media.reader import VideoInfo
from poseway_gateway.dispatcher.frames.batches import Position
from poseway_gateway.dispatcher.frames.stills import Still


class Checkpoint(BaseModel):
    """What is kept of a complete segment; with it the job can go on after that segment.

    Attributes:
        segment: Its number.
        frames: Frames in it.
        start: Ticks at which its first frame is shown; 0 in a checkpoint of an older version.
        end: Ticks at which its last frame is over.
        following: Index and presentation time of the next frame; None if it was the last segment.
        memory: The same of the earliest frame that telling cuts looks back to from there; None in a
            checkpoint of an older version.
        tracker: The tracker's state after it, in Base64.
        people: Most people in one frame of it.
        tracks: Ids seen in it.
        spans: For each of them the runs of consecutive frames, first and last, in which it is seen.
            Empty in a checkpoint of an older version.
        times: For each of these runs the seconds at which it begins and at which it is over.
            Empty in a checkpoint of an older version.
        screenshots: For each frame with a screenshot, how many people are in it.
        stills: For each track the frame in which it is seen best, and how well; see `stills`.
        video_size: Width and height of the segment's video; None in a checkpoint of an older
            version.
        seconds: Wall-clock time per stage.
        damaged_packets: Packets of the upload that could not be decoded.
        cuts: Presentation times in ticks of the frames that are the first after a cut.
        reshaped: Frames whose size or shape differ from those of the frame before.
        video_stream: Index of the stream that was read; None in a checkpoint of an older version.
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
        """The same without the largest part of it, which matters in the last one only."""
        return self.model_copy(update={"tracker": ""})

    def next_position(self) -> Position | None:
        """The frame to go on with."""
        return None if self.following is None else Position(*self.following)

    def memory_position(self) -> Position | None:
        """The frame from which on cuts are told then."""
        return None if self.memory is None else Position(*self.memory)


def check_resumable(done: list[Checkpoint], video: VideoInfo) -> None:
    """Refuses to go on with another video stream than the segments that are done have.

    Raises:
        IncompatibleError: An older version began the job, and read another stream.
    """
    if not done or video.is_photo:
        return
    read = done[-1].video_stream
    if read is None:
        # Older versions took the first.
        films = [s.index for s in video.streams if s.type == "video" and not s.cover]
        read = films[0] if films else video.video_stream
    if read != video.video_stream:
        raise IncompatibleError(
            f"The completed segments show stream {read} of the upload, not {video.video_stream}."
        )
