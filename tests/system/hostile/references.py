"""Files that refer to another file or URL, in every way that players follow."""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from tests.support.videos import make_video


def _playlist(target: str) -> str:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n"


def _dash(target: str) -> str:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
        '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">'
        f"<BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )


def _svg(target: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="64" height="64"><image xlink:href="{target}" width="64" height="64"/></svg>'
    )


def _entity(target: str) -> str:
    return f'<!DOCTYPE svg [<!ENTITY x SYSTEM "{target}">]><svg><text>&x;</text></svg>'


def _sdp(target: str) -> str:
    host = target.partition("//")[2].partition("/")[0].partition(":")[0] or "127.0.0.1"
    return (
        f"v=0\no=- 0 0 IN IP4 {host}\ns=x\nc=IN IP4 {host}\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n"
    )


_TEXTS: Final[dict[str, Callable[[str], str]]] = {
    "hls.m3u8": _playlist,
    "hls.mp4": _playlist,
    "hls-key.m3u8": lambda target: _playlist("x.ts").replace(
        "#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF'
    ),
    "hls-map.m3u8": lambda target: _playlist("x.mp4").replace(
        "#EXTINF", f'#EXT-X-MAP:URI="{target}"\n#EXTINF'
    ),
    "m3u.m3u": lambda target: f"#EXTM3U\n{target}\n",
    "pls.pls": lambda target: f"[playlist]\nFile1={target}\nNumberOfEntries=1\n",
    "asx.asx": lambda target: f'<asx version="3.0"><entry><ref href="{target}"/></entry></asx>',
    "ffconcat.txt": lambda target: f"ffconcat version 1.0\nfile '{target}'\n",
    "dash.mpd": _dash,
    "svg.svg": _svg,
    "entity.svg": _entity,
    "sdp.sdp": _sdp,
    "redirect.mov": lambda target: f"RTSPtext\n{target}\n",
    "smil.smil": lambda target: f'<smil><body><video src="{target}"/></body></smil>',
    "mvg.mvg": lambda target: f"push graphic-context\nimage over 0,0 0,0 '{target}'\n",
    "eps.eps": lambda target: f"%!PS\n({target}) run\nshowpage\n",
    "link.txt": lambda target: target,
}


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    data = b"".join(content)
    return struct.pack(">I", 8 + len(data)) + kind + data


def _replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """An MP4 with its index at the end, in which one box is replaced."""
    at = data.index(old)
    path = [b"moov", b"trak", b"mdia", b"minf", b"dinf"]
    grown = bytearray(data[:at] + new + data[at + len(old) :])
    for kind in path:
        place = data.index(kind) - 4
        size = struct.unpack_from(">I", data, place)[0]
        struct.pack_into(">I", grown, place, size + len(new) - len(old))
    return bytes(grown)


def elsewhere(target: str) -> bytes:
    """An MP4 whose frames are in another file, as its data reference says."""
    url = box(b"url ", b"\0\0\0\1")
    return _replaced(make_video(3), url, box(b"url ", bytes(4), target.encode() + b"\0"))


def aliased(path: str) -> bytes:
    """A QuickTime alias with the path of a file."""
    name = path.rpartition("/")[2].encode()
    record = bytes(4) + struct.pack(">HH", 150 + 4 + len(path) + 4, 2) + bytes(2)
    record += bytes(1 + 27 + 4 + 2 + 2 + 4)
    record += bytes((len(name),)) + name.ljust(63, b"\0")
    record = record.ljust(150, b"\0")
    record += struct.pack(">hH", 2, len(path)) + path.encode() + bytes(len(path) % 2)
    record += struct.pack(">hH", -1, 0)
    data = box(b"alis", bytes(4), record)
    return _replaced(make_video(3), box(b"url ", b"\0\0\0\1"), data)


def reference_movie(target: str) -> bytes:
    """A QuickTime movie that only names another."""
    reference = box(b"rdrf", bytes(4), b"url ", struct.pack(">I", len(target) + 1))
    reference += target.encode() + b"\0"
    return box(b"ftyp", b"qt  ", bytes(4)) + box(b"moov", box(b"rmra", box(b"rmda", reference)))


def subtitled(target: str) -> bytes:
    """An AVI whose subtitles are a playlist, which FFmpeg probes unasked."""
    data = bytearray(make_video(3, codec="mpeg4", container="avi"))
    playlist = _playlist(target).encode()
    text = b"GAB2\0" + struct.pack("<HIHI", 2, 0, 4, len(playlist)) + playlist
    place = data.index(b"movi") + 4
    chunk = b"01tx" + struct.pack("<I", len(text)) + text + bytes(len(text) % 2)
    data[place:place] = chunk
    return bytes(data)


def references(paths: list[str]) -> Iterator[tuple[str, bytes]]:
    """Files of every kind that refer to each of these paths or addresses."""
    for number, target in enumerate(paths):
        for name, text in _TEXTS.items():
            yield f"{number}-{name}", text(target).encode()
        yield f"{number}-elsewhere.mp4", elsewhere(target)
        yield f"{number}-alias.mov", aliased(target)
        yield f"{number}-reference.mov", reference_movie(target)
        yield f"{number}-subtitles.avi", subtitled(target)
