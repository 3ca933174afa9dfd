"""The Kalman filter of a box."""

import numpy as np
from numpy.typing import NDArray

from poseway_tracker.trackers.boxes import measure
from poseway_tracker.trackers.kalman import BoxFilter

# Results of the published code for these boxes; None is a frame without a detection.
_SEEN = [(10, 20, 50, 120), (16, 21, 58, 123), (21, 23, 65, 125), None, (33, 26, 76, 131)]
_MEAN = [
    *(54.567125358984526, 78.46722590803783, 4590.929537880592, 0.4135154839425589),
    *(5.904113670467196, 2.1605945074114703, 122.44261116995186),
]
_VARIANCES = [
    *(0.9345794463390267, 0.9345794463390267, 8.39646313367817, 3.6875231395779338),
    *(0.5101212437560283, 0.5101212437560283, 1.3965754775303227),
]


def measured(box: tuple[float, ...]) -> NDArray[np.float64]:
    return measure(np.array([box], np.float64)).ravel()


def test_filter_matches_the_published_code() -> None:
    first, *rest = (None if box is None else measured(box) for box in _SEEN)
    assert first is not None
    box_filter = BoxFilter(first)
    for measurement in rest:
        box_filter.predict()
        if measurement is not None:
            box_filter.update(measurement)
    np.testing.assert_allclose(box_filter.mean, _MEAN, rtol=1e-12)
    np.testing.assert_allclose(np.diag(box_filter.covariance), _VARIANCES, rtol=1e-12)


def test_filters_share_no_mutable_state() -> None:
    one, other = BoxFilter(measured((0, 0, 10, 10))), BoxFilter(measured((0, 0, 10, 10)))
    for step in range(1, 4):
        one.predict()
        one.update(measured((step, 0, step + 10, 10)))
    assert other.mean.tolist() == [5, 5, 100, 1, 0, 0, 0]
    assert np.diag(other.covariance).tolist() == [10] * 4 + [10_000] * 3
