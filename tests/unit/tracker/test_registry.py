"""A registered tracker works everywhere: settings, service, saved state, command."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import grpc
import numpy as np
import pytest
from pydantic import ValidationError

from poseway.formats.mot import parse
from poseway.v1 import pose_pb2, tracker_pb2, tracker_pb2_grpc
from poseway_tracker import mot_cli
from poseway_tracker.service import add_to
from poseway_tracker.settings import TrackerSettings
from poseway_tracker.trackers import TRACKERS
from poseway_tracker.trackers.base import Detections, Tracked
from poseway_tracker.trackers.clock import FrameTime
from poseway_tracker.trackers.filter_state import TrackId
from poseway_tracker.trackers.kind import TrackerKind, TrackerRecord
from tests.support.tracked_people import person


class Toy:
    """Gives every detection an id of its own, counting down from `next_id`."""

    def __init__(self, next_id: int) -> None:
        self.next_id = next_id

    def segment(
        self, frames: Sequence[Detections], frame_times: Sequence[FrameTime]
    ) -> list[Tracked]:
        return [self._update(frame) for frame in frames]

    def _update(self, frame: Detections) -> Tracked:
        ids = np.arange(self.next_id, self.next_id - len(frame.boxes), -1)
        self.next_id -= len(ids)
        return Tracked(ids, frame.boxes)


class ToyRecord(TrackerRecord[Toy]):
    kind: Literal["toy"] = "toy"
    next_id: TrackId

    @classmethod
    def of(cls, tracker: Toy) -> "ToyRecord":
        return cls.model_construct(next_id=tracker.next_id)

    def restore(self) -> Toy:
        return Toy(self.next_id)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    row = TrackerKind(
        tracker=Toy,
        record=ToyRecord,
        begin=lambda options: Toy(round(options.max_age)),
        begin_boxes=lambda _: Toy(100),
    )
    monkeypatch.setitem(TRACKERS, "toy", row)


@pytest.fixture
def stub(toy: None) -> Iterator[tracker_pb2_grpc.TrackerServiceStub]:
    server = grpc.server(ThreadPoolExecutor(2))
    add_to(server, TrackerSettings(tracker="toy", track_max_age_seconds=50))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield tracker_pb2_grpc.TrackerServiceStub(channel)
    server.stop(None).wait()


def segment(
    stub: tracker_pb2_grpc.TrackerServiceStub, frames: Sequence[int], state: bytes = b""
) -> tuple[list[list[int]], bytes]:
    """Returns the ids of each frame, with two people in each, and the state."""
    start = tracker_pb2.TrackStart(job_id="toy", state=state, frame_rate=25)
    poses = [pose_pb2.Pose(keypoints=person(x).ravel(), score=0.9) for x in (100, 500)]
    requests = [
        tracker_pb2.TrackRequest(start=start),
        *(
            tracker_pb2.TrackRequest(frame=pose_pb2.FramePoses(frame_index=index, poses=poses))
            for index in frames
        ),
    ]
    *tracked, last = stub.Track(iter(requests), timeout=30)
    return [[one.track_id for one in answer.frame.people] for answer in tracked], last.state


def test_the_service_tracks_and_resumes_with_the_new_tracker(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    ids, state = segment(stub, [0, 1])
    assert ids == [[49, 50], [47, 48]]
    assert b'"tracker":{"kind":"toy","next_id":46}' in state
    assert segment(stub, [2], state)[0] == [[45, 46]]


def test_a_broken_state_of_the_new_tracker_is_refused(
    stub: tracker_pb2_grpc.TrackerServiceStub,
) -> None:
    _, state = segment(stub, [0])
    with pytest.raises(grpc.RpcError, match=r"tracker\.next_id: Input should be"):
        segment(stub, [1], state.replace(b'"next_id":48', b'"next_id":0'))


def test_the_command_lists_and_runs_the_new_tracker(
    toy: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mot_cli.main(["--list"]) == 0
    assert capsys.readouterr().out.split() == ["sort", "default", "toy"]
    file = tmp_path / "det.txt"
    file.write_text("1,-1,10,20,30,40,0.9\n2,-1,10,20,30,40,0.9\n")
    assert mot_cli.main([str(file), "--tracker", "toy"]) == 0
    assert parse(capsys.readouterr().out, "output").ids.tolist() == [100, 99]


def test_a_tracker_that_is_not_registered_is_refused() -> None:
    with pytest.raises(ValidationError, match="no tracker 'toy'; choose one of sort, default"):
        TrackerSettings(tracker="toy")


def test_tags_of_saved_trackers_never_change() -> None:
    assert {name: kind.tag for name, kind in TRACKERS.items()} == {
        "sort": "sort",
        "default": "people",
    }
