"""``python -m benchmarks.long``: memory of every process during a two-hour video in 1080p.

The video is the sample in a loop, with packets copied instead of encoded again. Whatever grows with
a video's length grows with its segments, 720 in two hours at any frame rate, or with its frames,
whose number depends on the rate. The default is a low rate, which keeps the run short.
"""

import argparse
import json
import os
import stat
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from rich.console import Console
from rich.table import Table

from benchmarks.clips import SIZES, clip
from benchmarks.stack import Running
from poseway.formats.manifest import Manifest
from tests.support.processes import PARTS, family, megabytes

_RESULT: Final = Path("build/bench-long.json")
_LOOP_SECONDS: Final = 20
_EVERY_SECONDS: Final = 2.0
_NOISE_MB: Final = 20
_OURS: Final = ("api", "dispatcher", "inference", "tracker", "renderer")


def looped(seconds: int, rate: int) -> Path:
    """Returns a video of this many seconds at a frame rate, which is created if missing."""
    path = Path(f"build/bench/long-{seconds}s-{rate}fps.mp4")
    if path.exists():
        return path
    source = clip("1080p", _LOOP_SECONDS)
    part = path.with_suffix(".part")
    with av.open(str(source)) as loop, av.open(str(part), "w", format="mp4") as output:
        packets = [packet for packet in loop.demux(video=0) if packet.dts is not None]
        stream = output.add_stream_from_template(loop.streams.video[0])
        base = Fraction(loop.streams.video[0].time_base or 0)
        ticks = round(1 / (loop.streams.video[0].average_rate or 30) / base)
        data = [(bytes(p), p.pts or 0, p.dts or 0, p.is_keyframe) for p in packets]
        for number in range(seconds * rate):
            again, index = divmod(number, len(data))
            content, pts, dts, key = data[index]
            packet = av.Packet(content)
            packet.stream = stream
            # Frames keep their number of ticks; the ticks become longer.
            packet.time_base = Fraction(1, rate * ticks)
            packet.pts, packet.dts = (t + again * len(data) * ticks for t in (pts, dts))
            packet.duration, packet.is_keyframe = ticks, key
            output.mux(packet)
    part.rename(path)
    return path


class Watch(threading.Thread):
    """Samples the processes of a running stack, in a thread.

    Attributes:
        megabytes: Memory of each part over time.
        files: Files on disk that the services hold open for writing, except logs.
    """

    def __init__(self, running: Running) -> None:
        """Starts sampling."""
        super().__init__(daemon=True)
        self.megabytes: dict[str, list[int]] = {part: [] for part in PARTS}
        self.files: set[str] = set()
        self._running = running
        self._over = threading.Event()
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        """Samples until `stop`."""
        try:
            while not self._over.wait(_EVERY_SECONDS):
                for part in PARTS:
                    self.megabytes[part].append(megabytes(self._running.pid(part)))
                for part in _OURS:
                    for process in family(self._running.pid(part)):
                        self.files |= _written(process)
        except Exception as error:
            self._error = error

    def stop(self) -> None:
        """Stops sampling. Raises an error of the thread, if there was one."""
        self._over.set()
        self.join()
        if self._error is not None:
            raise self._error


def _links(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return []  # the process has ended meanwhile


def _written(process: int) -> set[str]:
    """Returns the regular files that a process holds open for writing, except logs."""
    found = set()
    for link in _links(process):
        try:
            target, mode = os.readlink(link), link.stat().st_mode  # may be no real path
            flags = Path(f"/proc/{process}/fdinfo/{link.name}").read_text().split()[3]
        except OSError:
            continue  # closed meanwhile
        if stat.S_ISREG(mode) and int(flags, 8) & os.O_ACCMODE and not target.endswith(".log"):
            found.add(target)
    return found


def summary(watch: Watch, manifest: Manifest, seconds: float) -> dict[str, Any]:
    """Returns the figures, without the first tenth of the run, when everything is set up."""
    memory = {}
    for part, values in watch.megabytes.items():
        steady = values[len(values) // 10 :]
        quarter = max(1, len(steady) // 4)
        memory[part] = {
            "first_quarter_mb": max(steady[:quarter]),
            "last_quarter_mb": max(steady[-quarter:]),
            "most_mb": max(values),
        }
    return {
        "frames": manifest.frames,
        "segments": manifest.segments,
        "video_seconds": manifest.duration_seconds,
        "seconds": round(seconds, 1),
        "memory": memory,
        "files_open_for_writing": sorted(watch.files),
    }


def main() -> None:
    """Runs, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=7200)
    parser.add_argument("--rate", type=int, default=2, help="frames per second of the video")
    arguments = parser.parse_args()
    console = Console()
    video = looped(arguments.seconds, arguments.rate)
    console.print(f"{video}: {video.stat().st_size >> 20} MB, {SIZES['1080p']}")
    with tempfile.TemporaryDirectory() as folder, Running(Path(folder)) as running:
        watch = Watch(running)
        began = time.perf_counter()
        manifest = running.process(video).manifest
        watch.stop()
        figures = summary(watch, manifest, time.perf_counter() - began)
    table = Table(title=f"{manifest.frames} frames, {manifest.segments} segments; resident MB")
    for title in ("process", "first quarter", "last quarter", "most"):
        table.add_column(title, justify="left" if title == "process" else "right")
    for part, values in figures["memory"].items():
        table.add_row(part, *(str(value) for value in values.values()))
    console.print(table)
    console.print("open for writing:", figures["files_open_for_writing"] or "no file")
    _RESULT.parent.mkdir(parents=True, exist_ok=True)
    _RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"Written to {_RESULT}.")
    if grown := [part for part, values in figures["memory"].items() if _grew(values)]:
        sys.exit(f"Memory grew over the video: {', '.join(grown)}.")


def _grew(values: dict[str, int]) -> bool:
    first = values["first_quarter_mb"]
    return values["last_quarter_mb"] > first + max(_NOISE_MB, first // 10)


if __name__ == "__main__":
    main()
