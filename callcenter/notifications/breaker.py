"""A circuit breaker: an outage of one provider must cost nobody else its ten seconds."""

FAILURES = 3
"""So many failures one after another open it."""
REST_SECONDS = 15.0


class Breaker:
    """One channel's. Closed: everything passes. Open: nothing, until it has rested; then one try decides."""

    def __init__(self, *, failures: int = FAILURES, rest_seconds: float = REST_SECONDS) -> None:
        self._limit = failures
        self._rest = rest_seconds
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False

    @property
    def open(self) -> bool:
        return self._opened_at is not None

    def allows(self, now: float) -> bool:
        """Whether a try may be made at ``now`` (monotonic seconds)."""
        return self._opened_at is None or (not self._trying and now >= self._opened_at + self._rest)

    def begin(self) -> None:
        """A try is being made."""
        self._trying = self._opened_at is not None

    def succeeded(self) -> None:
        """The channel answered, be it with a no."""
        self._failures, self._opened_at, self._trying = 0, None, False

    def failed(self, now: float) -> None:
        """The channel did not answer, or said that it is unwell."""
        self._failures += 1
        self._trying = False
        if self._failures >= self._limit:
            self._opened_at = now
