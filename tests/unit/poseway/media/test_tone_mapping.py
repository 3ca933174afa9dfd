"""Tone mapping, compared with the equations for grey, hues, and all frame sizes."""

import math
from typing import Final

import av
import numpy as np
import pytest

from poseway.media.tone_mapping import HLG, PQ, to_sdr
from poseway.media.yuv import samples

LIGHT: Final = (0, 1, 10, 26, 50, 100, 203, 400, 1000)


def luma_of(light: float) -> float:
    """Returns the BT.709 grey of a luminance: BT.2446-1, method A, from 1000 to 100 cd/m2."""
    hdr, sdr = (1 + 32 * math.pow(peak / 10_000, 1 / 2.4) for peak in (1000, 100))
    y = math.log(1 + (hdr - 1) * math.pow(light / 1000, 1 / 2.4)) / math.log(hdr)
    if y <= 0.7399:
        bent = 1.0770 * y
    elif y < 0.9909:
        bent = -1.1510 * y**2 + 2.7811 * y - 0.6302
    else:
        bent = 0.5 * y + 0.5
    return 16 + 219 * (math.pow(sdr, bent) - 1) / (sdr - 1)


def signal(light: float, transfer: int) -> float:
    """Returns the grey, 0..1, that a 1000 cd/m2 display shows at a luminance: BT.2100."""
    if transfer == PQ:
        power = (light / 10_000) ** 0.1593017578125
        return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)
    scene = (light / 1000) ** (1 / 1.2)
    if scene <= 1 / 12:
        return float((3 * scene) ** 0.5)
    return float(0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073)


def picture(
    samples_of: tuple[float, float, float], transfer: int, size: tuple[int, int] = (64, 48)
) -> av.VideoFrame:
    """A frame of one colour in 10-bit BT.2020; luma 0..1, colour differences -0.5..0.5."""
    image = av.VideoFrame(*size, "yuv420p10le")
    luma, blue, red = samples_of
    values = 64 + 876 * luma, 512 + 896 * blue, 512 + 896 * red
    for plane, value in zip(image.planes, values, strict=True):
        np.frombuffer(memoryview(plane), np.uint16)[:] = round(value)
    image.colorspace, image.color_range, image.color_primaries = 9, 1, 9
    image.color_trc = transfer
    return image


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("light", LIGHT)
def test_grey_follows_the_equations(transfer: int, light: float) -> None:
    mapped = to_sdr(picture((signal(light, transfer), 0, 0), transfer))
    y, cb, cr = (samples(plane) for plane in mapped.planes)
    assert np.abs(y - luma_of(light)).max() <= 2
    assert np.abs(np.stack([cb, cr]).astype(int) - 128).max() <= 1
    assert (mapped.colorspace, mapped.color_primaries, mapped.color_trc) == (1, 1, 1)
    assert mapped.color_range == 1


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("strongest", [0, 1, 2])
def test_hues_are_kept(transfer: int, strongest: int) -> None:
    rgb = np.full(3, signal(20, transfer))
    rgb[strongest] = signal(120, transfer)
    red, green, blue = rgb.tolist()
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    colour = (luma, (blue - luma) / 1.8814, (red - luma) / 1.4746)
    result = to_sdr(picture(colour, transfer)).to_ndarray(format="rgb24")
    mean = result.reshape(-1, 3).mean(axis=0)
    assert int(np.argmax(mean)) == strongest
    assert mean[strongest] > 1.3 * np.delete(mean, strongest).max()


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1), (2, 301)])
def test_any_frame_size_is_mapped(size: tuple[int, int]) -> None:
    mapped = to_sdr(picture((signal(100, PQ), 0, 0), PQ, size))
    assert (mapped.width, mapped.height, mapped.format.name) == (*size, "yuv420p")
    assert np.abs(samples(mapped.planes[0]).astype(int) - 133).max() <= 2


def test_standard_range_frame_is_unchanged() -> None:
    image = picture((0.5, 0, 0), 14)
    assert to_sdr(image) is image
