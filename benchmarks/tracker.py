"""``python -m benchmarks.tracker``: time per frame of each tracker with 5 and with 30 people.

Synthetic people walk back and forth past each other, with noise, missing keypoints and hidden
people. All trackers, and the default one with smoothing, run on the same frames in turn.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from poseway_tracker.session import Frame, VideoTracker
from poseway_tracker.settings import TrackerSettings
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers import TRACKERS

_RESULT: Final = Path("build/bench-tracker.json")
_FRAME_RATE: Final = 30.0
_FRAMES: Final = 300
_ROUNDS: Final = 15
_LIMITS: Final = {5: 1.0, 30: 5.0}
"""Upper limit in milliseconds per frame, by number of people."""


def walkers(people: int, frames: int, seed: int = 0) -> list[Frame]:
    """Draws the people of a video."""
    random = np.random.default_rng(seed)
    height = random.uniform(150, 400, people)
    body = random.uniform(-0.5, 0.5, (people, 18, 2)) * height[:, None, None] * (0.4, 1.0)
    start = random.uniform(200, 1700, (people, 2)) * (1.0, 0.3) + (0, 300)
    speed = random.uniform(-6, 6, people)
    video = []
    for index in range(frames):
        pose = np.ones((people, 18, 3))
        pose[..., :2] = body + start[:, None] + random.normal(0, 2, body.shape)
        pose[..., 0] += 150 * np.sin(speed * index / 150)[:, None]
        pose[random.random((people, 18)) < 0.1] = 0.0
        there = random.random(people) > 0.05
        scores = random.uniform(0.3, 0.9, int(there.sum()))
        video.append(Frame(index, pose[there], scores, index / _FRAME_RATE))
    return video


def way(tracker: str, smoothing: Strength | None = None) -> Callable[[list[Frame]], object]:
    """Returns a function from a video's keypoints to ids and, if asked for, smoothed keypoints."""

    def run(video: list[Frame]) -> object:
        begun = TRACKERS[tracker].begin(TrackerSettings().tracker_options)
        smoother = None if smoothing is None else Smoother(smoothing)
        return VideoTracker(begun, smoother).segment(video)

    return run


_WAYS: Final[dict[str, Callable[[list[Frame]], object]]] = {
    **{name: way(name) for name in TRACKERS},
    **{f"default, {strength} smoothing": way("default", strength) for strength in Strength},
}


def milliseconds(people: int) -> dict[str, float]:
    """Returns the median time per frame of each way, in milliseconds."""
    video = walkers(people, _FRAMES)
    times: dict[str, list[float]] = {name: [] for name in _WAYS}
    for _ in range(_ROUNDS):
        for name, run in _WAYS.items():
            began = time.perf_counter()
            run(video)
            times[name].append(1000 * (time.perf_counter() - began) / len(video))
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    """Runs the benchmark."""
    table = Table("people", "way", "ms/frame", "relative to SORT", "share of limit", box=None)
    result = {}
    for people, limit in _LIMITS.items():
        found = milliseconds(people)
        result[people] = found
        for name, value in found.items():
            of_sort = f"{value / found['sort']:.2f}"
            table.add_row(str(people), name, f"{value:.3f}", of_sort, f"{value / limit:.2f}")
    console = Console()
    console.print(table)
    console.print(f"Medians of {_ROUNDS} rounds of {_FRAMES} frames; limits: {_LIMITS} ms.")
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
