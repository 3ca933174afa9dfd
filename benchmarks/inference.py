"""``python -m benchmarks.inference``: frames per second of the network, alone and with decoding.

Several ways to run the network process the same frames of the sample video, each in its own
process, in turn, for many short rounds; medians count. All ways share our decoder. Each one is
called by as many threads as its makers advise, so the throughput of the machine is compared.
"""

import json
import multiprocessing
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.ways import OURS, PEERS, Way, opencv, ours_with_tensorflow
from poseway.model_cards import load_cards
from poseway_inference.engines.base import cores
from poseway_inference.engines.select import fastest_engine
from poseway_inference.families.openpose.decoder import CHANNELS, decode
from poseway_inference.families.openpose.geometry import Geometry
from tests.support.drawn_maps import at, draw

SAMPLE: Final = Path("build/sample/demo.mp4")
HEIGHT: Final = load_cards()[0].input_size
_RESULT: Final = Path("build/bench-inference.json")
_ROUNDS: Final = 15
_SECONDS: Final = 1.0
_FRAMES: Final = 16


@dataclass
class Result:
    """Measurements of one way.

    Attributes:
        name: Name of the way.
        network: Frames per second of the network alone, per round.
        decoded: Frames per second from frame to people, per round.
        memory: Peak resident memory in MB.
    """

    name: str
    network: list[float] = field(default_factory=list)
    decoded: list[float] = field(default_factory=list)
    memory: float = 0

    def ratios(self, rival: "Result") -> tuple[float, float]:
        """Returns the speed relative to a rival's, of the network alone and with decoding.

        Each round is compared with the rival's same round, which ran at nearly the same time.
        """
        alone, decoded = (
            statistics.median(a / b for a, b in zip(mine, others, strict=True))
            for mine, others in ((self.network, rival.network), (self.decoded, rival.decoded))
        )
        return round(alone, 3), round(decoded, 3)

    def summary(self, rival: "Result") -> dict[str, Any]:
        """Returns the figures and their ratios to a rival's."""
        alone, decoded = self.ratios(rival)
        return {
            "name": self.name,
            "network_fps": round(statistics.median(self.network), 2),
            "network_ratio": alone,
            "decoded_fps": round(statistics.median(self.decoded), 2),
            "decoded_ratio": decoded,
            "memory_mb": round(self.memory),
            "network_rounds": [round(value, 2) for value in self.network],
            "decoded_rounds": [round(value, 2) for value in self.decoded],
        }


class Runner:
    """Runs a way in its own process, which is idle between rounds."""

    def __init__(self, make: Callable[[], Way]) -> None:
        """Starts the process and waits until the way has warmed up."""
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process = context.Process(target=_serve, args=(make, child), daemon=True)
        self._process.start()
        child.close()
        self.result = Result(self._pipe.recv())

    def measure(self) -> None:
        """Adds one round."""
        self._pipe.send("round")
        network, decoded, self.result.memory = self._pipe.recv()
        self.result.network.append(network)
        self.result.decoded.append(decoded)


def _serve(make: Callable[[], Way], pipe: Connection) -> None:
    """Runs a round for each request until the pipe closes."""
    way = make()
    frames = _frames()
    height, width = frames[0].shape[:2]
    geometry = Geometry.fit(width, height, height)
    images = [geometry.prepare(frame) for frame in frames]

    def alone(number: int) -> None:
        way.run(images[number % len(images)])

    def decoded(number: int) -> None:
        (maps,) = way.run(geometry.prepare(frames[number % len(frames)]))
        geometry.to_source(decode(maps).keypoints, (width, height))

    for work in (alone, decoded):
        _speed(work, way.callers, _SECONDS / 2)
    pipe.send(way.name)
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        speeds = [_speed(work, way.callers, _SECONDS) for work in (alone, decoded)]
        pipe.send((*speeds, _peak_memory()))


def _speed(work: Callable[[int], None], callers: int, seconds: float) -> float:
    """Returns the calls per second of all threads together."""
    counts = [0] * callers
    begin = time.perf_counter()

    def call(caller: int) -> None:
        while time.perf_counter() < begin + seconds:
            work(caller + counts[caller] * callers)
            counts[caller] += 1

    with ThreadPoolExecutor(callers) as threads:
        list(threads.map(call, range(callers)))  # re-raises errors of the calls
    return sum(counts) / (time.perf_counter() - begin)


