"""Progress of a job."""

from dataclasses import replace
from fractions import Fraction

import pytest

from poseway.media.letterbox import Box
from poseway.media.reader import VideoInfo
from poseway.media.yuv import Yuv
from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.frames.batches import Batch, Image, Position
from poseway_gateway.dispatcher.progress import JobProgress

# A container that declares 30 frames per second for 110 s but has one every ten seconds.
SLOW = VideoInfo("h264", 64, 48, Fraction(1, 1000), Fraction(30), Fraction(1), 3301, Fraction(110))
_PICTURE = Yuv(2, 2, bytes(6), 1, False)


def batch(first: int, frames: int, seconds: float, *, last: bool = False) -> Batch:
    """A batch of frames that last `seconds` each."""
    ticks = round(1000 * seconds)
    images = [Image(i, i * ticks, _PICTURE) for i in range(first, first + frames)]
    end = (first + frames) * ticks
    following = None if last else Position(first + frames, end)
    return Batch(
        segment=0,
        images=images,
        box=Box(0, 0, 64, 48),
        closes=last,
        following=following,
        memory=Position(0, 0),
        end=end,
        seconds=0.0,
        damaged_packets=0,
        reshaped=0,
    )


def test_frames_total_is_estimated_from_the_duration_and_exact_at_the_end() -> None:
    advance = JobProgress(SLOW, [])
    assert advance.frames_total() == 3301
    advance.decoded(batch(0, 4, 10.0))
    assert advance.frames_total() == 11
    advance.decoded(batch(4, 8, 10.0, last=True))
    assert advance.frames_total() == 12


def test_video_that_starts_after_its_audio() -> None:
    # The audio lasts a minute, the video its last ten seconds.
    advance = JobProgress(replace(SLOW, frames=1500, duration=Fraction(60)), [])
    first = batch(1250, 10, 0.04)
    images = [replace(image, index=image.index - 1250) for image in first.images]
    advance.decoded(replace(first, images=images))
    assert advance.frames_total() == 250


def test_indexed_count_is_kept_until_all_frames_are_decoded() -> None:
    advance = JobProgress(replace(SLOW, frames=14, counted=True), [])
    advance.decoded(batch(0, 4, 10.0))
    assert advance.frames_total() == 14
    advance.decoded(batch(4, 8, 10.0, last=True))
    assert advance.frames_total() == 12


def test_more_frames_than_the_file_declares() -> None:
    advance = JobProgress(replace(SLOW, frames=3, duration=None), [])
    advance.decoded(batch(0, 4, 10.0))
    assert advance.frames_total() == 4
    assert JobProgress(replace(SLOW, frames=None, duration=None), []).frames_total() is None


def test_fraction_never_falls_and_is_1_only_at_the_end() -> None:
    advance = JobProgress(replace(SLOW, frames=8, counted=False), [])
    advance.decoded(batch(0, 4, 10.0))
    advance.found(4)
    fractions = [advance.progress().fraction]
    advance.decoded(batch(4, 20, 1.0))
    fractions.append(advance.progress().fraction)
    advance.decoded(batch(24, 1, 1.0, last=True))
    advance.found(21)
    fractions.append(advance.progress().fraction)
    advance.rendered(25)
    fractions.append(advance.progress().fraction)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 0.99
    assert advance.progress().frames_done == advance.progress().frames_total == 25


@pytest.mark.parametrize(("following", "total"), [("[4, 40000]", 11), ("null", 4)])
def test_attempt_starts_at_the_progress_of_the_previous_one(following: str, total: int) -> None:
    point = Checkpoint.model_validate_json(
        '{"segment": 0, "frames": 4, "end": 40000, "tracker": "", "people": 2, "tracks": [],'
        f' "screenshots": {{}}, "seconds": {{}}, "following": {following}}}'
    )
    progress = JobProgress(SLOW, [point]).progress()
    assert (progress.frames_done, progress.frames_total) == (4, total)
    assert progress.eta_seconds is None
    assert 0 < progress.fraction <= 0.99
