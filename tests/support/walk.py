"""A synthetic keypoints.jsonl: two people who come and go, smoothed or not."""

import json
from collections.abc import Generator
from fractions import Fraction
from typing import Any

import numpy as np

from poseway.formats import keypoints
from poseway.formats.exports import Source
from poseway.formats.tracks import Span
from poseway.jobs import Smoothing
from poseway.skeleton import KEYPOINTS
from poseway.v1 import pose_pb2

TIME_BASE = Fraction(1, 30000)
SPANS: dict[int, list[Span]] = {1: [(0, 5)], 2: [(1, 2), (6, 8)]}
FRAMES = 10
"""The last frame has no person."""


def walk(*, smoothed: bool, frames: int = FRAMES, spans: dict[int, list[Span]] = SPANS) -> bytes:
    """Returns the file. One keypoint in ten is missing; half of these are filled if smoothed."""
    rng = np.random.default_rng(7)
    smoothing = Smoothing.LIGHT if smoothed else Smoothing.OFF
    head = keypoints.header(1920, 1080, TIME_BASE, Fraction(30000, 1001), smoothing)
    lines = [head]
    for index in range(frames):
        people = [
            _person(track, rng, smoothed=smoothed)
            for track, runs in spans.items()
            if any(first <= index <= last for first, last in runs)
        ]
        frame = pose_pb2.TrackedFrame(frame_index=index, pts=index * 1001, people=people)
        lines.append(keypoints.line(frame, TIME_BASE))
    return b"".join(lines)


def source(file: bytes, stem: str = "walk") -> Source:
    """A file for converters, in chunks that end in the middle of lines."""

    def read(start: int) -> Generator[bytes]:
        for at in range(start, len(file), 1000):
            yield file[at : at + 1000]

    return Source(stem, read)


def _person(track: int, rng: np.random.Generator, *, smoothed: bool) -> pose_pb2.TrackedPose:
    numbers = rng.uniform((0, 0, 0.2), (1920, 1080, 1), (len(KEYPOINTS), 3))
    missing = rng.random(len(KEYPOINTS)) < 0.1
    numbers[missing] = 0
    person = pose_pb2.TrackedPose(
        track_id=track, pose=pose_pb2.Pose(keypoints=numbers.ravel(), score=0.8)
    )
    if smoothed:
        filled = np.flatnonzero(missing)[::2]
        numbers[~missing, :2] += 0.25
        numbers[filled, :2] = rng.uniform(1, 1000, (len(filled), 2))
        person.smoothed.MergeFrom(pose_pb2.SmoothedPose(keypoints=numbers.ravel(), filled=filled))
    return person


def records(file: bytes) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every frame with every person in it, as the standard library reads them."""
    return [
        (frame, person)
        for frame in map(json.loads, file.splitlines()[1:])
        for person in frame["people"]
    ]


def best(person: dict[str, Any]) -> np.ndarray:
    """Position of each keypoint in pixels, smoothed if available; NaN if missing."""
    numbers = np.array(person.get("smoothed", person["keypoints"])).reshape(-1, 3)
    return np.where(np.any(numbers, axis=1, keepdims=True), numbers[:, :2], np.nan)
