"""Tone mapping from high dynamic range (ITU-R BT.2100) to standard dynamic range (BT.709).

Powers and logarithms are too slow for every pixel of a large frame, so the complete conversion is
computed once for a grid of colours. Chroma is looked up in the grid. Luma is computed exactly for
grey; the grid only adds the difference between a colour and grey.
"""

from functools import lru_cache
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from poseway.media.yuv import BT709, LUMA_WEIGHTS, samples

PQ: Final = 16
"""Transfer characteristics of the perceptual quantizer (SMPTE ST 2084), numbered as in H.273."""
HLG: Final = 18
"""Transfer characteristics of hybrid log-gamma (ARIB STD-B67), numbered as in H.273."""

_BT2020: Final = 9
_LIMITED: Final = 1
_PEAK: Final = 1000.0
_WHITE: Final = 100.0
_GAMMA: Final = 2.4
_NEUTRAL: Final = 128
# Bits of the grid's axes: luma, Cb, Cr.
_BITS: Final = (6, 7, 7)
# Converts linear light from BT.2020 to BT.709 primaries (ITU-R BT.2087, annex 2).
_PRIMARIES: Final = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)

# Array type that a grid is computed in.
_Grid = NDArray[np.floating[Any]]


def is_hdr(transfer: int) -> bool:
    """Whether frames with these transfer characteristics need tone mapping."""
    return transfer in (PQ, HLG)


def to_sdr(image: av.VideoFrame) -> av.VideoFrame:
    """Returns the frame in BT.709, limited range, 8-bit 4:2:0; the same frame if it is not HDR."""
    if not is_hdr(image.color_trc):
        return image
    matrix = image.colorspace if image.colorspace in LUMA_WEIGHTS else _BT2020
    source = image.reformat(
        format="yuv420p",
        src_colorspace=matrix,
        dst_colorspace=_BT2020,
        dst_color_range=_LIMITED,
        threads=1,
    )
    luma, blue, red = (samples(plane) for plane in source.planes)
    rows, columns = blue.shape
    curve, grid = _tables(image.color_trc)
    coarse = _sized(luma, columns, rows)
    mapped = grid[_cells(coarse, blue, red)].view(np.uint8).reshape(rows, columns, 4)
    result = av.VideoFrame(image.width, image.height, "yuv420p")
    result.colorspace = result.color_trc = result.color_primaries = BT709
    result.color_range = _LIMITED
    target, *others = (samples(plane) for plane in result.planes)
    total = np.take(curve, luma)
    total += _sized(np.ascontiguousarray(mapped[..., 0]), *luma.shape[::-1])
    target[:] = np.clip(total, 0, 255, out=total)
    for plane, values in zip(others, (mapped[..., 1], mapped[..., 2]), strict=True):
        plane[:] = values
    return result


