"""Histogram buckets shared by the metrics of both ends of a call.

A module of its own: importing `client` would register its metrics in services that make no calls.
"""

from typing import Final

CALL_SECONDS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0),
)
"""Duration of calls, from inference on one batch to joining a long video's segments."""
