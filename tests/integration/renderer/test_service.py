"""The renderer's contract: the real server in a process of its own, with real object storage."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from poseway.jobs import Keys
from poseway.local.stack import Stack
from poseway.media.reader import VideoReader
from poseway.v1 import pose_pb2, renderer_pb2, renderer_pb2_grpc
from poseway_renderer.media.join import Joiner
from tests.support.clapperboard import flash_and_click, make_clap
from tests.support.mp4_boxes import boxes
from tests.support.renderer_requests import Request, segment, upload
from tests.support.videos import make_video

Code = grpc.StatusCode


def refused(call: Callable[[], object]) -> tuple[grpc.StatusCode, str, str]:
    """Returns status, details and Poseway's error code of a failing call."""
    with pytest.raises(grpc.RpcError) as error:
        call()
    metadata = {item.key: str(item.value) for item in error.value.trailing_metadata() or ()}
    return error.value.code(), error.value.details() or "", metadata["poseway-code"]


def test_renders_and_joins_a_video(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    data = make_clap("mp4", "aac")
    frames = upload(stack.store, job, data)
    keys = Keys(job)
    shots: list[int] = []
    for number, start in enumerate(range(0, 75, 30)):
        part = frames[start : start + 30]
        every = renderer_pb2.ScreenshotInterval(seconds=1)
        answer = renderer.RenderSegment(iter(segment(job, number, part, screenshots=every)))
        stored = stack.store.head(keys.segment(number, "video.mp4"))
        assert (answer.frames, answer.video_bytes) == (len(part), stored.size)
        assert stored.content_type == "video/mp4"
        shots += answer.screenshots
    assert shots == [0, 25, 50]
    assert [item.key for item in stack.store.walk(f"{keys.result}screenshots/")] == [
        keys.screenshot(index) for index in shots
    ]
    assert stack.store.head(keys.screenshot(25)).content_type == "image/jpeg"

    request = renderer_pb2.JoinSegmentsRequest(job_id=job, segments=3, frames=75)
    joined = renderer.JoinSegments(request)
    video, _ = stack.store.get(keys.video)
    assert joined == renderer_pb2.JoinSegmentsResponse(
        video_bytes=len(video), duration_seconds=3.0, audio_codec="aac"
    )
    assert stack.store.head(keys.video).content_type == "video/mp4"
    result = list(VideoReader(io.BytesIO(video)).frames())
    assert [f.pts for f in result] == [f.pts for f in frames]
    flash, click = flash_and_click(video)
    assert click == pytest.approx(flash, abs=0.001)
    # Repeated calls write the same objects.
    assert renderer.JoinSegments(request) == joined
    assert stack.store.get(keys.video)[0] == video


def test_join_is_repeated_with_a_larger_index(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    # 400 audio packets per second, with timestamps that Matroska rounds to milliseconds.
    data = make_clap("matroska", "libopus", sound_options={"frame_duration": "2.5"})
    frames = upload(stack.store, job, data)
    renderer.RenderSegment(iter(segment(job, 0, frames)))
    request = renderer_pb2.JoinSegmentsRequest(job_id=job, segments=1, frames=75)
    assert renderer.JoinSegments(request).audio_codec == "opus"
    video, _ = stack.store.get(Keys(job).video)
    assert dict(boxes(video))["moov"] > Joiner(io.BytesIO(data), 75).index_bytes
    flash, click = flash_and_click(video)
    assert click == pytest.approx(flash, abs=0.001)


def test_renders_the_sample(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str, sample: Path
) -> None:
    stack.store.put(Keys(job).upload, sample.read_bytes(), "video/mp4")
    reader = VideoReader(io.BytesIO(sample.read_bytes()))
    frames = [source for source, _ in zip(reader.frames(), range(60), strict=False)][50:]
    every = renderer_pb2.ScreenshotInterval(frames=50)
    answer = renderer.RenderSegment(iter(segment(job, 0, frames, screenshots=every)))
    assert answer.frames == 10
    assert list(answer.screenshots) == [50]
    shot, _ = stack.store.get(Keys(job).screenshot(50))
    picture = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (994, 1768, 3)
    video, _ = stack.store.get(Keys(job).segment(0, "video.mp4"))
    assert len(list(VideoReader(io.BytesIO(video)).frames())) == 10


def test_draws_on_black(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    frames = upload(stack.store, job, make_video(5))
    overlay = renderer_pb2.OVERLAY_BLACK
    renderer.RenderSegment(iter(segment(job, 0, frames, overlay=overlay)))
    video, _ = stack.store.get(Keys(job).segment(0, "video.mp4"))
    picture = next(VideoReader(io.BytesIO(video)).frames()).bgr(320, 240)
    assert picture[:, 160:].max() < 8
    assert picture[:, :160].max() > 200


def head(job_id: str, **values: Any) -> Request:  # noqa: ANN401 # any field of the proto
    return Request(header=renderer_pb2.SegmentHeader(job_id=job_id, **values))


def people(*numbers: float) -> Request:
    pose = pose_pb2.TrackedPose(track_id=1, pose=pose_pb2.Pose(keypoints=numbers))
    return Request(frame=pose_pb2.TrackedFrame(people=[pose]))


SOMEBODY = people(*[0.0] * 54)
Interval = renderer_pb2.ScreenshotInterval
Drawing = renderer_pb2.Drawing
Still = renderer_pb2.Still


def uncertain(score: float) -> Request:
    person = pose_pb2.TrackedPose(track_id=1, pose=pose_pb2.Pose(keypoints=[1] * 54, score=score))
    return Request(frame=pose_pb2.TrackedFrame(people=[person]))


def stranger(*numbers: float) -> Request:
    return Request(frame=pose_pb2.TrackedFrame(untracked=[pose_pb2.Pose(keypoints=numbers)]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda job: [], "header"),
        (lambda job: [SOMEBODY], "header"),
        (lambda job: [head(job), head(job)], "must be a frame"),
        (lambda job: [head(job), Request()], "must be a frame"),
        (lambda job: [head(job)], "no frames"),
        (lambda job: [head("../" + job[3:])], "not a job id"),
        (lambda job: [head("")], "not a job id"),
        (lambda job: [head(job, segment=-1)], "must not be negative"),
        (lambda job: [head(job, overlay=9), SOMEBODY], "Overlay 9 is unknown"),
        (lambda job: [head(job, screenshots=Interval(frames=0)), SOMEBODY], "at least 1"),
        (lambda job: [head(job, screenshots=Interval(seconds=0)), SOMEBODY], "more than 0"),
        (lambda job: [head(job, screenshots=Interval(seconds=float("nan")))], "more than 0"),
        (lambda job: [head(job, crf=52), SOMEBODY], "from 1 to 51"),
        (lambda job: [head(job, crf=-1), SOMEBODY], "from 1 to 51"),
        (lambda job: [head(job, max_resolution=-5), SOMEBODY], "max_resolution"),
        (lambda job: [head(job, drawing=Drawing(line_width=-1)), SOMEBODY], "line_width"),
        (lambda job: [head(job, drawing=Drawing(line_width=float("nan")))], "line_width"),
        (lambda job: [head(job, stills=[Still(track_id=2)]), SOMEBODY], "Track 2 is not in frame"),
        (
            lambda job: [head(job, stills=[Still(track_id=1)] * 2), SOMEBODY],
            "Track 1 has more than one",
        ),
        (lambda job: [head(job, stills=[Still(track_id=1, frame_index=7)]), SOMEBODY], "Frame 7"),
        (lambda job: [head(job, before=[SOMEBODY.frame]), SOMEBODY], "does not follow"),
        (lambda job: [head(job), uncertain(float("nan"))], "finite number"),
        (lambda job: [head(job), stranger(1.0, 2.0)], "54 finite numbers"),
        (lambda job: [head(job), people(1.0, 2.0)], "54 finite numbers"),
        (lambda job: [head(job), people(*[float("inf")] * 54)], "54 finite numbers"),
        (lambda job: [head(job), *[SOMEBODY] * 2], "does not follow"),
    ],
)
def test_invalid_segments_are_refused(
    renderer: renderer_pb2_grpc.RendererServiceStub,
    stack: Stack,
    job: str,
    make: Callable[[str], list[Request]],
    words: str,
) -> None:
    upload(stack.store, job, make_video(5))
    status, details, code = refused(lambda: renderer.RenderSegment(iter(make(job))))
    assert (status, code) == (Code.INVALID_ARGUMENT, "invalid_request")
    assert words in details
    assert not list(stack.store.walk(Keys(job).segments))


def test_missing_objects_are_not_found(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    data = make_video(10)
    frames = list(VideoReader(io.BytesIO(data)).frames())
    join = renderer_pb2.JoinSegmentsRequest(job_id=job, segments=2, frames=10)
    status, _, _ = refused(lambda: renderer.RenderSegment(iter(segment(job, 0, frames))))
    assert status is Code.NOT_FOUND
    upload(stack.store, job, data)
    renderer.RenderSegment(iter(segment(job, 0, frames[:5])))
    status, details, _ = refused(lambda: renderer.JoinSegments(join))
    assert status is Code.NOT_FOUND
    assert "000001" in details
    assert not stack.store.exists(Keys(job).video)


def test_segments_that_do_not_fit_fail_the_precondition(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    frames = upload(stack.store, job, make_video(10))
    renderer.RenderSegment(iter(segment(job, 0, frames)))
    join = renderer_pb2.JoinSegmentsRequest(job_id=job, segments=1, frames=11)
    status, _, code = refused(lambda: renderer.JoinSegments(join))
    assert (status, code) == (Code.FAILED_PRECONDITION, "incompatible")
    assert not stack.store.exists(Keys(job).video)


@pytest.mark.parametrize(("job_id", "segments", "frames"), [("x", 1, 1), ("", 0, 1), ("", 1, 0)])
def test_invalid_joins_are_refused(
    renderer: renderer_pb2_grpc.RendererServiceStub,
    job: str,
    job_id: str,
    segments: int,
    frames: int,
) -> None:
    request = renderer_pb2.JoinSegmentsRequest(
        job_id=job_id or job, segments=segments, frames=frames
    )
    assert refused(lambda: renderer.JoinSegments(request))[0] is Code.INVALID_ARGUMENT


def test_upload_that_is_not_a_video_has_an_error_code(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    stack.store.put(Keys(job).upload, b"This is the text of a letter.", "text/plain")
    status, _, code = refused(lambda: renderer.RenderSegment(iter([head(job), SOMEBODY])))
    assert (status, code) == (Code.INVALID_ARGUMENT, "video_unreadable")


def test_cancelled_call_leaves_no_segment(
    renderer: renderer_pb2_grpc.RendererServiceStub, stack: Stack, job: str
) -> None:
    frames = upload(stack.store, job, make_video(10))
    requests = segment(job, 0, frames)

    def stuck() -> Iterator[Request]:
        yield from requests[:5]
        call.cancel()

    call = renderer.RenderSegment.future(stuck())
    with pytest.raises((grpc.FutureCancelledError, grpc.RpcError)):
        call.result(timeout=60)
    assert renderer.RenderSegment(iter(segment(job, 1, frames))).frames == 10
    assert [item.key for item in stack.store.walk(Keys(job).segments)] == [
        Keys(job).segment(1, "video.mp4")
    ]


def test_health_service_reports_serving(stack: Stack) -> None:
    with grpc.insecure_channel(stack.renderer_address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods are untyped
        request = health_pb2.HealthCheckRequest(service="poseway.v1.RendererService")
        assert stub.Check(request, timeout=5).status == health_pb2.HealthCheckResponse.SERVING
