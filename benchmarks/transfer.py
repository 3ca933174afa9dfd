"""``python -m benchmarks.transfer``: ways to send a decoded frame to inference.

CPU time from the decoded frame to the bytes of a message, and from there to BGR pixels, on one
thread; medians over rounds.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.clips import SIZES, clip
from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoReader
from poseway.media.resize import fit
from poseway.media.yuv import Yuv
from poseway.model_cards import load_cards
from poseway.v1 import inference_pb2
from poseway_inference.yuv import to_bgr

_RESULT: Final = Path("build/bench-transfer.json")
_FRAMES: Final = 30
_QUALITY: Final = 90

Size = tuple[int, int]


class Way(NamedTuple):
    """A way to send a frame.

    Attributes:
        name: Description for the table.
        send: Turns a decoded frame into a message of the given size.
        receive: Turns the message into BGR pixels, uint8 (height, width, 3).
    """

    name: str
    send: Callable[[SourceFrame, Size], bytes]
    receive: Callable[[bytes, Size], NDArray[np.uint8]]


def _send_bgr(frame: SourceFrame, size: Size) -> bytes:
    pixels = frame.bgr(*size).tobytes()
    return inference_pb2.Frame(bgr=pixels).SerializeToString()


def _receive_bgr(message: bytes, size: Size) -> NDArray[np.uint8]:
    pixels = inference_pb2.Frame.FromString(message).bgr
    return np.frombuffer(pixels, np.uint8).reshape(size[1], size[0], 3)


def _send_yuv(frame: SourceFrame, size: Size) -> bytes:
    yuv = frame.yuv(*size)
    pixels = inference_pb2.Yuv(planes=yuv.planes, matrix=yuv.matrix, full_range=yuv.full)
    return inference_pb2.Frame(yuv=pixels).SerializeToString()


def _receive_yuv(message: bytes, size: Size) -> NDArray[np.uint8]:
    yuv = inference_pb2.Frame.FromString(message).yuv
    return to_bgr(Yuv(*size, yuv.planes, yuv.matrix, yuv.full_range))


def _send_jpeg(frame: SourceFrame, size: Size) -> bytes:
    _, data = cv2.imencode(".jpg", frame.bgr(*size), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return inference_pb2.Frame(bgr=data.tobytes()).SerializeToString()


def _receive_jpeg(message: bytes, _: Size) -> NDArray[np.uint8]:
    data = np.frombuffer(inference_pb2.Frame.FromString(message).bgr, np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


WAYS: Final = (
    Way("BGR", _send_bgr, _receive_bgr),
    Way("4:2:0", _send_yuv, _receive_yuv),
    Way(f"JPEG, quality {_QUALITY}", _send_jpeg, _receive_jpeg),
)


def measure(video: Path, rounds: int) -> list[dict[str, Any]]:
    """Returns the figures of all ways."""
    with closing(VideoReader(video.open("rb"), threads=1)) as reader:
        frames = [frame for frame, _ in zip(reader.frames(), range(_FRAMES), strict=False)]
        size = fit(reader.info.width, reader.info.height, load_cards()[0].input_size)
    spent: dict[str, list[tuple[float, float]]] = {way.name: [] for way in WAYS}
    kilobytes = {}
    for _ in range(rounds):
        for way in WAYS:
            began = time.process_time()
            messages = [way.send(frame, size) for frame in frames]
            sent = time.process_time()
            for message in messages:
                way.receive(message, size)
            times = sent - began, time.process_time() - sent
            spent[way.name].append((times[0] / _FRAMES * 1000, times[1] / _FRAMES * 1000))
            kilobytes[way.name] = sum(map(len, messages)) / _FRAMES / 1000
    return [
        {
            "way": name,
            "send_ms": round(statistics.median(send for send, _ in times), 2),
            "receive_ms": round(statistics.median(receive for _, receive in times), 2),
            "sum_ms": round(statistics.median(map(sum, times)), 2),
            "kilobytes": round(kilobytes[name]),
        }
        for name, times in spent.items()
    ]


def main() -> None:
    """Measures, prints tables and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    console = Console()
    figures = {name: measure(clip(name, 2), arguments.rounds) for name in SIZES}
    for name, rows in figures.items():
        table = Table(title=f"Sending a frame of {name} to inference, CPU milliseconds")
        for title in ("way", "send", "receive", "both", "kilobytes"):
            table.add_column(title, justify="left" if title == "way" else "right")
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table)
    _RESULT.parent.mkdir(parents=True, exist_ok=True)
    _RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"Medians of {arguments.rounds} rounds. Written to {_RESULT}.")


if __name__ == "__main__":
    main()
