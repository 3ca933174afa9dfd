"""``python -m benchmarks.ids``: ids on videos whose people were labelled by hand.

``people.csv`` gives the middle of each person every few frames, checked by eye; positions in
between are interpolated. The network's detections are matched with these labels, so the counts
measure the tracker: switches of a person's id, ids without a person, detections without an id.
"""

import asyncio
import csv
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment

from poseway.evaluation.service import Inference, started
from poseway.local.downloads import fetch, fetch_sample
from poseway.media.reader import VideoReader
from poseway.media.resize import fit
from poseway.model_cards import Download
from poseway.skeleton import KEYPOINTS
from poseway.v1 import inference_pb2
from poseway_tracker.settings import TrackerSettings
from poseway_tracker.trackers import TRACKERS
from poseway_tracker.trackers.base import Detections, Tracker
from poseway_tracker.trackers.clock import even

_HERE: Final = Path(__file__).parent
_VIDEOS: Final = Path("build/people")
_RESULT: Final = Path("build/evaluate-ids.json")
_TORSO: Final = [KEYPOINTS.index("neck")] + [
    KEYPOINTS.index(f"{side}_{part}") for side in ("right", "left") for part in ("shoulder", "hip")
]
_GAP: Final = 10
"""Most frames between two labels of a person; longer gaps are unlabelled."""

_NEAR: Final = 0.35
"""Largest distance of a pose from a person's middle, as a share of the longer side of its box."""

_STEPS: Final = (1, 2, 4)
"""Use every frame, every second and every fourth: people move further between frames."""


@dataclass
class Count:
    """Counts over all videos.

    Attributes:
        people: Labelled people who were detected.
        ids: Ids that were given.
        switches: How often a person's id changed.
        ghosts: Ids that never belonged to a labelled person.
        without: How often a person was detected without an id.
    """

    people: int = 0
    ids: int = 0
    switches: int = 0
    ghosts: int = 0
    without: int = 0

    def add(self, video: str, frames: list[tuple[list[str | None], list[int]]]) -> None:
        """Adds a video: for each frame, the person of each detection, or None, and its id."""
        before: dict[str, int] = {}
        theirs: set[int] = set()
        given: set[int] = set()
        for who, ids in frames:
            given.update(id_ for id_ in ids if id_)
            for person, id_ in zip(who, ids, strict=True):
                if person is None:
                    continue
                if not id_:
                    self.without += 1
                    continue
                self.switches += before.get(person, id_) != id_
                before[person] = id_
                theirs.add(id_)
        self.people += len({person for who, _ in frames for person in who if person})
        self.ids += len(given)
        self.ghosts += len(given - theirs)


def main() -> None:
    """Runs the evaluation."""
    videos = _fetched()
    found = asyncio.run(_find(videos))
    rows = {}
    table = Table(
        "frames", "tracker", *("people", "ids", "switches", "ghosts", "without"), box=None
    )
    for step in _STEPS:
        for name, kind in TRACKERS.items():
            count = Count()
            for video, (rate, frames) in found.items():
                tracker = kind.begin(TrackerSettings().tracker_options)
                count.add(video, _identified(frames[::step], tracker, rate / step))
            cells = (count.people, count.ids, count.switches, count.ghosts, count.without)
            table.add_row(f"1 of {step}", name, *map(str, cells))
            rows[f"{name}, 1 of {step}"] = cells
    Console().print(table)
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(rows, indent=2) + "\n")


@dataclass
class _Frame:
    detections: Detections
    who: list[str | None]


def _identified(
    frames: list[_Frame], tracker: Tracker, rate: float
) -> list[tuple[list[str | None], list[int]]]:
    detections = [frame.detections for frame in frames]
    tracked = tracker.segment(detections, even(len(frames), rate))
    return [(frame.who, one.ids.tolist()) for frame, one in zip(frames, tracked, strict=True)]


def _fetched() -> list[Path]:
    card = Download.model_validate(tomllib.loads((_HERE / "people.toml").read_text()))
    videos = [_VIDEOS / file.file for file in card.files]
    fetch(card, videos, Console(stderr=True).print)
    return [fetch_sample(Path("build/sample")), *videos]


async def _find(videos: list[Path]) -> dict[str, tuple[float, list[_Frame]]]:
    """Returns the frame rate of each video and its frames, with the service's detections."""
    people = _people()
    with started() as address:
        async with Inference(address) as inference:
            model = await inference.model(None)
            return {
                path.stem: await _find_in(path, inference, model, people[path.stem])
                for path in videos
            }


async def _find_in(
    path: Path,
    inference: Inference,
    model: inference_pb2.Model,
    people: dict[str, NDArray[np.float64]],
) -> tuple[float, list[_Frame]]:
    found = []
    with path.open("rb") as file:
        reader = VideoReader(file)
        info = reader.info
        header = inference_pb2.BatchHeader(
            job_id=path.stem,
            model=model.name,
            source_width=info.width,
            source_height=info.height,
        )
        size = fit(info.width, info.height, model.input_height)
        for index, frame in enumerate(reader.frames()):
            poses = (await inference.estimate(header, frame.bgr(*size))).poses
            keypoints = np.array([pose.keypoints for pose in poses]).reshape(-1, 18, 3)
            scores = np.array([pose.score for pose in poses], np.float64)
            detections = Detections.of_poses(keypoints, scores)
            found.append(_Frame(detections, _who(detections, index, people)))
        reader.close()
    return float(info.frame_rate), found


def _who(
    detections: Detections, index: int, people: dict[str, NDArray[np.float64]]
) -> list[str | None]:
    """Returns the labelled person of each detection; None if none is near."""
    who: list[str | None] = [None] * len(detections.boxes)
    places = {name: place for name, rows in people.items() if (place := _place(rows, index))}
    if not places or not who or detections.keypoints is None:
        return who
    middles = np.array([_middle(pose) for pose in detections.keypoints])
    apart = np.linalg.norm(middles[:, None] - np.array(list(places.values()))[None], axis=2)
    sides = (detections.boxes[:, 2:] - detections.boxes[:, :2]).max(axis=1)
    share = apart / sides[:, None]
    for row, column in zip(*linear_sum_assignment(np.minimum(share, 1.0)), strict=True):
        if share[row, column] < _NEAR:
            who[row] = list(places)[column]
    return who


def _middle(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    torso = pose[_TORSO]
    seen = torso if (torso[:, 2] > 0).any() else pose
    middle: NDArray[np.float64] = seen[seen[:, 2] > 0, :2].mean(axis=0)
    return middle


def _place(rows: NDArray[np.float64], index: int) -> tuple[float, float] | None:
    """Interpolates a person's place from labels, float64 (n, 3): frame, x, y; or returns None."""
    after = int(np.searchsorted(rows[:, 0], index))
    if after == len(rows):
        return None
    if rows[after, 0] != index and (after == 0 or rows[after, 0] - rows[after - 1, 0] > _GAP):
        return None
    x, y = (float(np.interp(index, rows[:, 0], rows[:, axis])) for axis in (1, 2))
    return x, y


def _people() -> dict[str, dict[str, NDArray[np.float64]]]:
    """Reads the labels, float64 (n, 3): frame, x, y, by video and name."""
    lists: dict[str, dict[str, list[list[float]]]] = {}
    with (_HERE / "people.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            places = lists.setdefault(row["video"], {}).setdefault(row["person"], [])
            places.append([float(row[name]) for name in ("frame", "x", "y")])
    return {
        video: {name: np.array(rows) for name, rows in people.items()}
        for video, people in lists.items()
    }


if __name__ == "__main__":
    main()
