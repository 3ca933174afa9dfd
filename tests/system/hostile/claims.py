"""Valid but strange files, and files that claim content they do not have."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

from tests.support.still_images import card, encoded
from tests.support.videos import make_video, numbered, remuxed


def _png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header declares this size, regardless of its content."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", data or zlib.compress(bytes(1000))),
        (b"IEND", b""),
    ]
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _patched(data: bytes, kind: bytes, offset: int, value: bytes) -> bytes:
    """Replaces bytes at an offset after the name of every box of a kind."""
    patched, at = bytearray(data), data.find(kind)
    while at >= 0:
        patched[at + 4 + offset : at + 4 + offset + len(value)] = value
        at = data.find(kind, at + 1)
    return bytes(patched)


def _large(data: bytes) -> bytes:
    """An MP4 whose header declares 16384 x 16384 pixels."""
    sized = _patched(data, b"avc1", 24, struct.pack(">HH", 16384, 16384))
    return _patched(sized, b"tkhd", 76, struct.pack(">II", 16384 << 16, 16384 << 16))


def _countless(data: bytes) -> bytes:
    """An MP4 that declares a thousand million frames."""
    return _patched(data, b"stts", 8, struct.pack(">I", 1_000_000_000))


def _endless(data: bytes) -> bytes:
    """An MP4 whose frames each last for years."""
    return _patched(data, b"stts", 12, b"\x7f\xff\xff\xff")


def _nested(depth: int) -> bytes:
    """Deeply nested boxes."""
    data = b""
    for _ in range(depth):
        data = struct.pack(">I", 8 + len(data)) + b"moov" + data
    return struct.pack(">I", 16) + b"ftypisom" + bytes(4) + data


def grown(sizes: list[tuple[int, int]]) -> bytes:
    """A MOV whose frames have these sizes in pixels but which declares the first for all."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mov") as container:
        stream = container.add_stream("png", rate=25)
        (stream.width, stream.height), stream.pix_fmt = sizes[0], "gray"
        for index, (width, height) in enumerate(sizes):
            packet = av.Packet(encoded(np.zeros((height, width), np.uint8), "png"))
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = index
            packet.is_keyframe = True
            container.mux(packet)
    return buffer.getvalue()


def _zip(bomb: bool) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        content = bytes(50_000_000) if bomb else make_video(3)
        archive.writestr("../../video.mp4", content)
    return file.getvalue()


def _tar() -> bytes:
    file, video = io.BytesIO(), make_video(3)
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("/etc/video.mp4")
        member.size = len(video)
        archive.addfile(member, io.BytesIO(video))
    return file.getvalue()


def claims() -> Iterator[tuple[str, bytes]]:
    """All files of this module, each under a descriptive name."""
    video = make_video(8)
    noise = np.random.default_rng(1).bytes(20_000)
    yield "one-byte.mp4", b"\0"
    yield "noise.mp4", noise
    yield "zeros.mp4", bytes(20_000)
    yield "no-frame.mp4", make_video(0)
    yield "no-frame.mkv", make_video(0, container="matroska")
    yield "no-frame.avi", make_video(0, codec="mpeg4", container="avi")
    yield "one-frame.mp4", make_video(1)
    yield "one-frame.webm", make_video(1, codec="libvpx-vp9", container="webm")
    yield "one-pixel.png", encoded(np.zeros((1, 1, 3), np.uint8), "png")
    yield "one-pixel.jpg", encoded(np.zeros((1, 1, 3), np.uint8), "jpg")
    pixel = np.zeros((1, 1, 3), np.uint8)
    yield (
        "one-pixel.mkv",
        make_video(3, picture=lambda _: pixel, codec="ffv1", container="matroska"),
    )
    wide = np.zeros((2, 4096, 3), np.uint8)
    yield "line.mp4", make_video(3, picture=lambda _: wide)
    tall = np.zeros((4096, 2, 3), np.uint8)
    yield "column.mp4", make_video(3, picture=lambda _: tall)
    yield "claims-16384.mp4", _large(video)
    yield "claims-16384.png", _png(16384, 16384)
    yield "claims-2147483647.png", _png(2**31 - 1, 2**31 - 1)
    yield "bomb.png", _png(16000, 16000, zlib.compress(bytes(16000 * 48001), 9))
    yield "grows-to-16384.mov", grown([(64, 64), (16384, 8192), (64, 64)])
    yield "claims-many-frames.mp4", _countless(video)
    yield "frames-of-years.mp4", _endless(video)
    yield "nested.mp4", _nested(20_000)
    jump = [0, 33, 66, 99, *(10**9 + 33 * n for n in range(4))]
    yield "times-jump.mkv", remuxed(video, "matroska", {}, jump)
    yield "times-far.mkv", remuxed(video, "matroska", {}, [n * 10**8 for n in range(8)])
    stream = make_video(8, container="mpegts")
    yield "times-again.ts", stream + stream
    yield "times-equal.mp4", _patched(video, b"stts", 12, bytes(4))
    yield "times-back.mp4", _patched(video, b"stts", 12, b"\xff\xff\xfe\x00")
    yield "archive.zip", _zip(bomb=False)
    yield "bomb.zip", _zip(bomb=True)
    yield "archive.tar.gz", _tar()
    yield "program.mp4", b"\x7fELF\2\1\1" + noise
    yield "page.mp4", b"<!doctype html><script>alert(1)</script>"
    yield "jpg-and-zip.jpg", encoded(card(), "jpg") + _zip(bomb=False)
    yield "gif-and-script.gif", b"GIF89a/*" + bytes(8) + b"*/=1;alert(1)//" + noise
    yield "pdf-and-mp4.mp4", b"%PDF-1.7\n" + video
    yield "mp4-and-page.mp4", video + b"<script>alert(1)</script>"
    yield "two-videos.mp4", video + make_video(3, picture=lambda n: numbered(n, 160, 120))
