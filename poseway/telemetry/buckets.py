"""Buckets of histograms that several services have."""

from typing import Final

CALL_SECONDS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0),
)
"""From finding the people in a frame to joining the segments of a long video."""
