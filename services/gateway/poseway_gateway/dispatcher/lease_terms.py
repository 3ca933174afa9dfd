"""How long a lease lasts: a dispatcher's exclusive, expiring right to work on a job."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Time after which a lease expires if its dispatcher does not renew it.

    Attributes:
        delivered: For a job that the queue delivered. Less than the queue's ack wait, so that the
            lease has expired when the queue redelivers the job.
        early: For a job taken out of the queue's order. The queue does not monitor such a job, so
            the lease must outlast storage outages and clock differences.
    """

    delivered: timedelta = timedelta(seconds=15)
    early: timedelta = timedelta(seconds=90)


DEFAULT_TERMS: Final = LeaseTerms()
