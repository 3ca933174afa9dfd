"""The tracker over gRPC: its contract, against the real server in a process of its own."""

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from poseway.local.stack import Stack
from poseway.v1 import pose_pb2, tracker_pb2, tracker_pb2_grpc
from tests.tracker.people import Poses, frame, person, street


@pytest.fixture(scope="module")
def channel(stack: Stack) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(stack.tracker_address) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> tracker_pb2_grpc.TrackerServiceStub:
    return tracker_pb2_grpc.TrackerServiceStub(channel)


def start(state: bytes = b"", frame_rate: float = 30) -> tracker_pb2.TrackRequest:
    return tracker_pb2.TrackRequest(
        start=tracker_pb2.TrackStart(job_id="test", state=state, frame_rate=frame_rate)
    )


def request(index: int, people: Poses) -> tracker_pb2.TrackRequest:
    poses = [
        pose_pb2.Pose(keypoints=pose.ravel().tolist(), score=0.5 + 0.01 * rank)
        for rank, pose in enumerate(people)
    ]
    return tracker_pb2.TrackRequest(frame=pose_pb2.FramePoses(frame_index=index, poses=poses))


def track(
    stub: tracker_pb2_grpc.TrackerServiceStub,
    frames: list[Poses],
    state: bytes = b"",
    first: int = 0,
) -> tuple[list[pose_pb2.TrackedFrame], bytes]:
    """Tracks a segment and checks that the answers come as the proto says."""
    requests = [start(state), *(request(first + i, people) for i, people in enumerate(frames))]
    answers = list(stub.Track(iter(requests), timeout=60))
    kinds = [answer.WhichOneof("message") for answer in answers]
    assert kinds == ["frame"] * len(frames) + ["state"]
    return [answer.frame for answer in answers[:-1]], answers[-1].state


def ids(frames: list[pose_pb2.TrackedFrame]) -> list[list[int]]:
    return [[person.track_id for person in frame.people] for frame in frames]


def test_is_healthy(channel: grpc.Channel) -> None:
    check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # stub lacks it
    for name in ("", "poseway.v1.TrackerService"):
        answer = check(health_pb2.HealthCheckRequest(service=name), timeout=30)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_people_come_back_as_they_were_lowest_id_first(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    frames = [frame(person(100), person(400)), frame(person(405), person(700), person(100))]
    tracked, _ = track(stub, frames, first=7)
    assert [answer.frame_index for answer in tracked] == [7, 8]
    assert [answer.pts for answer in tracked] == [0, 0]
    assert ids(tracked) == [[1, 2], [1, 2, 3]]
    sent = request(8, frames[1]).frame.poses
    assert [person.pose for person in tracked[1].people] == [sent[2], sent[0], sent[1]]


def test_every_frame_is_answered_before_the_next_one_is_sent(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    requests: queue.Queue[tracker_pb2.TrackRequest | None] = queue.Queue()
    requests.put(start())
    answers = stub.Track(iter(requests.get, None), timeout=60)
    for index in range(5):
        requests.put(request(index, frame(person(100))))
        assert next(answers).frame.frame_index == index
    requests.put(None)
    assert next(answers).state
    assert list(answers) == []


def test_a_segment_without_frames_hands_the_state_on(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    _, state = track(stub, street(5))
    assert track(stub, [], state, first=5) == ([], state)


def test_segments_give_what_the_whole_would_have_given(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    frames = street(40)
    whole, last = track(stub, frames)
    assert max(max(row, default=0) for row in ids(whole)) >= 3
    for split in range(len(frames) + 1):
        before, state = track(stub, frames[:split])
        after, end = track(stub, frames[split:], state, first=split)
        assert before + after == whole
        assert end == last


def test_calls_side_by_side_share_nothing(stub: tracker_pb2_grpc.TrackerServiceStub) -> None:
    jobs = [street(30, seed) for seed in range(4)]
    alone = [track(stub, job) for job in jobs]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda job: track(stub, job), jobs)) == alone
    assert all(min(map(min, filter(None, ids(frames)))) == 1 for frames, _ in alone)


def _with(value: float, score: float = 0.5, numbers: int = 54) -> tracker_pb2.TrackRequest:
    pose = np.full(numbers, value)
    message = pose_pb2.Pose(keypoints=pose.tolist(), score=score)
    return tracker_pb2.TrackRequest(frame=pose_pb2.FramePoses(poses=[message]))


@pytest.mark.parametrize(
    ("requests", "message", "code"),
    [
        ([], "first message", "invalid_request"),
        ([request(0, frame())], "first message", "invalid_request"),
        ([start(), start()], "must be a frame", "invalid_request"),
        ([start(), tracker_pb2.TrackRequest()], "must be a frame", "invalid_request"),
        ([start(frame_rate=0)], "frame_rate", "invalid_request"),
        ([start(frame_rate=np.nan)], "frame_rate", "invalid_request"),
        ([start(b"x")], "state cannot be read", "state_unreadable"),
        ([start(b'{"version":2}')], "version", "state_unreadable"),
        ([start(), request(-1, frame())], "counted from 0", "invalid_request"),
        ([start(), request(1, frame()), request(0, frame())], "Frame 0", "invalid_request"),
        ([start(), request(1, frame()), request(3, frame())], "Frame 3", "invalid_request"),
        ([start(), _with(np.nan)], "not finite", "invalid_request"),
        ([start(), _with(np.inf)], "not finite", "invalid_request"),
        ([start(), _with(1, score=np.nan)], "not a finite", "invalid_request"),
        ([start(), _with(1, numbers=53)], "53 numbers", "invalid_request"),
        ([start(), _with(1, numbers=0)], "0 numbers", "invalid_request"),
        ([start(), _with(0)], "no keypoint", "invalid_request"),
        ([start(), _with(3e38)], "beyond", "invalid_request"),
    ],
)
def test_what_is_refused(
    stub: tracker_pb2_grpc.TrackerServiceStub,
    requests: list[tracker_pb2.TrackRequest],
    message: str,
    code: str,
) -> None:
    call = stub.Track(iter(requests), timeout=60)
    with pytest.raises(grpc.RpcError):
        list(call)
    assert call.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in call.details()
    assert ("poseway-code", code) in [tuple(item) for item in call.trailing_metadata()]
