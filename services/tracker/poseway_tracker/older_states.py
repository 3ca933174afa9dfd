"""Reads states of older versions, which measured time in frames."""

from typing import Any

from poseway_tracker.smoothing.smoother import MEMORY_SECONDS, NEVER
from poseway_tracker.trackers.clock import REFERENCE_RATE


def upgraded(state: dict[str, Any], frame_rate: float, next_time: float) -> dict[str, Any]:
    """Converts a state to version 3, in which times are in seconds.

    Args:
        state: A state of version 1, which had SORT only, or of version 2. It is modified.
        frame_rate: Frames per second of the video.
        next_time: Presentation time of the next frame, in seconds.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: It is not such a state.
    """
    if state["version"] == 1:
        state = _of_version_1(state)
    interval = 1 / frame_rate
    last_time = next_time - interval
    tracker, smoother = state["tracker"], state["smoother"]
    tracker["max_age"] *= interval
    tracker["time"] = last_time
    if tracker["kind"] == "sort":
        for track in tracker["tracks"]:
            missed = track.pop("time_since_update")
            track["seen"], track["found"] = last_time - missed * interval, not missed
            _scale(track["filter"], frame_rate)
    else:
        del tracker["min_hits"], tracker["short_age"]
        for person in tracker["people"]:
            person["last"] = person.pop("seen")
            person["seen"] = last_time - person["missed"] * interval
            person["found"] = person.pop("hits") * interval
            _scale(person["filter"], frame_rate)
            _scale(person["last"], frame_rate)
    if smoother is not None:
        del smoother["frame_rate"]
        for track in smoother["tracks"]:
            ages = [age * interval for age in track.pop("ages")]
            track["times"] = [NEVER if age > MEMORY_SECONDS else next_time - age for age in ages]
    clock = {"measured": last_time, "time": last_time, "intervals": [interval]}
    return {**state, "version": 3, "clock": clock}


def _of_version_1(state: dict[str, Any]) -> dict[str, Any]:
    """Converts a state of version 1 to version 2."""
    del state["version"]
    last_frame = state.pop("last_frame")
    for track in state["tracks"]:
        track["filter"] = {name: track.pop(name) for name in ("mean", "covariance")}
    tracker = {"kind": "sort", **state}
    return {"version": 2, "last_frame": last_frame, "tracker": tracker, "smoother": None}


def _scale(box_filter: dict[str, Any], frame_rate: float) -> None:
    """Converts velocities per frame of the video to velocities per frame at the reference rate."""
    factor = frame_rate / REFERENCE_RATE
    scales = [1.0] * 4 + [factor] * 3
    box_filter["mean"] = [v * s for v, s in zip(box_filter["mean"], scales, strict=True)]
    box_filter["covariance"] = [
        [v * one * other for v, other in zip(row, scales, strict=True)]
        for row, one in zip(box_filter["covariance"], scales, strict=True)
    ]
