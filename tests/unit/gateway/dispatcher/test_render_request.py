"""Header of a render request: options and lead-in."""

import math
from fractions import Fraction

import pytest

from poseway.errors import InvalidRequestError
from poseway.formats import keypoints
from poseway.jobs import JobOptions, Overlay
from poseway.read_options import Reading
from poseway.v1 import pose_pb2, renderer_pb2
from poseway_gateway.dispatcher.frames.lead_in import lead, wanted
from poseway_gateway.dispatcher.render_request import reading_message, segment_header
from poseway_renderer.request_parsing import reading

TIME_BASE = Fraction(1, 90_000)
TICKS = 3600  # 25 frames a second


def frame(index: int) -> pose_pb2.TrackedFrame:
    numbers = [index + number / 7 for number in range(54)]
    smoothed = pose_pb2.SmoothedPose(keypoints=numbers[::-1], filled=[3, 5])
    pose = pose_pb2.Pose(keypoints=numbers, score=0.123)
    people = [
        pose_pb2.TrackedPose(track_id=2, pose=pose, smoothed=smoothed),
        pose_pb2.TrackedPose(track_id=7, pose=pose),
    ]
    return pose_pb2.TrackedFrame(
        frame_index=index, pts=index * TICKS, people=people, untracked=[pose]
    )


def lines(count: int) -> list[bytes]:
    return [keypoints.line(frame(index), TIME_BASE) for index in range(count)]


def test_lead_in_is_the_last_second() -> None:
    found = lead(lines(60), TIME_BASE)
    assert [(f.frame_index, f.pts) for f in found] == [(i, i * TICKS) for i in range(35, 60)]


def test_lead_in_is_all_of_a_shorter_segment() -> None:
    assert len(lead(lines(3), TIME_BASE)) == 3
    assert lead([], TIME_BASE) == []


def test_lead_in_equals_the_written_frames() -> None:
    written = lines(1)
    (found,) = lead(written, TIME_BASE)
    assert keypoints.line(found, TIME_BASE) == written[0]
    assert [person.HasField("smoothed") for person in found.people] == [True, False]
    # Written to a hundredth of a pixel, so the original frame differs.
    assert found.people[0].pose != frame(0).people[0].pose


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (JobOptions(), False),
        (JobOptions(overlay=Overlay.BLURRED), False),
        (JobOptions(trails=True), True),
        (JobOptions(overlay=Overlay.FACES_BLURRED), True),
    ],
)
def test_only_trails_and_blurred_faces_need_a_lead_in(options: JobOptions, needed: bool) -> None:
    assert wanted(options) is needed


def test_header_holds_the_chosen_options() -> None:
    options = JobOptions(
        overlay=Overlay.FACES_BLURRED,
        ids=False,
        scores=True,
        boxes=True,
        trails=True,
        line_width=2.5,
        crf=30,
        max_resolution=480,
        screenshot_seconds=1.5,
        background=True,
    )
    header = segment_header(
        "0" * 32, 3, options, {9: (80, 0.5), 2: (75, 0.1)}, [frame(1)], Reading()
    )
    assert header == renderer_pb2.SegmentHeader(
        job_id="0" * 32,
        segment=3,
        overlay=renderer_pb2.OVERLAY_FACES_BLURRED,
        screenshots=renderer_pb2.ScreenshotInterval(seconds=1.5),
        drawing=renderer_pb2.Drawing(
            hide_ids=True, scores=True, boxes=True, trails=True, line_width=2.5
        ),
        crf=30,
        max_resolution=480,
        stills=[
            renderer_pb2.Still(track_id=2, frame_index=75),
            renderer_pb2.Still(track_id=9, frame_index=80),
        ],
        before=[frame(1)],
        background=True,
        reading=renderer_pb2.Reading(),
    )


def test_defaults_are_ids_and_1080p() -> None:
    header = segment_header("0" * 32, 0, JobOptions(), {}, [], Reading())
    assert header.drawing == renderer_pb2.Drawing()
    assert (header.crf, header.max_resolution) == (0, 1080)
    assert header.screenshots.frames == 50


@pytest.mark.parametrize(("asked", "given"), [(None, 2160), (1080, 1080), (480, 480), (8192, 8192)])
def test_images_may_be_larger_than_videos_by_default(asked: int | None, given: int) -> None:
    options = JobOptions(max_resolution=asked)
    assert (
        segment_header("0" * 32, 0, options, {}, [], Reading(), photo=True).max_resolution == given
    )


def test_black_overlay_has_no_background() -> None:
    options = JobOptions(overlay=Overlay.BLACK, background=True)
    assert not segment_header("0" * 32, 0, options, {}, [], Reading()).background


def test_read_options_reach_the_renderer() -> None:
    options = JobOptions(video_stream=0, audio_stream=3)
    header = segment_header("0" * 32, 0, options, {}, [], options.reading)
    assert reading(header.reading) == options.reading == Reading(video_stream=0, audio_stream=3)
    # An older dispatcher leaves the field unset.
    assert reading(renderer_pb2.SegmentHeader().reading) == Reading() == JobOptions().reading
    assumed = JobOptions(assume_frame_rate=12.5).reading
    assert reading(reading_message(assumed)) == assumed == Reading(assume_frame_rate=12.5)


@pytest.mark.parametrize(
    "message",
    [
        renderer_pb2.Reading(video_stream=-1),
        renderer_pb2.Reading(audio_stream=-1),
        renderer_pb2.Reading(assume_frame_rate=-1),
        renderer_pb2.Reading(assume_frame_rate=math.nan),
    ],
)
def test_invalid_read_options_are_refused(message: renderer_pb2.Reading) -> None:
    with pytest.raises(InvalidRequestError):
        reading(message)
