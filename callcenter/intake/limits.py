"""How often strangers may send something: by address, and all of them together (R22)."""

from collections import OrderedDict, deque

from callcenter.errors import TooManyAttempts
from callcenter.ports import network_of

PER_ADDRESS = 10
TOGETHER = 300
SECONDS = 600.0
_REMEMBERED = 10_000


class Limit:
    """At most `PER_ADDRESS` requests an address, and `TOGETHER` in all, within `SECONDS`."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()

    def begin(self, address: str, now: float) -> None:
        """Count a request; ``now`` in monotonic seconds. Raises `TooManyAttempts` with ``retry_after``."""
        key = network_of(address)
        own = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)
        for times, limit in ((own, PER_ADDRESS), (self._all, TOGETHER)):
            while times and times[0] <= now - SECONDS:
                times.popleft()
            if len(times) >= limit:
                wait = int(times[0] + SECONDS - now) + 1
                raise TooManyAttempts(
                    f"too many requests from here; try again in {wait} seconds, or call the hotline", retry_after=wait
                )
        own.append(now)
        self._all.append(now)
