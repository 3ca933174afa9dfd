"""Which of several errors made an attempt at a job fail."""

from collections.abc import Iterator
from typing import Final

from poseway.errors import (
    ConflictError,
    DecoderError,
    IncompatibleError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    VideoError,
)

_BY_WEIGHT: Final = (
    ConflictError,
    VideoError,
    InvalidRequestError,
    NotFoundError,
    DecoderError,
    IncompatibleError,
    UnavailableError,
)


def root_cause(error: BaseException) -> BaseException:
    """Picks the error of a group that determines the job's outcome; see `_BY_WEIGHT`."""
    leaves = list(_leaves(error))
    for kind in _BY_WEIGHT:
        for leaf in leaves:
            if isinstance(leaf, kind):
                return leaf
    return leaves[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
