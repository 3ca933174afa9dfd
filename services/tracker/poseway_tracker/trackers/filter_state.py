"""Building blocks of saved trackers: numbers within bounds, and the record of a box filter."""

from collections.abc import Iterable
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from poseway.skeleton import KEYPOINTS
from poseway_tracker.trackers.kalman import BoxFilter

# Valid boxes never lead beyond these bounds, and nothing within them overflows.
Number = Annotated[float, Field(ge=-1e18, le=1e18, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=1 << 62)]
Seconds = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Time = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
TrackId = Annotated[int, Field(ge=1, le=1 << 62)]
Box = Annotated[list[Number], Field(min_length=4, max_length=4)]
Pose = Annotated[
    list[Annotated[list[Number], Field(min_length=3, max_length=3)]],
    Field(min_length=len(KEYPOINTS), max_length=len(KEYPOINTS)),
]
_Row = Annotated[list[Number], Field(min_length=7, max_length=7)]
_Rows = Annotated[list[_Row], Field(min_length=7, max_length=7)]


class Record(BaseModel):
    """Base of all records: strict types, and no fields but those declared."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FilterRecord(Record):
    """Mean and covariance of a `BoxFilter`.

    Attributes:
        mean: 7 numbers; see `BoxFilter.mean`.
        covariance: 7 rows of 7 numbers; see `BoxFilter.covariance`.
    """

    mean: _Row
    covariance: _Rows

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if min(self.mean[2:4]) <= 0:
            raise ValueError("area and aspect must be above 0")
        try:
            np.linalg.cholesky(np.array(self.covariance))
        except np.linalg.LinAlgError as error:
            raise ValueError("the covariance is not positive definite") from error
        return self

    @classmethod
    def of(cls, mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> "FilterRecord":
        """Records a mean, float64 (7,), and a covariance, float64 (7, 7)."""
        return cls.model_construct(mean=mean.tolist(), covariance=covariance.tolist())

    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the mean, float64 (7,), and the covariance, float64 (7, 7)."""
        return np.array(self.mean), np.array(self.covariance)

    def restore(self) -> BoxFilter:
        """Returns a filter with this mean and covariance."""
        return BoxFilter.restore(*self.arrays())


def check_ids(ids: Iterable[int], next_id: int) -> None:
    """Checks the ids that a tracker has given out; 0 stands for no id yet.

    Raises:
        ValueError: Two ids are equal, or one has not been given out.
    """
    given = [id_ for id_ in ids if id_]
    if len(set(given)) < len(given) or max(given, default=0) >= next_id:
        raise ValueError("ids must differ and be below next_id")
