"""Packets that repeat a frame or hold a hidden one are not counted as damage."""

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
import numpy as np
import pytest

from poseway.media.packets import is_empty, is_end, shows_nothing
from poseway.media.reader import VideoReader
from tests.support.theora import KEYFRAME, ogg
from tests.support.videos import make_video, read_number

VPX: Final = {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "5", "b": "300k", "g": "60"}


def read(data: bytes) -> VideoReader:
    return VideoReader(io.BytesIO(data), threads=1)


def test_empty_theora_packet_holds_the_frame() -> None:
    places = (0, 5, 8, 9, 20)
    data = ogg([KEYFRAME if index in places else b"" for index in range(24)])
    reader = read(data)
    frames = list(reader.frames())
    assert tuple(frame.pts for frame in frames) == places
    assert [frame.duration for frame in frames] == [5, 3, 1, 11, 4]
    assert reader.damaged_packets == 0
    assert reader.info.frames == len(places)
    later = list(reader.frames(2, 8))
    assert [(frame.index, frame.pts, frame.duration) for frame in later] == [
        (frame.index, frame.pts, frame.duration) for frame in frames[2:]
    ]


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_empty_avi_chunk_holds_the_frame(codec: str) -> None:
    times = [0, 1, 2, 7, 8, 15, 16, 17, 29]
    # The muxer fills the positions in between with empty chunks.
    data = make_video(len(times), codec=codec, container="avi", times=times, options={"bf": "0"})
    assert data.count(b"00dc\0\0\0\0") >= times[-1] - len(times)
    reader = read(data)
    frames = list(reader.frames())
    assert [frame.pts for frame in frames] == times
    assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(range(len(times)))
    assert [frame.duration for frame in frames[:-1]] == list(np.diff(times))
    assert reader.damaged_packets == 0
    for frame in frames[1:]:
        (again, *_) = reader.frames(frame.index, frame.pts)
        assert (again.pts, again.duration) == (frame.pts, frame.duration)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_hidden_reference_frames_are_not_counted(codec: str) -> None:
    data = make_video(90, codec=codec, container="webm", options=VPX, picture=drifting)
    reader = read(data)
    frames = list(reader.frames())
    assert len(frames) == 90
    assert reader.damaged_packets == 0
    assert reader.info.frame_rate == 30
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        shown = [not shows_nothing(packet, stream.codec_context) for packet in parts(container)]
    assert sum(shown) == 90


def with_hidden_frames(data: bytes) -> bytes:
    """Clears `show_frame` (RFC 6386, 9.1) in the fourth of every ten packets of a VP8 video."""
    made = io.BytesIO()
    with (
        av.open(io.BytesIO(data)) as source,
        av.open(made, "w", format="webm") as container,
    ):
        stream = container.add_stream_from_template(source.streams.video[0])
        for index, packet in enumerate(parts(source)):
            content = bytearray(bytes(packet))
            if index % 10 == 3:
                content[0] &= ~0x10
            copy = av.Packet(bytes(content))
            copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
            copy.is_keyframe = packet.is_keyframe
            copy.stream = stream
            container.mux(copy)
    return made.getvalue()


def test_hidden_vp8_frames_are_no_damage() -> None:
    data = make_video(30, codec="libvpx", container="webm", options=VPX, picture=drifting)
    reader = read(with_hidden_frames(data))
    assert len(list(reader.frames())) == 27
    assert reader.damaged_packets == 0
    assert reader.info.frames == 27


def parts(
    container: av.container.InputContainer | av.container.OutputContainer,
) -> "list[av.Packet[av.VideoStream]]":
    assert isinstance(container, av.container.InputContainer)
    return [packet for packet in container.demux(container.streams.video[0]) if not is_end(packet)]


def drifting(index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    noise = np.random.default_rng(0).integers(0, 255, (240, 420, 3), np.uint8)
    return np.ascontiguousarray(noise[:, index : index + 320])


def packed() -> bytes:
    """Packs MPEG-4 in AVI like DivX: a B-frame behind its reference, then an empty packet."""
    plain = make_video(40, codec="mpeg4", container="avi", options={"bf": "1", "g": "12"})
    target = io.BytesIO()
    with (
        av.open(io.BytesIO(plain)) as source,
        av.open(target, "w", format="avi") as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        packets = [bytes(packet) for packet in parts(source)]
        chunks: list[bytes] = []
        while packets:
            first = packets.pop(0)
            if packets and coding(packets[0]) == B_VOP:
                chunks += [first + packets.pop(0), NOTHING]
            else:
                chunks.append(first)
        marked = chunks[0].replace(b"\0\0\1\xb6", b"\0\0\1\xb2DivX503b1393p\0\0\1\xb6", 1)
        for place, chunk in enumerate([marked, *chunks[1:]]):
            packet = av.Packet(chunk)
            packet.stream, packet.time_base = stream, Fraction(1, 30)
            packet.pts = packet.dts = place
            packet.is_keyframe = place == 0
            output.mux(packet)
    return target.getvalue()


# ISO/IEC 14496-2: a video object plane that is not coded, and its coding type.
NOTHING: Final = b"\0\0\1\xb6\x50\x00\x7f"
B_VOP: Final = 2


def coding(packet: bytes) -> int:
    return packet[packet.index(b"\0\0\1\xb6") + 4] >> 6


def test_packed_b_frames_are_not_damage() -> None:
    reader = read(packed())
    frames = list(reader.frames())
    assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(range(40))
    assert reader.damaged_packets == 0


def without_picture(packet: bytes) -> bytes:
    """A packet that holds only supplemental enhancement information."""
    return struct.pack(">I", 5) + b"\x06\x05\x01\x00\x80"


SPOILT: Final[dict[str, tuple[Callable[[bytes], bytes], int]]] = {
    "nothing but remarks": (without_picture, 0),
    "noise": (lambda packet: packet[:8] + np.random.default_rng(0).bytes(len(packet)), 1),
    "lengths that do not add up": (lambda packet: b"\0\0\0\x09\x06\x05", 1),
}


@pytest.mark.parametrize("name", SPOILT)
def test_damage_is_still_counted(name: str) -> None:
    change, damaged = SPOILT[name]
    target = io.BytesIO()
    with (
        av.open(io.BytesIO(make_video(30, options={"bf": "0", "g": "1"}))) as source,
        av.open(target, "w", format="matroska") as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        for index, packet in enumerate(parts(source)):
            changed = av.Packet(change(bytes(packet)) if index == 10 else bytes(packet))
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.stream, changed.is_keyframe = stream, True
            output.mux(changed)
    reader = read(target.getvalue())
    frames = list(reader.frames())
    assert reader.damaged_packets == damaged
    numbers = [read_number(frame.bgr(320, 240)) for frame in frames]
    assert [*range(10), *range(11, 30)] == [n for n in numbers if n != 10]


def test_end_of_stream_is_not_a_packet() -> None:
    with av.open(io.BytesIO(make_video(2)), "r") as container:
        *packets, end = container.demux(container.streams.video[0])
        assert is_end(end)
        assert not any(is_end(packet) or is_empty(packet) for packet in packets)
