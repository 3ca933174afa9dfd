"""Error messages for uploads that are neither a readable video nor a readable image."""

import re
from typing import Final

HEAD: Final = 4096
"""Bytes at the start of a file that the explanation needs."""

_TO_JPEG: Final = "Save it as JPEG or PNG and upload that."
_TO_MP4: Final = "Convert it to MP4 (H.264) and upload that."
_UNPACK: Final = "Unpack it and upload the video or image inside."
_ITSELF: Final = "Upload the video itself."
# Pattern of the first bytes, name of the format, advice.
_KINDS: Final = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), kind, advice)
    for pattern, kind, advice in (
        (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL image", _TO_JPEG),
        (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 image", _TO_JPEG),
        (rb"8BP[SB]", "a Photoshop document", _TO_JPEG),
        (rb"FUJIFILMCCD-RAW|IIR[OS]|IIU\0|....ftypcrx ", "a camera's raw image", _TO_JPEG),
        (rb"v/1\x01|SDPX|XPDS|#\?RADIANCE", "an OpenEXR, DPX or Radiance image", _TO_JPEG),
        (rb"P[1-7]\s", "a Netpbm image", _TO_JPEG),
        (rb"(\xef\xbb\xbf)?\s*(<\?xml.*|<!--.*|<!DOCTYPE.*)?<svg", "a drawing (SVG)", _TO_JPEG),
        (rb"%PDF", "a PDF document", _TO_JPEG),
        (rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b|\xfd7zXZ|BZh", "an archive or a document", _UNPACK),
        (rb"#EXTM3U|ffconcat|\[playlist\]|.*<(MPD|asx|smil)\b", "a playlist", _ITSELF),
        (rb"\s*(<!DOCTYPE html|<html)", "a web page", _ITSELF),
        (rb"\.RMF|RIFX|FWS|CWS|BIK|SMK[24]", "a video in an unsupported format", _TO_MP4),
        (
            rb"\0\0\0?\x01|BBCD",
            "a raw video stream that is damaged or whose codec needs a container",
            "Remux it into MP4 or Matroska, or convert it to MP4 (H.264).",
        ),
    )
)
_UNKNOWN: Final = (
    "The file is not a readable video or image, or it is incomplete. If it opens on your computer, "
    "convert a video to MP4 (H.264) or an image to JPEG. Otherwise record or download it again."
)


def explain(head: bytes) -> str:
    """Returns the message for a file with this head: what it is, and what the user can do."""
    for pattern, kind, advice in _KINDS:
        if pattern.match(head):
            return f"The file is {kind}, not a readable video or image. {advice}"
    return _UNKNOWN
