"""``python -m benchmarks.end_to_end``: whole videos through the real stack, beside the ideal.

In each round every contender processes the same clip, in rotating order; medians over the rounds
count. Contenders are the real stack, the same parts in one process, the ideal (CPU time of
decoding, network and encoding divided by the cores, without waiting or other work) and OpenCV
alone.

The ideal is measured on busy cores: each stage runs alone, but on all cores at once, because it
takes all cores to reach the ideal. The stricter figure uses the time of one core while the others
idle.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
from rich.console import Console
from rich.table import Table

from benchmarks import opencv_baseline, single, stages
from benchmarks.clips import SIZES, clip
from benchmarks.stack import Running
from poseway.model_cards import load_cards
from poseway_inference.engines.base import cores
from poseway_inference.model_loader import LoadedModel, load_model
from poseway_inference.settings import InferenceSettings

_RESULT: Final = Path("build/bench.json")
_OPENCV_FRAMES: Final = 60
_LEAST_SECONDS: Final = 5


@dataclass
class Round:
    """Figures of one round of one clip.

    Attributes:
        stack: Frames per second of the real stack.
        single: Frames per second of a single process.
        opencv: Frames per second of OpenCV alone.
        alone: CPU milliseconds per frame by stage (decode, network, encode), each alone on all
            cores.
        idle: CPU milliseconds per frame by stage on one core, while the others idle.
        services: CPU milliseconds per frame of each process of the stack.
        process: CPU milliseconds per frame by stage in a single process.
    """

    stack: float
    single: float
    opencv: float
    alone: dict[str, float]
    idle: dict[str, float]
    services: dict[str, float]
    process: dict[str, float]

    @property
    def ideal(self) -> float:
        """Frames per second if only these stages took time."""
        return cores() * 1000 / sum(self.alone.values())

    @property
    def strict(self) -> float:
        """Frames per second of the ideal if busy cores were as fast as a single busy one."""
        return cores() * 1000 / sum(self.idle.values())


@dataclass
class Clip:
    """Rounds of one clip."""

    name: str
    rounds: list[Round] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Returns medians over the rounds. Ratios are computed within each round."""
        rounds = self.rounds
        return {
            "fps": round(statistics.median(r.stack for r in rounds), 2),
            "fps_single_process": round(statistics.median(r.single for r in rounds), 2),
            "fps_opencv": round(statistics.median(r.opencv for r in rounds), 2),
            "fps_ideal": round(statistics.median(r.ideal for r in rounds), 2),
            "fps_ideal_of_idle_cores": round(statistics.median(r.strict for r in rounds), 2),
            "ratio_to_ideal": round(statistics.median(r.stack / r.ideal for r in rounds), 3),
            "ratio_to_opencv": round(statistics.median(r.stack / r.opencv for r in rounds), 2),
            "ratio_to_single_process": round(
                statistics.median(r.stack / r.single for r in rounds), 3
            ),
            "ratio_to_ideal_of_idle_cores": round(
                statistics.median(r.stack / r.strict for r in rounds), 3
            ),
            "cpu_ms_per_frame": _medians(r.services for r in rounds),
            "cpu_ms_per_frame_ideal": _medians(r.alone for r in rounds),
            "cpu_ms_per_frame_ideal_of_idle_cores": _medians(r.idle for r in rounds),
            "cpu_ms_per_frame_single_process": _medians(r.process for r in rounds),
            "rounds": len(rounds),
        }


def _medians(tables: Iterable[dict[str, float]]) -> dict[str, float]:
    tables = list(tables)
    return {key: round(statistics.median(t[key] for t in tables), 2) for key in tables[0]}


def measure(name: str, seconds: int, running: Running, model: LoadedModel, turn: int) -> Round:
    """Runs one round of a clip, whose order of contenders rotates with the round."""
    video = clip(name, seconds)
    ways: dict[str, Callable[[], Any]] = {
        "alone": lambda: stages.alone(video, model, cores()),
        "idle": lambda: stages.alone(video, model, 1),
        "stack": lambda: running.process(video),
        "single": lambda: single.process(video, model),
        "opencv": lambda: _opencv(video, model.input_height),
    }
    names = list(ways)
    first = turn % len(names)
    done = {way: ways[way]() for way in names[first:] + names[:first]}
    run, one = done["stack"], done["single"]
    frames = run.manifest.frames
    return Round(
        stack=frames / run.seconds,
        single=one.frames / one.seconds,
        opencv=done["opencv"],
        alone=done["alone"],
        idle=done["idle"],
        services={part: 1000 * cpu / frames for part, cpu in run.cpu.items()},
        process={stage: 1000 * cpu / frames for stage, cpu in one.cpu.items()},
    )


def _opencv(video: Path, height: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "opencv.mp4"
        return opencv_baseline.process(
            video, target, load_cards()[0].path(), height, _OPENCV_FRAMES
        )


def main() -> None:
    """Measures, prints tables and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=40, help="length of the clips")
    arguments = parser.parse_args()
    if arguments.seconds < _LEAST_SECONDS:
        parser.error(f"--seconds must be at least {_LEAST_SECONDS}")
    console = Console()
    cv2.setNumThreads(1)  # as in the services; OpenCV alone uses all threads
    model = load_model(load_cards()[0], InferenceSettings())
    clips = [Clip(name) for name in SIZES]
    with tempfile.TemporaryDirectory() as folder, Running(Path(folder)) as running:
        for part in clips:
            clip(part.name, arguments.seconds)
        running.process(clip("720p", 2))  # warm
        for number in range(arguments.rounds):
            for part in clips:
                part.rounds.append(measure(part.name, arguments.seconds, running, model, number))
                fps = part.rounds[-1].stack
                console.print(f"round {number + 1}, {part.name}: {fps:.1f} frames/s")
    figures = {part.name: part.summary() for part in clips}
    for part in clips:
        _show(console, part.name, figures[part.name])
    _RESULT.parent.mkdir(parents=True, exist_ok=True)
    _RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"Medians of {arguments.rounds} rounds. Written to {_RESULT}.")


def _show(console: Console, name: str, figures: dict[str, Any]) -> None:
    table = Table(title=f"{name}, {cores()} cores")
    for title in ("way", "frames/s", "the stack's ratio to it", "CPU milliseconds a frame"):
        table.add_column(title)
    rows = {
        "the stack": (figures["fps"], 1.0, figures["cpu_ms_per_frame"]),
        "one process": (
            figures["fps_single_process"],
            figures["ratio_to_single_process"],
            figures["cpu_ms_per_frame_single_process"],
        ),
        "ideal, cores busy": (
            figures["fps_ideal"],
            figures["ratio_to_ideal"],
            figures["cpu_ms_per_frame_ideal"],
        ),
        "ideal, one core busy": (
            figures["fps_ideal_of_idle_cores"],
            figures["ratio_to_ideal_of_idle_cores"],
            figures["cpu_ms_per_frame_ideal_of_idle_cores"],
        ),
        "OpenCV alone": (figures["fps_opencv"], figures["ratio_to_opencv"], {}),
    }
    for way, (fps, ratio, cpu) in rows.items():
        parts = ", ".join(f"{stage} {value:.1f}" for stage, value in cpu.items())
        total = f"{sum(cpu.values()):.1f} = {parts}" if cpu else ""
        table.add_row(way, f"{fps:.1f}", f"{ratio:.2f}", total)
    console.print(table)


if __name__ == "__main__":
    main()
