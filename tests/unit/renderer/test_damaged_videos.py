"""Damaged videos: everything that is intact comes out, on time and in sync."""

import io
import re
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

import av
import numpy as np
import pytest

from poseway.media.reader import VideoReader
from tests.support.clapperboard import flash_and_click
from tests.support.film import CLAP, HEVC, Film
from tests.support.full_render import decoded_frames, due_times, render_whole
from tests.support.videos import make_video, read_number

# Quoted: the class takes type parameters in its stub only.
_Packet: TypeAlias = "av.Packet[Any]"


def remuxed(data: bytes, container: str, change: Callable[[int, "_Packet"], bytes | None]) -> bytes:
    """Remuxes a video; `change` replaces the data of each video packet, or drops it by None."""
    target = io.BytesIO()
    with (
        av.open(io.BytesIO(data), "r") as source,
        av.open(target, "w", format=container) as output,
    ):
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        number = 0
        for packet in source.demux():
            if packet.dts is None:
                continue
            kept: _Packet | None = packet
            if packet.stream.type == "video":
                content = change(number, packet)
                number += 1
                kept = None if content is None else _like(packet, content)
            if kept:
                kept.stream = streams[packet.stream.index]
                output.mux(kept)
    return target.getvalue()


def _like(packet: "_Packet", content: bytes) -> "_Packet":
    changed = av.Packet(content)
    changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
    changed.duration, changed.is_keyframe = packet.duration, packet.is_keyframe
    return changed


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("matroska", "libx264"),
        ("mpegts", "libx264"),
        ("mpegts", "mpeg2video"),
        ("mpegts", "libx265"),
    ],
)
def test_stream_starting_without_a_keyframe_starts_at_the_next_one(
    container: str, codec: str
) -> None:
    options = HEVC if codec == "libx265" else {}
    film = Film(container, codec, "mp2", options={**options, "bf": "0"})
    data = remuxed(film.make(), container, lambda number, p: bytes(p) if number else None)
    video = render_whole(data)
    late = due_times(film, film.make())[0]
    whole = [frame for frame in decoded_frames(video) if frame.time > 11.5 / 25 + late]
    assert [read_number(frame.picture) for frame in whole] == list(range(12, 30))
    times = [frame.time - late for frame in whole]
    assert times == pytest.approx([index / 25 for index in range(12, 30)], abs=0.001)
    flash, click = flash_and_click(video)
    assert click == pytest.approx(flash, abs=0.04)


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
def test_damaged_packets_are_counted_and_the_rest_is_kept(container: str) -> None:
    film = Film(container, frames=40, options={"bf": "0"})
    noise = np.random.default_rng(0).bytes

    def damage(number: int, packet: "_Packet") -> bytes:
        content = bytes(packet)
        return content[:40] + noise(len(content) - 40) if 16 <= number < 19 else content

    data = remuxed(film.make(), container, damage)
    reader = VideoReader(io.BytesIO(data), 1)
    for _ in reader.frames():
        pass
    assert reader.damaged_packets == 3
    late = due_times(film, data)[0]
    frames = {
        round((frame.time - late) * 25): frame for frame in decoded_frames(render_whole(data))
    }
    kept = [*range(16), *range(24, 40)]
    assert [read_number(frames[index].picture) for index in kept] == kept
    times = [frames[index].time - late for index in kept]
    assert times == pytest.approx([index / 25 for index in kept], abs=0.001)


def test_edit_list_hides_the_start() -> None:
    film = Film(options={"bf": "0"})
    data = bytearray(film.make())
    # The first list belongs to the video. An entry holds duration, media time and rate.
    start = data.index(b"elst") + 12
    duration, media = struct.unpack_from(">Ii", data, start)
    with av.open(io.BytesIO(bytes(data)), "r") as container:
        base = container.streams.video[0].time_base
    assert base is not None
    struct.pack_into(">Ii", data, start, duration - 200, media + round(Fraction(5, 25) / base))
    video = render_whole(bytes(data))
    frames = decoded_frames(video)
    assert [read_number(frame.picture) for frame in frames] == list(range(5, 30))
    assert [f.time for f in frames] == pytest.approx([i / 25 for i in range(25)], abs=0.001)
    # The audio was not cut and keeps its time.
    flash, click = flash_and_click(video)
    assert flash == pytest.approx((CLAP - 5) / 25, abs=0.001)
    assert click == pytest.approx(CLAP / 25, abs=0.04)


def test_damaged_audio_loses_only_the_damaged_packets() -> None:
    data = Film("mpegts", "libx264", "aac", options={"bf": "0"}).make()
    headers = [match.start() for match in re.finditer(b"\xff\xf1", data)]
    for at in headers[4:40:6]:
        spoilt = bytearray(data)
        spoilt[at] = 0
        frames = decoded_frames(render_whole(bytes(spoilt)))
        assert [read_number(frame.picture) for frame in frames] == list(range(30))


def test_single_wrong_timestamp_is_corrected() -> None:
    data = bytearray(make_video(30, container="flv", options={"bf": "0"}, rate=Fraction(25)))
    with av.open(io.BytesIO(bytes(data)), "r") as container:
        tags = [packet.pos for packet in container.demux(video=0) if packet.size]
    # An FLV tag starts with type, size and timestamp. One bit of the latter is about a minute.
    data[(tags[9] or 0) + 4] ^= 1
    reader = VideoReader(io.BytesIO(bytes(data)), 1)
    frames = list(reader.frames())
    assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(range(30))
    times = [float(frame.pts * reader.info.time_base) for frame in frames]
    assert times == pytest.approx([index / 25 for index in range(30)], abs=0.001)
    assert reader.damaged_packets == 1
    for frame in frames[8:12]:
        (found, *_) = reader.frames(frame.index, frame.pts)
        assert (found.index, found.pts) == (frame.index, frame.pts)
