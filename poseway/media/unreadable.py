"""What to say of an upload that is no video and no picture that is read."""

import re
from typing import Final

HEAD: Final = 4096
"""Bytes at the start of a file that are enough to tell."""

_TO_JPEG: Final = "Save it as JPEG or PNG and upload that."
_TO_MP4: Final = "Convert it to MP4 (H.264) and upload that."
_UNPACK: Final = "Unpack it and upload the video or picture that is in it."
_ITSELF: Final = "Upload the video itself."
# What files begin with, what they are, and what to do with them.
_KINDS: Final = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), kind, advice)
    for pattern, kind, advice in (
        (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", _TO_JPEG),
        (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", _TO_JPEG),
        (rb"8BP[SB]", "a Photoshop document", _TO_JPEG),
        (rb"FUJIFILMCCD-RAW|IIR[OS]|IIU\0|....ftypcrx ", "a camera's raw picture", _TO_JPEG),
        (rb"v/1\x01|SDPX|XPDS|#\?RADIANCE", "a picture for film and rendering", _TO_JPEG),
        (rb"P[1-7]\s", "a picture of a rare kind", _TO_JPEG),
        (rb"(\xef\xbb\xbf)?\s*(<\?xml.*|<!--.*|<!DOCTYPE.*)?<svg", "a drawing (SVG)", _TO_JPEG),
        (rb"%PDF", "a PDF document", _TO_JPEG),
        (rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b|\xfd7zXZ|BZh", "an archive or a document", _UNPACK),
        (rb"#EXTM3U|ffconcat|\[playlist\]|.*<(MPD|asx|smil)\b", "a playlist", _ITSELF),
        (rb"\s*(<!DOCTYPE html|<html)", "a web page", _ITSELF),
        (rb"\.RMF|RIFX|FWS|CWS|BIK|SMK[24]", "a video of a rare kind", _TO_MP4),
        (
            rb"\0\0\0?\x01|BBCD",
            "a raw video stream that is damaged, or of a codec that is read only in a container",
            "Put it into MP4 or Matroska, or convert it to MP4 (H.264).",
        ),
    )
)
_UNKNOWN: Final = (
    "The file is not a video or picture that can be read, or it is cut off. Open it on your "
    "computer; if that works, convert it to MP4 (H.264) or, if it is a picture, to JPEG, else "
    "record or download it again."
)


def explain(head: bytes) -> str:
    """Says what a file is that begins like this, and what to do with it."""
    for pattern, kind, advice in _KINDS:
        if pattern.match(head):
            return f"The file is {kind}, not a video or picture that can be read. {advice}"
    return _UNKNOWN
