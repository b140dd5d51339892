"""Login throttling: guessing passwords is slow, and nobody can lock an operator out from another address (I3)."""

from collections import OrderedDict, deque

from callcenter.clock import Clock
from callcenter.errors import TooManyAttempts
from callcenter.ports import network_of


class Throttle:
    """At most ``attempts`` failures per user and address, and ``per_address`` per address, in ``seconds``.

    Of an IPv6 address its network counts.
    """

    def __init__(
        self, clock: Clock, attempts: int = 5, per_address: int = 50, seconds: float = 300, remembered: int = 10_000
    ) -> None:
        self._clock = clock
        self._attempts = attempts
        self._per_address = per_address
        self._seconds = seconds
        self._remembered = remembered
        self._times: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()

    def begin(self, user: str, address: str) -> None:
        """Count an attempt before it is checked, so that many at once gain nothing; raises `TooManyAttempts`."""
        now, address = self._clock.monotonic(), network_of(address)
        limits = {(user, address): self._attempts, (address,): self._per_address}
        for key, limit in limits.items():
            times = self._recent(key, now)
            if len(times) >= limit:
                wait = int(times[0] + self._seconds - now) + 1
                raise TooManyAttempts(f"too many failed attempts; try again in {wait} seconds", retry_after=wait)
        for key in limits:
            self._recent(key, now).append(now)

    def succeeded(self, user: str, address: str) -> None:
        """The password was right: forget the user's attempts, and this one of the address."""
        address = network_of(address)
        self._times.pop((user, address), None)
        if times := self._times.get((address,)):
            times.pop()

    def _recent(self, key: tuple[str, ...], now: float) -> deque[float]:
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while times and times[0] <= now - self._seconds:
            times.popleft()
        while len(self._times) > self._remembered:
            self._times.popitem(last=False)
        return times
