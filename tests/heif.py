"""HEIC pictures, whole or in tiles, box by box (ISO/IEC 23008-12)."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray


def heic(tiles: Sequence[NDArray[np.uint8]], *, grid: bool) -> bytes:
    """A HEIC file of tiles of one size, RGB: side by side in a grid, or the first one alone."""
    coded = [_coded(tile) for tile in tiles]
    height, width = tiles[0].shape[:2]
    head = _box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    start = len(head) + len(_meta(coded, 0, width, height, grid=grid)) + 8
    meta = _meta(coded, start, width, height, grid=grid)
    return head + meta + _box(b"mdat", *(packet for _, packet in coded))


def _coded(picture: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """The decoder's configuration box, and the picture in HEVC."""
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as output:
        options = {"x265-params": "log-level=none:bframes=0"}
        stream = output.add_stream("libx265", rate=1, options=options)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        image = av.VideoFrame.from_ndarray(picture, format="rgb24")
        image.pts, image.time_base = 0, Fraction(1)
        output.mux(stream.encode(image))
        output.mux(stream.encode())
    with av.open(io.BytesIO(data.getvalue()), "r") as container:
        packet = bytes(next(container.demux(video=0)))
    at = data.getvalue().index(b"hvcC") - 4
    size = int.from_bytes(data.getvalue()[at : at + 4])
    return data.getvalue()[at : at + size], packet


def _meta(
    coded: list[tuple[bytes, bytes]], start: int, width: int, height: int, *, grid: bool
) -> bytes:
    """The box that says what there is, with the first picture's bytes at `start`."""
    tiles = range(1, len(coded) + 1)
    whole = len(coded) + 1
    places, items = [], [_item(tile, b"hvc1") for tile in tiles]
    for tile, (_, packet) in zip(tiles, coded, strict=True):
        places.append(struct.pack(">HHHHII", tile, 0, 0, 1, start, len(packet)))
        start += len(packet)
    properties = [struct.pack(">HBBB", tile, 2, 0x81, 2) for tile in tiles]
    parts = []
    if grid:
        layout = struct.pack(">BBBBHH", 0, 0, 0, len(coded) - 1, width * len(coded), height)
        places.append(struct.pack(">HHHHII", whole, 1, 0, 1, 0, len(layout)))
        items.append(_item(whole, b"grid"))
        properties.append(struct.pack(">HBB", whole, 1, 3))
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
            _box(b"ipco", coded[0][0], *sizes),
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
