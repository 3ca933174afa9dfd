"""Frame signatures for cut detection, and the distance between two of them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from poseway.media.yuv import Yuv

_SIDE: Final = 24
_HALF: Final = _SIDE // 2
# Rows of samples per cell mean. Using all rows would add no information.
_ROWS: Final = 8
# Levels of 0..255 by which equal content may differ: cells of two frames, and cells within a row of
# a black bar.
_SAME: Final = 3.0
# Minimum number of cells between bars in each direction.
_LEAST: Final = 5
# Window in cells over which brightness is levelled: many scenes have a bright sky above dark
# ground.
_LEVELLED: Final = 9
# Standard deviation in levels below which a frame has no usable structure, and the difference in
# levels at which two such frames are certainly different.
_FLAT: Final = 1.0
_LEVELS: Final = 30.0
# Frames with at least this correlation are alike without further checks.
_ALIKE: Final = 0.7
# Zoom factors at which one frame is compared with the other.
_ZOOMS: Final = (1.0, 0.87, 1.15, 0.75, 1.33)
# Displacements in cells at which frames are compared: for shake, and for a camera that moves by at
# most `_FASTEST` frame widths per second; never more than `_FARTHEST`.
_SHAKE: Final = 1.5
_FASTEST: Final = 3.0
_FARTHEST: Final = 6
# Frames whose aspect ratios differ by more than this factor have different shapes.
_SAME_SHAPE: Final = 1.05

# Number of bins of luma and of both chroma components.
_STEPS: Final = 6
# A moving camera keeps more of the frame's colours than `_FOREIGN`. From `_SHARED` on, differences
# in structure are weighted by `_LESS`.
_FOREIGN: Final = 0.3
_SHARED: Final = 0.65
_LESS: Final = 0.65

_Grid = NDArray[np.float32]
# Rows and columns of cells.
_Area = tuple[slice, slice]
_ALL: Final[_Area] = (slice(0, _SIDE), slice(0, _SIDE))


@dataclass(frozen=True, slots=True, eq=False)
class FrameSignature:
    """Signature of a frame: means over a grid of cells, of the same size for every aspect ratio.

    Attributes:
        index: Index of the frame.
        pts: Presentation time in ticks.
        seconds: Presentation time in seconds.
        shape: Width divided by height, in pixels.
        luma: Means of luma, 0..255, float32 (24, 24).
        chroma: Means of the blue and red difference, 0..255, float32 (2, 12, 12).
    """

    index: int
    pts: int
    seconds: float
    shape: float
    luma: _Grid
    chroma: _Grid


def signature(index: int, pts: int, seconds: float, picture: Yuv) -> FrameSignature:
    """Computes the signature of a frame."""
    width, height = picture.width, picture.height
    samples = np.frombuffer(picture.planes, np.uint8)
    luma = samples[: width * height].reshape(height, width)
    halves = samples[width * height :].reshape(2, (height + 1) // 2, (width + 1) // 2)
    chroma = np.stack([_means(half, _HALF) for half in halves])
    return FrameSignature(index, pts, seconds, width / height, _means(luma, _SIDE), chroma)


def distance(one: FrameSignature, other: FrameSignature, *, steady: bool = False) -> float:
    """Distance of two frames, 0..1: near 0 within a scene, about 0.5 or more between scenes.

    Ignores changes of brightness and contrast, and camera motion and zoom that are plausible in the
    time between the frames. Excludes black bars that both frames have.

    Args:
        one: Signature of one frame.
        other: Signature of the other frame.
        steady: Assume a camera that only shakes.
    """
    if not 1 / _SAME_SHAPE < one.shape / other.shape < _SAME_SHAPE:
        return 1 - _shared_colours(one, other, _ALL)
    if np.abs(one.luma - other.luma).max() <= _SAME:
        return level_distance(one, other)
    area = _without_bars(one.luma, other.luma)
    first, second = _structure(one.luma[area]), _structure(other.luma[area])
    if _is_even(first) or _is_even(second):
        return level_distance(one, other)
    match = _match(first, second)
    if match < _ALIKE:
        match = max(
            match,
            _match(*(_structure(grid) for grid in _as_bright(one.luma[area], other.luma[area]))),
        )
    if match >= _ALIKE:
        return 1 - match
    shared = _shared_colours(one, other, area)
    if shared < _FOREIGN:
        return 1 - match
    moved = 0.0 if steady else _FASTEST * _SIDE * abs(other.seconds - one.seconds)
    reach = min(_FARTHEST, int(_SHAKE + moved))
    match = max(match, _best_match(first, second, _ZOOMS[:1], reach))
    if match < _ALIKE and not steady:
        match = max(match, _best_match(first, second, _ZOOMS[1:], reach))
    return (1 - match) * (_LESS if shared > _SHARED else 1.0)


def level_distance(one: FrameSignature, other: FrameSignature) -> float:
    """Distance of two frames in brightness and colour alone, 0..1."""
    luma = np.abs(one.luma - other.luma).mean()
    chroma = np.abs(one.chroma - other.chroma).mean(axis=(1, 2)).sum()
    return min(1.0, float(luma + chroma) / _LEVELS)


def is_flat(frame: FrameSignature) -> bool:
    """Whether a frame has no structure to identify its scene by, such as all black or white."""
    return _is_even(_structure(frame.luma))


def _means(plane: NDArray[np.uint8], cells: int) -> _Grid:
    """Means over the cells of a plane."""
    height, width = plane.shape
    chosen, lefts, samples = _sampling(height, width, cells)
    rows = plane[chosen].reshape(cells, _ROWS, width).sum(1, dtype=np.uint16)
    sums = np.add.reduceat(rows, lefts, axis=1, dtype=np.uint32)
    return np.asarray(sums / samples, np.float32)


@lru_cache(maxsize=8)
def _sampling(
    height: int, width: int, cells: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], _Grid]:
    """Sampled rows, first columns of the cells, and number of samples per cell."""
    chosen = (2 * np.arange(cells * _ROWS) + 1) * height // (2 * cells * _ROWS)
    lefts = np.arange(cells) * width // cells
    samples = _ROWS * np.maximum(1, np.diff(lefts, append=width))
    return chosen, lefts, samples.astype(np.float32)


def _without_bars(one: _Grid, other: _Grid) -> _Area:
    """Rows and columns inside the bars that both frames have along their edges."""
    return _inside(one, other), _inside(one.T, other.T)


def _inside(one: _Grid, other: _Grid) -> slice:
    """Rows between the bars at top and bottom; all rows if too few are left."""
    first, last = _bar(one, other), _SIDE - _bar(one[::-1], other[::-1])
    return slice(first, last) if last - first >= _LEAST else slice(0, _SIDE)


def _bar(one: _Grid, other: _Grid) -> int:
    """Number of rows of the bar at the top, including the one that its edge may cross."""
    for row, pair in enumerate(zip(one, other, strict=True)):
        if max(np.ptp(pair[0]), np.ptp(pair[1]), abs(pair[0][0] - pair[1][0])) > _SAME:
            return row + (row > 0)
    return _SIDE


def _structure(grid: _Grid) -> _Grid:
    """The grid minus the local mean brightness of each cell."""
    rows, columns = grid.shape
    return np.asarray(grid - _leveller(rows) @ grid @ _leveller(columns).T, np.float32)


def _is_even(structure: _Grid) -> bool:
    return bool(np.vdot(structure, structure) < _FLAT**2 * structure.size)


def _as_bright(one: _Grid, other: _Grid) -> tuple[_Grid, _Grid]:
    """Matches the exposure of two frames by assigning levels of one to cells of the other, by rank.

    The levels are those of the frame with fewer distinct levels, which is dark or overexposed.
    """
    ranked = one.ravel().argsort(kind="stable"), other.ravel().argsort(kind="stable")
    poorer = int(_levels(other) < _levels(one))
    source, target = (one, other)[poorer], ranked[1 - poorer]
    exposed = np.empty_like(source)
    exposed.ravel()[target] = source.ravel()[ranked[poorer]]
    return (source, exposed) if poorer == 0 else (exposed, source)


def _levels(grid: _Grid) -> int:
    """Number of distinct levels in a grid."""
    return int(np.count_nonzero(np.bincount(grid.ravel().round().astype(np.intp))))


def _match(first: _Grid, second: _Grid) -> float:
    """Correlation of two structures, -1..1."""
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.vdot(first, second)) / max(norms, 1e-6)


def _best_match(first: _Grid, second: _Grid, zooms: tuple[float, ...], reach: int) -> float:
    """Best correlation with the second zoomed and displaced by up to `reach` cells."""
    rows, columns, masks = _zoomers(first.shape, zooms)
    zoomed = (rows @ second @ columns).reshape(len(zooms), -1).T
    moved = _moved(first, reach)
    common = moved @ zoomed
    energies = (moved**2 @ masks) * (_inside_of(first.shape, reach) @ zoomed**2)
    return float((common / np.sqrt(np.maximum(energies, 1e-6))).max())


def _moved(grid: _Grid, reach: int) -> _Grid:
    """The grid displaced by up to `reach` cells each way, zero-filled: (displacements, cells)."""
    rows, columns = grid.shape
    padded = np.zeros((rows + 2 * reach, columns + 2 * reach), np.float32)
    padded[reach : reach + rows, reach : reach + columns] = grid
    return padded.ravel()[_places(grid.shape, reach)]


@lru_cache(maxsize=_SIDE)
def _places(shape: tuple[int, int], reach: int) -> NDArray[np.intp]:
    """Indexes of the source cells in a padded grid: (displacements, cells)."""
    rows, columns = (size + 2 * reach for size in shape)
    places = np.arange(rows * columns).reshape(rows, columns)
    return sliding_window_view(places, shape).reshape((2 * reach + 1) ** 2, -1)


@lru_cache(maxsize=_SIDE)
def _inside_of(shape: tuple[int, int], reach: int) -> _Grid:
    """Mask of the cells that a displacement fills: (displacements, cells)."""
    return _moved(np.ones(shape, np.float32), reach)


def _shared_colours(one: FrameSignature, other: FrameSignature, area: _Area) -> float:
    """Share of an area, 0..1, that has the same colours in both frames."""
    colours = np.stack([_colours(one, area), _colours(other, area)])
    low = colours.min(axis=(0, 2), keepdims=True)
    span = np.maximum(colours.max(axis=(0, 2), keepdims=True) - low, _SAME)
    steps = np.minimum((colours - low) / span * _STEPS, _STEPS - 1).astype(np.intp)
    numbers = np.ravel_multi_index(tuple(np.moveaxis(steps, 1, 0)), (_STEPS,) * 3)
    counts = [np.bincount(cells, minlength=_STEPS**3) for cells in numbers]
    return float(np.minimum(*counts).sum() / numbers.shape[1])


def _colours(frame: FrameSignature, area: _Area) -> _Grid:
    """Luma and chroma in an area at half resolution, float32 (3, n)."""
    rows, columns = (slice(-(-part.start // 2), part.stop // 2) for part in area)
    luma = frame.luma.reshape(_HALF, 2, _HALF, 2).mean(axis=(1, 3))
    return np.concatenate([luma[None], frame.chroma])[:, rows, columns].reshape(3, -1)


@lru_cache(maxsize=_SIDE)
def _leveller(size: int) -> _Grid:
    """Matrix that averages the cells around each cell, within bounds: (size, size)."""
    places = np.arange(size)
    near = np.abs(places[:, None] - places) <= _LEVELLED // 2
    return np.asarray(near / near.sum(1, keepdims=True), np.float32)


@lru_cache(maxsize=_SIDE)
def _zoomers(shape: tuple[int, int], zooms: tuple[float, ...]) -> tuple[_Grid, _Grid, _Grid]:
    """Matrices that zoom rows and columns, (zooms, n, n); masks of the result, (cells, zooms)."""
    rows, columns = (np.stack([_zoomer(size, zoom) for zoom in zooms]) for size in shape)
    masks = (rows.sum(2)[:, :, None] > 0) & (columns.sum(2)[:, None] > 0)
    return rows, columns.transpose(0, 2, 1), masks.reshape(len(zooms), -1).T.astype(np.float32)


def _zoomer(size: int, zoom: float) -> _Grid:
    """Matrix that zooms about the centre, with zero rows outside the source: (size, size)."""
    middle = (size - 1) / 2
    wanted = middle + (np.arange(size) - middle) / zoom
    weights = np.maximum(0, 1 - np.abs(wanted[:, None] - np.arange(size)))
    weights[(wanted < 0) | (wanted > size - 1)] = 0
    return np.asarray(weights, np.float32)
