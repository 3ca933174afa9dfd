"""Hard cuts are detected and nothing else is, compared with PySceneDetect's detector."""

import io
import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from poseway.media.reader import VideoReader
from poseway_gateway.dispatcher.frames.batches import Batch, Position, batches
from tests.support.films_with_cuts import (
    PLACES,
    Picture,
    film,
    lit,
    noisy,
    place,
    scenedetect,
    view,
)
from tests.support.videos import make_video

RATES = (10, 25, 30, 60, 120)
SOME_RATES = (10, 30, 120)


def decoded(
    data: bytes,
    segment: int = 0,
    start: Position | None = None,
    memory: Position | None = None,
    seconds: float = 0.5,
) -> list[Batch]:
    return list(
        batches(
            VideoReader(io.BytesIO(data)),
            segment,
            start or Position(0, 0),
            memory,
            batch_frames=4,
            segment_seconds=seconds,
            max_height=120,
            max_frames=10_000,
        )
    )


def cuts(data: bytes) -> list[int]:
    return [image.index for batch in decoded(data) for image in batch.images if image.cut]


def shot(seed: int, frames: int, where: int = 0) -> list[Picture]:
    """A shot with a handheld camera."""
    picture, (x, y) = place(seed), PLACES[where]
    rng = np.random.default_rng(seed)
    return [view(picture, x + rng.normal(0, 1.5), y + rng.normal(0, 1)) for _ in range(frames)]


