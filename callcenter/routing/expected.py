"""How long a caller may still have to wait: a plain rule of the recent service rate and her place. Pure.

A queue whose ``seats`` are all busy serves one caller every ``handling / seats`` seconds, where ``handling`` is the
mean time from picking up to the end of wrap-up of its last calls. Whoever has ``position`` 1 waits one such span on
average, position 2 two: expected wait = position × handling / seats. It does not know that callers give up (it errs on
the long side), nor of emergencies (on the short side).
"""

from collections import deque

REMEMBERED = 50
"""Calls of a queue that the mean is taken of."""
PRIOR_SECONDS = 180.0
"""Handling time while there are fewer than `ENOUGH` calls to go by."""
ENOUGH = 5


class Handling:
    """How long the last calls of each queue took an operator."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}

    def add(self, queue: str, seconds: float) -> None:
        """A call of ``queue`` took an operator so long, wrap-up included."""
        self._seconds.setdefault(queue, deque(maxlen=REMEMBERED)).append(max(0.0, seconds))

    def mean(self, queue: str) -> float:
        """Mean handling time of a queue in seconds."""
        known = self._seconds.get(queue, ())
        return sum(known) / len(known) if len(known) >= ENOUGH else PRIOR_SECONDS


def expected_wait(position: int, handling: float, seats: int) -> float | None:
    """Seconds until the caller at ``position`` (1: the next) is served; None when nobody serves the queue.

    ``handling``: seconds an operator needs for a call; ``seats``: operators who are there for the queue.
    """
    if seats <= 0:
        return None
    return position * handling / seats
