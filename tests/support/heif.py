"""Writes HEIC and AVIF images, tiled or not, box by box (ISO/IEC 23008-12)."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, cast

import av
import numpy as np
from numpy.typing import NDArray

from tests.support.videos import Tags, default_scheduling

UNTAGGED: Final = Tags()


def heic(
    tiles: Sequence[NDArray[np.uint8]],
    *,
    grid: bool,
    turns: int = 0,
    mirror: int | None = None,
    brand: bytes = b"heic",
    pix_fmt: str = "yuv420p",
    tags: Tags = UNTAGGED,
) -> bytes:
    """Returns a HEIC file of RGB tiles of one size, or an AVIF for that brand.

    Args:
        tiles: The images.
        grid: Whether they are tiles of one image, side by side. Otherwise the first is the primary
            image, and the others are further ones.
        turns: Quarter turns counter-clockwise that make the image upright.
        mirror: Axis that is mirrored afterwards: 0 swaps top and bottom, 1 left and right.
        brand: Major brand of the file.
        pix_fmt: FFmpeg's name of the coded pixel format.
        tags: Colour description.
    """
    av1 = brand == b"avif"
    coded = [_coded(tile, pix_fmt, tags, av1=av1) for tile in tiles]
    height, width = tiles[0].shape[:2]
    head = _box(b"ftyp", brand, bytes(4), b"mif1avif" if av1 else b"mif1heic")
    moves = [_box(b"irot", bytes((turns,)))] if turns else []
    if mirror is not None:
        moves.append(_box(b"imir", bytes((mirror,))))
    start = len(head) + len(_meta(coded, 0, width, height, moves, grid=grid, av1=av1)) + 8
    meta = _meta(coded, start, width, height, moves, grid=grid, av1=av1)
    return head + meta + _box(b"mdat", *(packet for _, packet in coded))


def _coded(
    picture: NDArray[np.uint8], pix_fmt: str, tags: Tags, *, av1: bool
) -> tuple[bytes, bytes]:
    """Returns the decoder configuration box, and the image coded in HEVC or AV1."""
    data = io.BytesIO()
    codec = "libsvtav1" if av1 else "libx265"
    options = {"preset": "12"} if av1 else {"x265-params": "log-level=none:bframes=0"}
    with default_scheduling(), av.open(data, "w", format="mp4") as output:
        stream = cast("av.VideoStream", output.add_stream(codec, rate=1, options=options))
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = pix_fmt
        context = stream.codec_context
        context.colorspace, context.color_primaries = tags.matrix, tags.primaries
        context.color_trc, context.color_range = tags.transfer, tags.range
        image = av.VideoFrame.from_ndarray(picture, format="rgb24")
        image = image.reformat(
            format=pix_fmt, dst_colorspace=tags.matrix, dst_color_range=tags.range
        )
        image.pts, image.time_base = 0, Fraction(1)
        output.mux(stream.encode(image))
        output.mux(stream.encode())
    with av.open(io.BytesIO(data.getvalue()), "r") as container:
        packet = bytes(next(container.demux(video=0)))
    at = data.getvalue().index(b"av1C" if av1 else b"hvcC") - 4
    size = int.from_bytes(data.getvalue()[at : at + 4])
    return data.getvalue()[at : at + size], packet


def _meta(
    coded: list[tuple[bytes, bytes]],
    start: int,
    width: int,
    height: int,
    moves: list[bytes],
    *,
    grid: bool,
    av1: bool,
) -> bytes:
    """Returns the ``meta`` box, if the data of the first image starts at `start`."""
    tiles = range(1, len(coded) + 1)
    whole = len(coded) + 1
    places, items = [], [_item(tile, b"av01" if av1 else b"hvc1") for tile in tiles]
    for tile, (_, packet) in zip(tiles, coded, strict=True):
        places.append(struct.pack(">HHHHII", tile, 0, 0, 1, start, len(packet)))
        start += len(packet)
    turning = bytes(0x84 + number for number in range(len(moves)))
    owned = {tile: turning if tile == 1 and not grid else b"" for tile in tiles}
    properties = [
        struct.pack(">HBBB", tile, 2 + len(own), 0x81, 2) + own for tile, own in owned.items()
    ]
    parts = []
    if grid:
        layout = struct.pack(">BBBBHH", 0, 0, 0, len(coded) - 1, width * len(coded), height)
        places.append(struct.pack(">HHHHII", whole, 1, 0, 1, 0, len(layout)))
        items.append(_item(whole, b"grid"))
        properties.append(struct.pack(">HB", whole, 1 + len(turning)) + b"\x03" + turning)
        made_of = struct.pack(f">HH{len(coded)}H", whole, len(coded), *tiles)
        parts = [_full(b"iref", _box(b"dimg", made_of)), _box(b"idat", layout)]
    sizes = (_full(b"ispe", struct.pack(">II", n * width, height)) for n in (1, len(coded)))
    return _full(
        b"meta",
        _full(b"hdlr", bytes(4), b"pict", bytes(13)),
        _full(b"pitm", struct.pack(">H", whole if grid else 1)),
        _full(b"iloc", struct.pack(">BBH", 0x44, 0, len(places)), *places, version=1),
        _full(b"iinf", struct.pack(">H", len(items)), *items),
        _box(
            b"iprp",
            _box(b"ipco", coded[0][0], *sizes, *moves),
            _full(b"ipma", struct.pack(">I", len(properties)), *properties),
        ),
        *parts,
    )


def _item(number: int, kind: bytes) -> bytes:
    return _full(b"infe", struct.pack(">HH4s", number, 0, kind), b"\0", version=2)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24), *parts)