def four_places(rate: int) -> tuple[list[Picture], list[int]]:
    """Four shots, and the frames at which the last three begin."""
    frames = max(6, rate // 2)
    shots = [picture for number in range(4) for picture in shot(number, frames, number)]
    return shots, [frames, 2 * frames, 3 * frames]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", ["plain", "dark", "noisy", "with bars"])
def test_cuts_are_found_at_the_right_frames(kind: str, rate: int) -> None:
    shots, expected = four_places(rate)
    if kind == "dark":
        shots = [lit(picture, 0.12) for picture in shots]
    if kind == "noisy":
        shots = noisy(shots, 12)
    if kind == "with bars":
        shots = [np.pad(seen[:, 88:168], ((0, 0), (88, 88), (0, 0))) for seen in shots]
    data = film(shots, rate, jitter=True)
    assert cuts(data) == expected
    assert set(scenedetect(data, rate)) & set(expected) <= set(cuts(data))


def blended(last: Picture, first: Picture) -> Picture:
    return lit(last, 0.5, first * 0.5)


def woven(last: Picture, first: Picture) -> Picture:
    """The even lines of one frame and the odd lines of the other."""
    picture = last.copy()
    picture[1::2] = first[1::2]
    return picture


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("mixture", [blended, woven])
def test_a_frame_may_mix_two_shots(
    mixture: Callable[[Picture, Picture], Picture], rate: int
) -> None:
    frames = max(6, rate // 2)
    for seed in range(8):
        before, after, last = (shot(seed + 50 * n, frames, n) for n in range(3))
        shots = [*before, mixture(before[-1], after[0]), *after, mixture(after[-1], last[0]), *last]
        found = cuts(film(shots, rate, jitter=True))
        # A mixture that resembles the next shot may count as its first frame.
        assert [(at + 1) // (frames + 1) for at in found] == [1, 2], (seed, found)
        assert all((at + 1) % (frames + 1) <= 1 for at in found), (seed, found)


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_whip_pan_is_one_cut_at_most(frames: int) -> None:
    steps = [170 + 430 * step / (frames + 1) for step in range(1, frames + 1)]
    xs = [170.0] * 30 + steps + [600.0] * 30
    found = cuts(film([view(place(2), x, 200) for x in xs], 30))
    assert len(found) <= 1


@pytest.mark.parametrize("frames", [3, 4, 8])
def test_short_shots_are_separated(frames: int) -> None:
    shots = [picture for seed in range(8) for picture in shot(seed, frames, seed % 4)]
    assert cuts(film(shots, 30)) == [frames * number for number in range(1, 8)]


@pytest.mark.parametrize("rate", SOME_RATES)
def test_cuts_between_parts_of_the_sample_are_found(rate: int, people: list[Picture]) -> None:
    frames = max(6, rate // 2)
    corners = ((0, 0), (230, 110), (430, 0), (100, 135))
    shots = [
        people[(number * frames + index) * 30 // rate % len(people)][y : y + 250, x : x + 440]
        for number, (x, y) in enumerate(corners)
        for index in range(frames)
    ]
    assert cuts(film(shots, rate)) == [frames, 2 * frames, 3 * frames]


@pytest.fixture(scope="module")
def people(sample: Path) -> list[Picture]:
    """Frames of the sample, 884x496."""
    with av.open(str(sample)) as video:
        frames = itertools.islice(video.decode(video=0), 120)
        return [f.reformat(884, 496, "rgb24").to_ndarray().astype(np.uint8) for f in frames]


def flashed(rate: int, levels: Callable[[float], float]) -> list[Picture]:
    """A light flashes with a level that is a function of the seconds since its start."""
    shots = shot(1, rate + rate // 2)
    times = [(index - rate // 2) / rate for index in range(len(shots))]
    return [
        picture if t < 0 else lit(picture, 1 + levels(t), 200 * levels(t))
        for t, picture in zip(times, shots, strict=True)
    ]


def panned(rate: int, widths: float) -> list[Picture]:
    """A camera rests, pans by `widths` frame widths per second, and rests again."""
    picture = place(2)
    xs = [170.0] * (rate // 2)
    while xs[-1] < 590:
        xs.append(min(600, xs[-1] + widths * 256 / rate))
    xs += [xs[-1]] * (rate // 2)
    return [view(picture, x, 200 + 4 * math.sin(i)) for i, x in enumerate(xs)]


def zoomed(rate: int, seconds: float) -> list[Picture]:
    steps = max(1, round(rate * seconds))
    still = rate // 2
    zooms = [1.0] * still + [2 ** (i / steps) for i in range(1, steps + 1)] + [2.0] * still
    return [view(place(3), 380, 210, zoom) for zoom in zooms]


def shaken(rate: int) -> list[Picture]:
    picture, rng = place(4), np.random.default_rng(4)
    return [
        view(picture, 380 + x, 210 + y, 1, roll)
        for x, y, roll in rng.normal(0, (12, 9, 2), (rate, 3))
    ]


def mixed(rate: int, seconds: float) -> list[Picture]:
    """One shot dissolves into another."""
    before, after = shot(5, rate // 2, 0), shot(6, rate // 2, 1)
    steps = max(3, round(rate * seconds))
    parts = [step / (steps + 1) for step in range(1, steps + 1)]
    between = [lit(before[-1], 1 - part, after[0] * part) for part in parts]
    return before + between + after


def faded(rate: int, seconds: float) -> list[Picture]:
    """One shot fades to black, and another fades in."""
    before, after = shot(5, rate // 2, 0), shot(6, rate // 2, 1)
    steps = max(4, round(rate * seconds))
    parts = [step / steps for step in range(1, steps + 1)]
    out = [lit(before[-1], 1 - part) for part in parts]
    return before + out + [lit(after[0], part) for part in parts] + after


NO_CUTS: dict[str, Callable[[int], list[Picture]]] = {
    "a flash in one frame": lambda rate: flashed(rate, lambda t: float(t < 0.9 / rate)),
    "a flash in some frames": lambda rate: flashed(rate, lambda t: float(t < 0.12)),
    "a flash that decays": lambda rate: flashed(rate, lambda t: math.exp(-t / 0.1)),
    "a stroboscope": lambda rate: [
        picture if index * 10 // rate % 2 else lit(picture, 0.02)
        for index, picture in enumerate(shot(1, 2 * rate + rate // 10))
    ],
    "lights on": lambda rate: shot(1, rate // 2) + [lit(p, 2, 20) for p in shot(1, rate // 2)],
    "lights off": lambda rate: shot(1, rate // 2) + [lit(p, 0.2) for p in shot(1, rate // 2)],
    "a pan": lambda rate: panned(rate, 0.7),
    "a fast pan": lambda rate: panned(rate, 2),
    "a zoom": lambda rate: zoomed(rate, 0.8),
    "a fast zoom": lambda rate: zoomed(rate, 0.35),
    "a shake": shaken,
    "a dissolve": lambda rate: mixed(rate, 0.5),
    "a fade": lambda rate: faded(rate, 0.5),
    "noise": lambda rate: noisy([np.full((144, 256, 3), 90, np.uint8)] * rate, 60),
}


@pytest.mark.parametrize("rate", SOME_RATES)
@pytest.mark.parametrize("kind", NO_CUTS)
def test_lookalikes_are_not_cuts(kind: str, rate: int) -> None:
    assert cuts(film(NO_CUTS[kind](rate), rate, jitter=rate < 100)) == []


@pytest.mark.parametrize("kind", ["a flash in some frames", "a fast pan"])
def test_lookalikes_deceive_another_detector(kind: str) -> None:
    data = film(NO_CUTS[kind](10), 10)
    assert scenedetect(data, 10)
    assert cuts(data) == []


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(1), Fraction(2)])
def test_in_a_time_lapse_only_lasting_changes_are_cuts(rate: Fraction) -> None:
    changing = [view(place(number), *PLACES[0]) for number in range(12)]
    assert cuts(make_video(12, picture=changing.__getitem__, rate=rate)) == []
    lasting = shot(1, 6) + shot(2, 6, 1)
    assert cuts(make_video(12, picture=lasting.__getitem__, rate=rate)) == [6]


def test_first_and_last_frame_may_be_single_frame_shots() -> None:
    shots = shot(1, 1) + shot(2, 20, 1) + shot(3, 1, 2)
    assert cuts(film(shots, 30)) == [1, 21]


def test_a_cut_through_black_is_one_cut() -> None:
    black = [np.zeros((144, 256, 3), np.uint8)] * 4
    assert cuts(film(shot(1, 30) + black + shot(2, 30, 1), 30)) == [34]
    assert cuts(film(shot(1, 30) + black + shot(1, 30), 30)) == []
    assert cuts(film(shot(1, 30) + black * 5 + shot(2, 30, 1), 30)) == [30, 50]


@pytest.mark.parametrize("rate", [10, 30, 120])
def test_resumed_job_finds_the_same_cuts(rate: int) -> None:
    shots, (_, at, _) = four_places(rate)
    shots.insert(at, blended(shots[at - 1], shots[at]))
    data = film(shots, rate, jitter=True)
    whole = decoded(data, seconds=0.2)
    for number, batch in enumerate(whole):
        if batch.closes and batch.following:
            resumed = decoded(data, batch.segment + 1, batch.following, batch.memory, 0.2)
            assert verdicts(resumed) == verdicts(whole[number + 1 :])


def verdicts(found: list[Batch]) -> list[tuple[int, Position, list[tuple[int, int, bool]]]]:
    return [
        (batch.segment, batch.memory, [(i.index, i.pts, i.cut) for i in batch.images])
        for batch in found
    ]