def _sized(plane: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Resizes samples, uint8 (height, width)."""
    image = av.VideoFrame.from_ndarray(plane, format="gray")
    sized = image.reformat(width, height, "gray", interpolation="AREA", threads=1)
    return samples(sized.planes[0])


def _cells(luma: NDArray[np.integer], *chroma: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Returns the grid index, uint32, of 8-bit colours given as three equal arrays."""
    cell = np.zeros(luma.shape, np.uint32)
    for values, bits in zip((luma, *chroma), _BITS, strict=True):
        cell <<= bits
        cell |= values >> (8 - bits)
    return cell


@lru_cache(maxsize=2)
def _tables(transfer: int) -> tuple[NDArray[np.int16], NDArray[np.uint32]]:
    """Computes the curve of grey, less 128, int16 (256,), and the flattened grid, uint32.

    The four bytes of a grid cell are the luma of its colour above that of grey, plus 128, then Cb,
    Cr, and an unused one.
    """
    grey = np.arange(256, dtype=np.float32)
    neutral = np.full_like(grey, _NEUTRAL)
    curve = _mapped(transfer, grey, neutral, neutral)[0]
    # A cell represents its middle luma and its lowest chroma, so that grey stays grey.
    axes = [np.arange(0, 256, 1 << (8 - bits), dtype=np.float32) for bits in _BITS]
    axes[0] += (axes[0][1] - 1) / 2
    luma, blue, red = _mapped(transfer, *np.meshgrid(*axes, indexing="ij", sparse=True))
    departure = luma - np.interp(axes[0], grey, curve)[:, None, None] + _NEUTRAL
    cells = np.stack([departure, blue, red, np.zeros_like(luma)], axis=-1)
    grid = cells.round().clip(0, 255).astype(np.uint8).view(np.uint32)
    return (curve.round().clip(0, 255) - _NEUTRAL).astype(np.int16), grid.ravel()


def _mapped(transfer: int, luma: _Grid, blue: _Grid, red: _Grid) -> tuple[_Grid, _Grid, _Grid]:
    """Converts limited-range samples from BT.2100 to BT.709."""
    signal = _rgb(_BT2020, (luma - 16) / 219, (blue - 128) / 224, (red - 128) / 224)
    light = (_pq if transfer == PQ else _hlg)(signal.clip(0, 1))
    mapped = _tone_mapped((light / _PEAK).clip(0, 1) ** np.float32(1 / _GAMMA))
    linear = np.tensordot(_PRIMARIES, mapped.clip(0, 1) ** np.float32(_GAMMA), 1)
    y, cb, cr = _yuv(BT709, linear.clip(0, 1) ** np.float32(1 / _GAMMA))
    return 16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr


def _pq(signal: _Grid) -> _Grid:
    """Returns the display light of R, G, B in cd/m2: BT.2100, table 4, EOTF."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** np.float32(1 / m2)
    light = np.maximum(root - c1, 0) / (c2 - c3 * root)
    return np.asarray(10_000 * light ** np.float32(1 / m1), np.float32)


def _hlg(signal: _Grid) -> _Grid:
    """Returns the light of R, G, B on a display of 1000 cd/m2.

    See BT.2100, table 5: inverse OETF and OOTF.
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    kr, kb = LUMA_WEIGHTS[_BT2020]
    luminance = kr * scene[0] + (1 - kr - kb) * scene[1] + kb * scene[2]
    return np.asarray(_PEAK * luminance ** np.float32(0.2) * scene, np.float32)


def _tone_mapped(rgb: _Grid) -> _Grid:
    """Maps gamma-coded BT.2020 R, G, B from a peak of 1000 to 100 cd/m2: BT.2446-1, method A."""
    y, blue, red = _yuv(_BT2020, rgb)
    hdr, sdr = (1 + 32 * (peak / 10_000) ** (1 / 2.4) for peak in (_PEAK, _WHITE))
    lightness = np.log1p((hdr - 1) * y) / np.log(hdr)
    knee = -1.1510 * lightness**2 + 2.7811 * lightness - 0.6302
    low, high = 1.0770 * lightness, 0.5 * lightness + 0.5
    bent = np.where(lightness <= 0.7399, low, np.where(lightness < 0.9909, knee, high))
    luma = (sdr**bent - 1) / (sdr - 1)
    scale = luma / (1.1 * np.maximum(y, 1e-6))
    return _rgb(_BT2020, luma - np.maximum(0.1 * scale * red, 0), scale * blue, scale * red)


def _yuv(matrix: int, rgb: _Grid) -> tuple[_Grid, _Grid, _Grid]:
    """Returns luma 0..1 and colour differences -0.5..0.5 of red, green and blue (3, ...)."""
    kr, kb = LUMA_WEIGHTS[matrix]
    red, green, blue = rgb
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    return luma, (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))


def _rgb(matrix: int, luma: _Grid, cb: _Grid, cr: _Grid) -> _Grid:
    """Returns red, green and blue (3, ...) of luma and colour differences."""
    kr, kb = LUMA_WEIGHTS[matrix]
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.stack(np.broadcast_arrays(red, green, blue)).astype(np.float32)