def _frames() -> list[NDArray[np.uint8]]:
    """Reads frames of the sample, scaled to the height of the network's input."""
    video = cv2.VideoCapture(str(SAMPLE))
    frames: list[NDArray[np.uint8]] = []
    while len(frames) < _FRAMES:
        found, frame = video.read()
        if not found:
            sys.exit(f"{SAMPLE} cannot be read. Run `make sample`.")
        size = (round(frame.shape[1] * HEIGHT / frame.shape[0]), HEIGHT)
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        frames.append(np.asarray(small, np.uint8))
        for _ in range(10):
            video.grab()
    return frames


def _peak_memory() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1]) / 1024
    return 0.0


def decoding(people: int) -> float:
    """Returns the median time to decode drawn people on maps of 46 x 82 cells, in milliseconds."""
    columns, rows = (5, 1) if people == 5 else (10, 3)
    scale = 0.9 / rows
    crowd = [
        at(82 * (column + 0.5) / columns, 46 * (row + 0.5) / rows - 12 * scale, scale)
        for row in range(rows)
        for column in range(columns)
    ]
    noise = np.random.default_rng(0).normal(0, 0.01, (46, 82, CHANNELS))
    maps = (draw(*crowd) + noise).astype(np.float32)
    cv2.setNumThreads(1)
    times = []
    for _ in range(100):
        begin = time.perf_counter()
        found = decode(maps)
        times.append(time.perf_counter() - begin)
    if len(found.scores) != people:
        sys.exit(f"The decoder found {len(found.scores)} of {people} drawn people.")
    return statistics.median(times) * 1000


def measure() -> dict[str, Any]:
    """Measures all ways in turn; returns the figures for the JSON file."""
    runners = {make: Runner(make) for make in (*PEERS, *OURS.values())}
    for _ in _shown(_ROUNDS):
        for runner in runners.values():
            runner.measure()
    results = {make: runner.result for make, runner in runners.items()}
    best = max((results[peer] for peer in PEERS), key=lambda r: statistics.median(r.network))
    chosen = results[OURS[fastest_engine()]]
    return {
        "ratio_to_best": chosen.ratios(best)[0],
        "tensorflow_ratio_to_best": results[ours_with_tensorflow].ratios(best)[0],
        "decoded_ratio_to_best": chosen.ratios(best)[1],
        "decoded_ratio_to_opencv": chosen.ratios(results[opencv])[1],
        "chosen": chosen.name,
        "decoding_ms": {str(people): round(decoding(people), 2) for people in (5, 30)},
        "best": best.name,
        "rounds": _ROUNDS,
        "seconds_per_round": _SECONDS,
        "input_height": HEIGHT,
        "machine": f"{_processor()}, {cores()} cores",
        "ways": [result.summary(best) for result in results.values()],
    }


def _shown(rounds: int) -> Iterator[int]:
    console = Console(stderr=True)
    for number in range(1, rounds + 1):
        console.print(f"[dim]round {number} of {rounds}[/]")
        yield number


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    """Measures, prints a table and writes the figures."""
    figures = measure()
    table = Table("way", "network alone", "ratio", "with decoding", "ratio", "memory")
    for way in figures["ways"]:
        table.add_row(
            way["name"],
            f"{way['network_fps']:.1f} fps",
            f"{way['network_ratio']:.2f}",
            f"{way['decoded_fps']:.1f} fps",
            f"{way['decoded_ratio']:.2f}",
            f"{way['memory_mb']} MB",
        )
    console = Console(width=110)
    console.print(table)
    console.print(
        f"Medians of {_ROUNDS} rounds in turn, height {HEIGHT}, {figures['machine']}.\n"
        f"{figures['chosen']} is chosen here. Relative to the best peer ({figures['best']}): "
        f"{figures['ratio_to_best']:.2f}; TensorFlow {figures['tensorflow_ratio_to_best']:.2f}.\n"
        f"Relative to OpenCV, with decoding: {figures['decoded_ratio_to_opencv']:.2f}.\n"
        f"Decoding alone: {figures['decoding_ms']['5']:.1f} ms for 5 people, "
        f"{figures['decoding_ms']['30']:.1f} ms for 30, on one core."
    )
    _RESULT.parent.mkdir(parents=True, exist_ok=True)
    _RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"Written to {_RESULT}.")


if __name__ == "__main__":
    main()
