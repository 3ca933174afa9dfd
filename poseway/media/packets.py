"""What a packet holds, judged without decoding it."""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import av

# Quoted: the class takes type parameters in its stub only.
Packet: TypeAlias = "av.Packet[av.VideoStream]"

# Types of NAL units that carry no slice: parameter sets, SEI, delimiters, end of stream, filler
# (ITU-T H.264, table 7-1, and H.265, table 7-1).
_H264_NON_SLICE: Final = frozenset(range(6, 14))
_HEVC_NON_SLICE: Final = frozenset(range(32, 41))
_START_CODE: Final = re.compile(rb"\x00\x00\x01")
# Offset of the byte that holds `lengthSizeMinusOne` in the decoder configuration record (ISO/IEC
# 14496-15).
_LENGTH_SIZE_AT: Final = {"h264": 4, "hevc": 21}
_SUPERFRAME: Final = 0xC0


def is_end(packet: Packet) -> bool:
    """Whether PyAV made this packet to mark the end of the stream."""
    return packet.size == 0 and packet.dts is None and packet.pts is None


def is_empty(packet: Packet) -> bool:
    """Whether a packet of the file holds no data, so that the frame before it stays on screen.

    AVI, Theora and QuickTime write such packets. A decoder would take one for the end of the
    stream.
    """
    return packet.size == 0 and not is_end(packet)


def shows_nothing(packet: Packet, context: av.VideoCodecContext) -> bool:
    """Whether an undamaged packet makes no frame appear.

    Args:
        packet: A packet of the file.
        context: The decoder's context.
    """
    if not packet.size:
        return True
    data = memoryview(packet)
    match context.name:
        case "vp8":
            return not data[0] & 0x10  # show_frame (RFC 6386, 9.1)
        case "vp9":
            return _is_hidden_vp9(data)
        case "theora":
            return bool(data[0] & 0x80)  # a header
        case "h264":
            units = _nal_units(bytes(data), context)
            return all(unit[0] & 0x1F in _H264_NON_SLICE for unit in units)
        case "hevc":
            units = _nal_units(bytes(data), context)
            return all(unit[0] >> 1 & 0x3F in _HEVC_NON_SLICE for unit in units)
    return False


def _is_hidden_vp9(data: memoryview) -> bool:
    """Whether a VP9 packet is a single hidden frame. A superframe always contains a shown one."""
    if data[0] & 0xC0 != 0x80 or data[-1] & 0xE0 == _SUPERFRAME:
        return False
    flags = data[0] << 1 if data[0] & 0x30 == 0x30 else data[0]  # profile 3 has one more bit
    shows_earlier, shown = flags & 0x08, flags & 0x02
    return not shows_earlier and not shown


def _nal_units(data: bytes, context: av.VideoCodecContext) -> Iterator[bytes]:
    """Yields the NAL units of a packet, and a zero byte, which counts as a slice, for bad data."""
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
