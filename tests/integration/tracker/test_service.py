"""The contract of the tracker over gRPC, tested against the real server process."""

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from poseway.local.stack import Stack
from poseway.v1 import pose_pb2, tracker_pb2, tracker_pb2_grpc
from poseway_tracker.service import add_to
from poseway_tracker.session import Frame, VideoTracker
from poseway_tracker.settings import TrackerSettings
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers.pose_tracker import PoseTracker
from tests.support.tracked_people import Poses, frame, person, street


@pytest.fixture(scope="module")
def channel(stack: Stack) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(stack.tracker_address) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> tracker_pb2_grpc.TrackerServiceStub:
    return tracker_pb2_grpc.TrackerServiceStub(channel)


@pytest.fixture(scope="module")
def sort_stub() -> Iterator[tracker_pb2_grpc.TrackerServiceStub]:
    """A server that tracks with SORT."""
    server = grpc.server(ThreadPoolExecutor(2))
    add_to(server, TrackerSettings(tracker="sort"))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield tracker_pb2_grpc.TrackerServiceStub(channel)
    server.stop(None).wait()


OFF = tracker_pb2.SMOOTHING_OFF
LIGHT = tracker_pb2.SMOOTHING_LIGHT
STRONG = tracker_pb2.SMOOTHING_STRONG


def start(
    state: bytes = b"", frame_rate: float = 30, smoothing: tracker_pb2.Smoothing.ValueType = OFF
) -> tracker_pb2.TrackRequest:
    return tracker_pb2.TrackRequest(
        start=tracker_pb2.TrackStart(
            job_id="test", state=state, frame_rate=frame_rate, smoothing=smoothing
        )
    )


def request(index: int, people: Poses) -> tracker_pb2.TrackRequest:
    poses = [
        pose_pb2.Pose(keypoints=pose.ravel().tolist(), score=0.5 + 0.0625 * rank)
        for rank, pose in enumerate(people)
    ]
    return tracker_pb2.TrackRequest(frame=pose_pb2.FramePoses(frame_index=index, poses=poses))


def track(
    stub: tracker_pb2_grpc.TrackerServiceStub,
    frames: list[Poses],
    state: bytes = b"",
    first: int = 0,
    smoothing: tracker_pb2.Smoothing.ValueType = OFF,
) -> tuple[list[pose_pb2.TrackedFrame], bytes]:
    """Tracks a segment and checks that the answers follow the proto."""
    begin = start(state, smoothing=smoothing)
    requests = [begin, *(request(first + i, people) for i, people in enumerate(frames))]
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


