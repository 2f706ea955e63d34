"""When: leases, back-offs and looks. Every figure of the protocol of what leaves stands here.

They hold only in this order: an exchange ends (25 s) before Celery's soft limit (60 s) and hard
limit (75 s), the hard limit before the lease (90 s), and the lease before the moment from which a
look at the other side may count as 'not there' (150 s).
"""

import random
from datetime import datetime, timedelta
from typing import Final

LEASE: Final = timedelta(seconds=90)
# After a claim, a first byte leaves within this time or not at all under that lease.
SEND_WITHIN: Final = timedelta(seconds=30)
# A worker begins no exchange later than this after it was woken: two fit before the soft limit.
WORK: Final = timedelta(seconds=10)

# An accepted request that has had no effect by now never will; docs say what rests on this.
SETTLED: Final = timedelta(seconds=150)
LOOKS: Final = tuple(timedelta(seconds=seconds) for seconds in (15, 150, *range(300, 1801, 300)))
LOOK_EVERY: Final = timedelta(minutes=5)
LOOKING_ENDS: Final = timedelta(minutes=30)
# Looks at what was sent twice and is done: a first sending that was later than SETTLED shows here.
LATE_LOOKS: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30))

LONGEST_WAIT: Final = timedelta(minutes=5)


def next_look(sent_at: datetime, *, at: datetime) -> datetime:
    """The first look that is still to come."""
    for after in LOOKS:
        if sent_at + after > at:
            return sent_at + after
    return at + LOOK_EVERY


def back_off(tries: int, *, at: datetime) -> datetime:
    """When to try again what was not sent: 1 s, 2 s, 4 s … 5 min, of which a part by chance, so
    that what failed together does not come back together."""
    seconds = min(2.0 ** min(max(tries - 1, 0), 9), LONGEST_WAIT.total_seconds())
    return at + timedelta(seconds=seconds * random.uniform(0.5, 1))  # noqa: S311
