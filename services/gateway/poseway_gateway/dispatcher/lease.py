"""A lease: a dispatcher's exclusive, expiring right to work on a job."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease on a job lasts if its dispatcher does not renew it.

    Attributes:
        delivered: On a job that the queue delivered. Shorter than the queue's own wait, so that the
            next delivery finds the lease expired.
        early: On a job taken out of the queue's order. The queue does not watch over such a job, so
            the lease alone must outlast pauses of storage and differences between clocks.
    """

    delivered: timedelta = timedelta(seconds=15)
    early: timedelta = timedelta(seconds=90)


DEFAULT_TERMS: Final = LeaseTerms()
