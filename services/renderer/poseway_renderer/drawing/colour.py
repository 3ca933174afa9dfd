"""Converts colours to the samples of a video's colour space."""

from dataclasses import dataclass
from typing import Final

import av

from poseway.media.tone_mapping import is_hdr
from poseway.media.yuv import BT709, LUMA_WEIGHTS, usual_matrix

_RGB: Final = 0
_UNSPECIFIED: Final = 2
_FULL: Final = 2


@dataclass(frozen=True, slots=True)
class ColourSpace:
    """Colour description of a video. Numbers are those of ITU-T H.273 and FFmpeg.

    Attributes:
        matrix: Matrix coefficients as declared; 2 if unspecified.
        primaries: Colour primaries as declared.
        transfer: Transfer characteristics as declared.
        full: Whether samples span 0..255 instead of 16..235 for luma and 16..240 for chroma.
        effective: Matrix to compute with: as declared, else what players assume for this size.
    """

    matrix: int
    primaries: int
    transfer: int
    full: bool
    effective: int

    @classmethod
    def of(cls, stream: av.VideoStream) -> "ColourSpace":
        """Returns the colour space of a stream's frames after conversion to standard-range YUV."""
        context = stream.codec_context
        name = context.pix_fmt or ""
        guess = usual_matrix(context.width, context.height)
        matrix = context.colorspace
        if is_hdr(context.color_trc):
            return cls(BT709, BT709, BT709, False, BT709)
        if stream.format.is_rgb or matrix == _RGB:
            return cls(guess, context.color_primaries, context.color_trc, False, guess)
        return cls(
            matrix=matrix,
            primaries=context.color_primaries,
            transfer=context.color_trc,
            full=context.color_range == _FULL or name.startswith("yuvj"),
            effective=matrix if matrix in LUMA_WEIGHTS else guess,
        )

    @property
    def range(self) -> int:
        """FFmpeg's value of the sample range: 1 limited, 2 full."""
        return _FULL if self.full else 1

    @property
    def black(self) -> int:
        """Luma of black."""
        return 0 if self.full else 16

    def yuv(self, rgb: tuple[int, int, int]) -> tuple[int, int, int]:
        """Converts RGB, 0..255, to luma, Cb and Cr, 0..255 (ITU-T H.273, equations 38 to 43)."""
        red, green, blue = (value / 255 for value in rgb)
        kr, kb = LUMA_WEIGHTS[self.effective]
        luma = kr * red + (1 - kr - kb) * green + kb * blue
        cb = (blue - luma) / (2 * (1 - kb))
        cr = (red - luma) / (2 * (1 - kr))
        span, chroma_span = (255, 255) if self.full else (219, 224)
        return (
            round(self.black + span * luma),
            min(255, round(128 + chroma_span * cb)),
            min(255, round(128 + chroma_span * cr)),
        )
