"""``python -m benchmarks.smoothing``: how much jitter smoothing removes, and how much lag it adds.

A synthetic person stands, swings an arm and walks, with noise on every keypoint. The true positions
are known.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from poseway.skeleton import KEYPOINTS
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers.clock import even
from tests.support.tracked_people import person

Floats = NDArray[np.float64]
Motion = Callable[[Floats], Floats]
"""From times in seconds, float64 (n,), to true positions, float64 (n, 18, 2)."""

_RESULT: Final = Path("build/bench-smoothing.json")
_FRAME_RATES: Final = (25, 30, 60)
_SECONDS: Final = 20
_SETTLED: Final = 1
"""Seconds at the start that are not measured."""

_HEIGHT: Final = 400.0
_NOISE: Final = 0.002  # body heights
_PACE: Final = 0.8  # body heights a second
_SWINGS: Final = 2.0  # a second, by 45 degrees to each side
_SCORE: Final = 0.7
_LAGS: Final = np.arange(-1.0, 5.0, 0.01)
"""Lags to try, in frames; less than half a swing, so that the best fit is unique."""

_BODY: Final = person(500.0, 300.0, _HEIGHT)[:, :2]
_SHOULDER, _ELBOW, _WRIST = (KEYPOINTS.index(f"right_{n}") for n in ("shoulder", "elbow", "wrist"))


class Scores(NamedTuple):
    """Effects of smoothing at a frame rate.

    Attributes:
        jitter_removed: Share of the jitter of a person at rest that is removed.
        swing_lag: Lag of the wrist of a swinging arm, in frames.
        walk_lag: Lag of the keypoints of a walking person, in frames.
        swing_error: Root mean square error of the swinging wrist, in body heights.
        raw_error: The same without smoothing.
    """

    jitter_removed: float
    swing_lag: float
    walk_lag: float
    swing_error: float
    raw_error: float


def stand(seconds: Floats) -> Floats:
    """A person at rest."""
    return np.repeat(_BODY[None], len(seconds), axis=0)


def swing(seconds: Floats) -> Floats:
    """A person who swings the stiff right arm about the shoulder."""
    angles = np.pi / 4 * np.sin(2 * np.pi * _SWINGS * seconds)
    turns = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    poses = stand(seconds)
    for joint in (_ELBOW, _WRIST):
        poses[:, joint] = _BODY[_SHOULDER] + np.einsum(
            "ijn,j->ni", turns, _BODY[joint] - _BODY[_SHOULDER]
        )
    return poses


def walk(seconds: Floats) -> Floats:
    """A person who moves to the right at constant speed."""
    poses = stand(seconds)
    poses[..., 0] += _PACE * _HEIGHT * seconds[:, None]
    return poses


def film(motion: Motion, strength: Strength, rate: int) -> tuple[Floats, Floats, Floats]:
    """Returns times, noisy and smoothed keypoints, (n, 18, 2), after the filter has settled."""
    seconds = np.arange(_SECONDS * rate) / rate
    truth = motion(seconds)
    raw = truth + np.random.default_rng(0).normal(0.0, _NOISE * _HEIGHT, truth.shape)
    poses = np.dstack([raw, np.full(raw.shape[:2], _SCORE)])
    people = [{1: pose} for pose in poses]
    smoothed = Smoother(strength).segment(people, even(len(people), rate))
    places = np.array([people[1].keypoints[:, :2] for people in smoothed])
    start = _SETTLED * rate
    return seconds[start:], raw[start:], places[start:]


def root_mean_square(values: Floats) -> float:
    """Returns the root mean square of all values."""
    return float(np.sqrt(np.mean(values**2)))


def lag(motion: Motion, seconds: Floats, places: Floats, rate: int) -> float:
    """Returns the delay in frames with which the truth fits the places best."""
    errors = [root_mean_square(motion(seconds - late / rate) - places) for late in _LAGS]
    return float(_LAGS[np.argmin(errors)])


def measure(strength: Strength, rate: int) -> Scores:
    """Measures one strength at a frame rate."""
    _, raw, still = film(stand, strength, rate)
    before, after = (root_mean_square(np.diff(places, 2, axis=0)) for places in (raw, still))
    walked, _, walking = film(walk, strength, rate)
    swung, found, swinging = film(swing, strength, rate)
    wrist = swing(swung)[:, _WRIST]
    errors = [
        root_mean_square(np.linalg.norm(places[:, _WRIST] - wrist, axis=1)) / _HEIGHT
        for places in (swinging, found)
    ]
    return Scores(
        1 - after / before,
        lag(lambda t: swing(t)[:, _WRIST], swung, swinging[:, _WRIST], rate),
        lag(walk, walked, walking, rate),
        *errors,
    )


def main() -> None:
    """Runs the benchmark."""
    heads = ("jitter removed", "swing lag", "walk lag", "swing error", "raw")
    table = Table("frames/s", "strength", *heads, box=None)
    result: dict[int, dict[str, dict[str, float]]] = {}
    for rate in _FRAME_RATES:
        for strength in Strength:
            found = measure(strength, rate)
            result.setdefault(rate, {})[strength] = found._asdict()
            lags = (f"{found.swing_lag:.2f}", f"{found.walk_lag:.2f}")
            errors = (f"{100 * error:.2f} %" for error in (found.swing_error, found.raw_error))
            table.add_row(str(rate), strength, f"{found.jitter_removed:.0%}", *lags, *errors)
    console = Console()
    console.print(table)
    console.print("Lags in frames; errors of the swinging wrist in body heights.")
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
