"""Which seats are left alone by whom, for how long: who did not take a caller, or dropped her at once (R12, R14)."""

from datetime import datetime

from callcenter.telephony.events import HangupReason

REST_SECONDS = {HangupReason.NO_ANSWER: 1.0, HangupReason.BUSY: 5.0, HangupReason.REJECTED: 10.0}
"""How long a seat is left alone by the call it did not take; anything else is a broken phone: 3 s."""

NO_LIFE_REST_SECONDS = 30.0
"""How long an elder leaves a seat alone whose phone answered her by itself while nobody was there (R12)."""

HASTY_SECONDS = 3.0
"""Who leaves an elder sooner than this did not help her: a phone that answers and drops, a slip of the hand."""
HASTY_REST_SECONDS = (1.5, 3.0, 6.0, 12.0)
"""How long such a seat is left alone by her, the first, second, … time. Without it a phone that answers by itself and
drops would win every ring, and cut short everybody else's, for ever (R12, R14)."""
_HASTY_REMEMBERED = 1000


class Rests:
    """Seats at rest, by wish: the incident's id, or the call's for the hotline. All times in monotonic seconds."""

    def __init__(self) -> None:
        self._resting: dict[str, dict[str, float]] = {}
        self._hasty: dict[tuple[str, str], int] = {}

    def of(self, wish: str) -> dict[str, float]:
        """Seats that a caller leaves alone, until when."""
        return self._resting.get(wish, {})

    def forget(self, now: float) -> None:
        """Drop what is over."""
        self._resting = {
            wish: left
            for wish, seats in self._resting.items()
            if (left := {user: until for user, until in seats.items() if until > now})
        }

    def not_taken(self, wish: str, user: str, reason: str, now: float) -> None:
        """A seat did not take a caller; ``reason``: how its leg ended."""
        rest = REST_SECONDS.get(HangupReason(reason), 3.0) if reason in set(HangupReason) else 3.0
        self._resting.setdefault(wish, {})[user] = now + rest

    def no_life(self, wish: str, user: str, now: float) -> None:
        """A seat's phone answered by itself, and nobody was there."""
        self._resting.setdefault(wish, {})[user] = now + NO_LIFE_REST_SECONDS

    def left(self, wish: str, user: str, joined_at: datetime, at: datetime, now: float) -> None:
        """A seat left a caller; if it was hasty, it rests, the longer the oftener."""
        if (at - joined_at).total_seconds() >= HASTY_SECONDS:
            self._hasty.pop((wish, user), None)
            return
        times = self._hasty.pop((wish, user), 0)
        self._hasty[wish, user] = times + 1
        if len(self._hasty) > _HASTY_REMEMBERED:
            del self._hasty[next(iter(self._hasty))]
        rest = HASTY_REST_SECONDS[min(times, len(HASTY_REST_SECONDS) - 1)]
        self._resting.setdefault(wish, {})[user] = now + rest