def test_people_are_returned_unchanged_by_ascending_id(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    two = frame(person(100), person(400))
    frames = [two, two, two, frame(person(405), person(700), person(100))]
    tracked, _ = track(stub, frames, first=7)
    assert [answer.frame_index for answer in tracked] == [7, 8, 9, 10]
    assert [answer.pts for answer in tracked] == [0] * 4
    assert ids(tracked) == [[1, 2]] * 3 + [[1, 2, 3]]
    sent = request(10, frames[3]).frame.poses
    assert [person.pose for person in tracked[3].people] == [sent[2], sent[0], sent[1]]


def test_segment_is_answered_when_it_is_complete(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    requests: queue.Queue[tracker_pb2.TrackRequest | None] = queue.Queue()
    requests.put(start())
    answers = stub.Track(iter(requests.get, None), timeout=60)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(next, answers)
        for index in range(5):
            requests.put(request(index, frame(person(100))))
        with pytest.raises(TimeoutError):
            first.result(timeout=0.3)
        requests.put(None)
        assert first.result(timeout=30).frame.frame_index == 0
    assert [answer.frame.frame_index for answer in list(answers)[:-1]] == [1, 2, 3, 4]


def test_untracked_people_are_returned_separately(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    ghost = frame(person(600), person(100))
    frames = [ghost] + [frame(person(100))] * 5
    tracked, _ = track(stub, frames, smoothing=LIGHT)
    assert ids(tracked) == [[1]] * 6
    sent = request(0, ghost).frame.poses
    assert list(tracked[0].untracked) == [sent[0]]
    assert tracked[0].people[0].pose == sent[1]
    assert not any(answer.untracked for answer in tracked[1:])


@pytest.mark.parametrize("smoothing", [tracker_pb2.SMOOTHING_UNSPECIFIED, OFF])
def test_nothing_is_smoothed_without_the_option(
    stub: tracker_pb2_grpc.TrackerServiceStub, smoothing: tracker_pb2.Smoothing.ValueType
) -> None:
    tracked, _ = track(stub, street(20), smoothing=smoothing)
    people = [somebody for answer in tracked for somebody in answer.people]
    assert people
    assert not any(somebody.HasField("smoothed") for somebody in people)


@pytest.mark.parametrize("smoothing", [LIGHT, STRONG])
def test_smoothed_keypoints_are_returned_beside_measured_ones(
    stub: tracker_pb2_grpc.TrackerServiceStub, smoothing: tracker_pb2.Smoothing.ValueType
) -> None:
    frames = street(40)
    smooth, _ = track(stub, frames, smoothing=smoothing)
    plain, _ = track(stub, frames)
    people = [somebody for answer in smooth for somebody in answer.people]
    assert {len(somebody.smoothed.keypoints) for somebody in people} == {54}
    assert any(somebody.smoothed.keypoints != somebody.pose.keypoints for somebody in people)
    filled = [list(somebody.smoothed.filled) for somebody in people]
    assert any(filled)
    assert all(indices == sorted(set(indices)) for indices in filled)
    for somebody in people:
        for index in somebody.smoothed.filled:
            assert somebody.pose.keypoints[3 * index + 2] == 0
            assert somebody.smoothed.keypoints[3 * index + 2] == 0
            assert somebody.smoothed.keypoints[3 * index] != 0
        somebody.ClearField("smoothed")
    assert smooth == plain


def test_segment_without_frames_returns_the_same_state(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    _, state = track(stub, street(5))
    assert track(stub, [], state, first=5) == ([], state)


def test_segments_give_the_result_of_one_process(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    # In float32, as on the wire.
    frames = [poses.astype(np.float32).astype(np.float64) for poses in street(60)]
    video = VideoTracker(PoseTracker(1.0), Smoother(Strength.LIGHT))
    state, highest = b"", 0
    for begin, end in pairwise([0, 13, 14, 14, 40, 60]):
        tracked, state = track(stub, frames[begin:end], state, first=begin, smoothing=LIGHT)
        scores = [
            0.5 + 0.0625 * np.arange(len(poses), dtype=np.float64) for poses in frames[begin:end]
        ]
        expected = video.segment(
            [
                Frame(index, frames[index], score, index / 30)
                for index, score in enumerate(scores, begin)
            ]
        )
        assert ids(tracked) == [sorted(set(one.ids.tolist()) - {0}) for one in expected]
        assert state == video.save()
        highest = max([highest, *map(max, filter(None, ids(tracked)))])
    assert highest >= 3


def test_segment_may_be_repeated(stub: tracker_pb2_grpc.TrackerServiceStub) -> None:
    _, state = track(stub, street(20), smoothing=STRONG)
    once, again = (track(stub, street(40)[20:], state, first=20) for _ in range(2))
    assert once == again


def test_segment_borders_do_not_affect_sort(
    sort_stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    frames = street(40)
    whole, _ = track(sort_stub, frames)
    assert max(max(row, default=0) for row in ids(whole)) >= 3
    assert not any(answer.untracked for answer in whole)
    for split in range(0, len(frames) + 1, 4):
        before, state = track(sort_stub, frames[:split])
        after, _ = track(sort_stub, frames[split:], state, first=split)
        assert before + after == whole


def test_each_tracker_resumes_a_state_of_the_other(
    stub: tracker_pb2_grpc.TrackerServiceStub, sort_stub: tracker_pb2_grpc.TrackerServiceStub
) -> None:
    frames = street(40)
    _, state = track(sort_stub, frames[:20])
    assert track(stub, frames[20:], state, 20) == track(sort_stub, frames[20:], state, 20)


def test_concurrent_calls_share_nothing(stub: tracker_pb2_grpc.TrackerServiceStub) -> None:
    jobs = [street(30, seed) for seed in range(4)]
    alone = [track(stub, job) for job in jobs]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda job: track(stub, job), jobs)) == alone
    assert all(min(map(min, filter(None, ids(frames)))) == 1 for frames, _ in alone)


def _with(value: float, score: float = 0.5, numbers: int = 54) -> tracker_pb2.TrackRequest:
    pose = np.full(numbers, value)
    message = pose_pb2.Pose(keypoints=pose.tolist(), score=score)
    return tracker_pb2.TrackRequest(frame=pose_pb2.FramePoses(poses=[message]))


def _unknown_smoothing() -> tracker_pb2.TrackRequest:
    begin = start().start.SerializeToString() + b"\x20\x09"  # field 4 again; the last value counts
    return tracker_pb2.TrackRequest(start=tracker_pb2.TrackStart.FromString(begin))


@pytest.mark.parametrize(
    ("requests", "message", "code"),
    [
        ([], "first message", "invalid_request"),
        ([request(0, frame())], "first message", "invalid_request"),
        ([start(), start()], "must be a frame", "invalid_request"),
        ([start(), tracker_pb2.TrackRequest()], "must be a frame", "invalid_request"),
        ([start(frame_rate=0)], "frame_rate", "invalid_request"),
        ([start(frame_rate=np.nan)], "frame_rate", "invalid_request"),
        ([_unknown_smoothing()], "smoothing 9", "invalid_request"),
        ([start(b"x")], "state cannot be read", "state_unreadable"),
        ([start(b'{"version":1}')], "version", "state_unreadable"),
        ([start(), request(-1, frame())], "start at 0", "invalid_request"),
        ([start(), request(1, frame()), request(0, frame())], "Frame 0", "invalid_request"),
        ([start(), request(1, frame()), request(3, frame())], "Frame 3", "invalid_request"),
        ([start(), _with(np.nan)], "not finite", "invalid_request"),
        ([start(), _with(np.inf)], "not finite", "invalid_request"),
        ([start(), _with(1, score=np.nan)], "not a finite", "invalid_request"),
        ([start(), _with(1, numbers=53)], "53 values", "invalid_request"),
        ([start(), _with(1, numbers=0)], "0 values", "invalid_request"),
        ([start(), _with(0)], "no keypoint", "invalid_request"),
        ([start(), _with(3e38)], "beyond", "invalid_request"),
    ],
)
def test_invalid_requests_are_refused(
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
