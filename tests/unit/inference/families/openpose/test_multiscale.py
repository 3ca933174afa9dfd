"""Combining the maps of several views of one image."""

import numpy as np
import pytest

from poseway.skeleton import KEYPOINTS
from poseway_inference.families.openpose.decoder import CHANNELS, X_CHANNELS
from poseway_inference.families.openpose.geometry import Geometry
from poseway_inference.families.openpose.multiscale import View, average
from poseway_inference.families.openpose.peaks import Floats, find_peaks

WIDTH, HEIGHT = 1000, 700
RIGHT, LEFT = KEYPOINTS.index("right_wrist"), KEYPOINTS.index("left_wrist")


def view(input_height: int, mirrored: bool = False, width: int = WIDTH) -> View:
    return View(Geometry.fit(width, HEIGHT, input_height), mirrored)


def blob(of: View, x: float, y: float, channel: int) -> Floats:
    """Makes the map of an ideal network, with a peak at a position given as shares of the image."""
    columns, rows = of.geometry.map_size
    x = float(of.geometry.to_cells(np.array([1 - x if of.mirrored else x], np.float32), 0)[0])
    y = float(of.geometry.to_cells(np.array([y], np.float32), 1)[0])
    grid_y, grid_x = np.mgrid[:rows, :columns]
    maps = np.zeros((rows, columns, CHANNELS), np.float32)
    maps[..., channel] = np.exp(-((grid_x - x) ** 2 + (grid_y - y) ** 2) / (2 * 1.5**2))
    return maps


@pytest.mark.parametrize("place", [(0.3, 0.4), (0.5, 0.5), (0.931, 0.9), (0.06, 0.83)])
@pytest.mark.parametrize("other", [view(184), view(368, mirrored=True), view(184, mirrored=True)])
def test_views_agree_on_positions(place: tuple[float, float], other: View) -> None:
    target = view(368)
    maps = [blob(other, *place, LEFT if other.mirrored else RIGHT), blob(target, *place, RIGHT)]
    both = average([other, target], maps)
    assert both.shape == maps[1].shape
    (point,) = find_peaks(both[..., [RIGHT]], 0.3, 0.3, 8).points[0]
    (alone,) = find_peaks(maps[1][..., [RIGHT]], 0.3, 0.3, 8).points[0]
    assert np.abs(point - alone).max() < 0.1
    # Check the other view by itself, not only the average.
    (seen,) = find_peaks(average([other, target], [maps[0], 0 * maps[1]])[..., [RIGHT]], 0, 0.2, 8)[
        0
    ][0]
    assert np.abs(seen - alone).max() < 0.1


def test_mirroring_swaps_sides_and_flips_fields() -> None:
    target, mirrored = view(368), view(368, mirrored=True)
    field = X_CHANNELS[2], X_CHANNELS[4]  # right and left upper arm
    maps = np.zeros((*target.geometry.map_size[::-1], CHANNELS), np.float32)
    maps[..., field[0]], maps[..., field[0] + 1] = 0.5, 0.25
    maps[..., CHANNELS - 1] = 0
    nothing = np.zeros_like(maps)
    seen = 2 * average([mirrored, target], [maps, nothing])
    np.testing.assert_allclose(seen[..., field[1]], -0.5, atol=1e-5)
    np.testing.assert_allclose(seen[..., field[1] + 1], 0.25, atol=1e-5)
    assert not seen[..., field[0] : field[0] + 2].any()


def test_mirroring_twice_restores_the_maps() -> None:
    # A width of whole cells, so that cells map to cells.
    target, mirrored = view(368, width=700), view(368, mirrored=True, width=700)
    shape = (*target.geometry.map_size[::-1], CHANNELS)
    maps = np.random.default_rng(0).random(shape, np.float32)
    nothing = np.zeros_like(maps)
    once = 2 * average([mirrored, target], [maps, nothing])
    twice = 2 * average([mirrored, target], [once, nothing])
    # The network's bias of a quarter pixel is reversed, too.
    assert np.abs(twice - maps)[2:-2, 2:-2].mean() < 0.05


def test_single_view_is_returned_as_is() -> None:
    maps = np.random.default_rng(0).random((4, 5, CHANNELS), np.float32)
    assert average([view(368)], [maps]) is maps
