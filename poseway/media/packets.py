"""What a packet holds, as far as that can be told without decoding it."""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import av

# Quoted, since the class has no type parameters when the program runs.
Packet: TypeAlias = "av.Packet[av.VideoStream]"

# Types of NAL units that hold no part of a picture: parameters, remarks, ends, filler.
_H264_ASIDE: Final = frozenset(range(6, 14))
_HEVC_ASIDE: Final = frozenset(range(32, 41))
_START_CODE: Final = re.compile(rb"\x00\x00\x01")
# The byte of the decoder configuration of MP4 (ISO/IEC 14496-15) with the size of lengths in it.
_LENGTH_SIZE_AT: Final = {"h264": 4, "hevc": 21}
_SUPERFRAME: Final = 0xC0


def is_end(packet: Packet) -> bool:
    """Whether it is no packet of the file, but PyAV's sign that there are no more."""
    return packet.size == 0 and packet.dts is None and packet.pts is None


def is_empty(packet: Packet) -> bool:
    """Whether a packet of the file has nothing in it: the picture before it stays.

    AVI, Theora and QuickTime have these. A decoder would take one for the end of the stream.
    """
    return packet.size == 0 and not is_end(packet)


def shows_nothing(packet: Packet, context: av.VideoCodecContext) -> bool:
    """Whether a packet, though healthy, makes no picture appear.

    Args:
        packet: A packet of the file.
        context: What decodes it.
    """
    if not packet.size:
        return True
    data = memoryview(packet)
    match context.name:
        case "vp8":
            return not data[0] & 0x10  # a picture that others refer to
        case "vp9":
            return _is_hidden_vp9(data)
        case "theora":
            return bool(data[0] & 0x80)  # a header
        case "h264":
            units = _nal_units(bytes(data), context)
            return all(unit[0] & 0x1F in _H264_ASIDE for unit in units)
        case "hevc":
            units = _nal_units(bytes(data), context)
            return all(unit[0] >> 1 & 0x3F in _HEVC_ASIDE for unit in units)
    return False


def _is_hidden_vp9(data: memoryview) -> bool:
    """Whether it is one frame that is not shown; a superframe always has one that is."""
    if data[0] & 0xC0 != 0x80 or data[-1] & 0xE0 == _SUPERFRAME:
        return False
    flags = data[0] << 1 if data[0] & 0x30 == 0x30 else data[0]  # profile 3 has one more bit
    shows_earlier, shown = flags & 0x08, flags & 0x02
    return not shows_earlier and not shown


def _nal_units(data: bytes, context: av.VideoCodecContext) -> Iterator[bytes]:
    """The units of a packet; what does not add up is given as one that matters."""
    setup, at = context.extradata or b"", _LENGTH_SIZE_AT[context.name]
    if setup[:1] != b"\x01" or len(setup) <= at:
        units = [unit.rstrip(b"\x00") for unit in _START_CODE.split(data)[1:]]
        yield from (unit or b"\x00" for unit in units or [b""])
        return
    size, start = (setup[at] & 3) + 1, 0
    while start < len(data):
        end = start + size + int.from_bytes(data[start : start + size])
        unit = data[start + size : end]
        if end > len(data) or not unit:
            yield b"\x00"
            return
        yield unit
        start = end
