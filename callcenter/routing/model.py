"""Seats and distribution as pure functions: who may ring for what, and how waiting calls share the seats.

Nothing here waits or acts. `desired` says which seat should be ringing for which call right now; the service
compares that with what rings and mends the difference, so it may be asked as often as one likes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class SeatState(StrEnum):
    """A seat's state, derived from facts (B7)."""

    OFFLINE = "offline"
    PAUSED = "paused"
    WRAP_UP = "wrap_up"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class Seat:
    """What is known of a seat.

    ``ringing_for``/``talking_on``: call ids. ``idle_since`` and ``wrap_up_until``: monotonic seconds.
    """

    user: str
    role: str = "operator"
    declared: str = "ready"
    reason: str = ""
    registered: bool = False
    ringing_for: str | None = None
    talking_on: str | None = None
    idle_since: float = 0.0
    wrap_up_until: float = 0.0

    def state(self, now: float) -> SeatState:
        """The state at monotonic time ``now``."""
        if self.talking_on is not None:
            return SeatState.TALKING
        if not self.registered:
            return SeatState.OFFLINE
        if self.ringing_for is not None:
            return SeatState.RINGING
        if self.declared == SeatState.PAUSED:
            return SeatState.PAUSED
        if now < self.wrap_up_until:
            return SeatState.WRAP_UP
        return SeatState.READY


class Target(StrEnum):
    """Groups of seats a demand may ask for; the names a response plan uses."""

    FREE = "free_seats"
    PAUSED = "paused_seats"
    WRAP_UP = "wrap_up_seats"
    SUPERVISORS = "supervisors"


@dataclass(frozen=True, slots=True)
class Demand:
    """A call that wants a human.

    ``ring_all``: an emergency rings every seat it may; a hotline call rings the one longest idle.
    ``priority``: higher first; ``since``: monotonic seconds, older first. ``resting``: seats that just let it
    ring out, or refused, until when they are left alone.
    """

    call_id: str
    targets: frozenset[str]
    ring_all: bool
    priority: int
    since: float
    resting: Mapping[str, float] = field(default_factory=dict)


def eligible(seat: Seat, demand: Demand, now: float) -> bool:
    """Whether ``seat`` may ring for ``demand`` at ``now``."""
    if not seat.registered or seat.talking_on is not None or demand.resting.get(seat.user, 0.0) > now:
        return False
    if seat.role == "supervisor":
        return Target.SUPERVISORS in demand.targets
    if seat.declared == SeatState.PAUSED:
        return Target.PAUSED in demand.targets
    if now < seat.wrap_up_until:
        return Target.WRAP_UP in demand.targets
    return Target.FREE in demand.targets


def desired(demands: Sequence[Demand], seats: Sequence[Seat], now: float) -> dict[str, str]:
    """Which call each seat should be ringing for: seat user → call id.

    Emergencies come first and share all seats they may ring evenly, so that with as many seats as waiting
    elders each has at least one; a seat keeps what it rings for unless the balance needs it elsewhere (A9).
    What is left goes to the hotline: first come, longest idle seat.
    """
    wanted: dict[str, str] = {}
    urgent = sorted((d for d in demands if d.ring_all), key=lambda d: (-d.priority, d.since))
    _share(urgent, seats, now, wanted)
    free = [seat for seat in seats if seat.user not in wanted]
    for demand in sorted((d for d in demands if not d.ring_all), key=lambda d: (-d.priority, d.since)):
        candidates = [seat for seat in free if eligible(seat, demand, now)]
        if not candidates:
            continue
        seat = next(
            (s for s in candidates if s.ringing_for == demand.call_id),
            min(
                (s for s in candidates if s.ringing_for is None or s.ringing_for not in {d.call_id for d in demands}),
                key=lambda s: (s.idle_since, s.user),
                default=None,
            ),
        )
        if seat is not None:
            wanted[seat.user] = demand.call_id
            free.remove(seat)
    return wanted


def _share(urgent: Sequence[Demand], seats: Sequence[Seat], now: float, wanted: dict[str, str]) -> None:
    """Deal seats to emergencies evenly, the most urgent first in every round, present ringing kept."""
    if not urgent:
        return
    open_to = {
        seat.user: [d.call_id for d in urgent if eligible(seat, d, now)]
        for seat in sorted(seats, key=lambda s: (s.idle_since, s.user))
    }
    left = {user: calls for user, calls in open_to.items() if calls}
    ringing_for = {seat.user: seat.ringing_for for seat in seats}
    while left:
        before = len(left)
        for demand in urgent:
            mine = [user for user, calls in left.items() if demand.call_id in calls]
            if not mine:
                continue
            kept = next((user for user in mine if ringing_for[user] == demand.call_id), None)
            # A seat that rings for another waiting elder is taken from her only when no idle one is left.
            idle = next((user for user in mine if ringing_for[user] not in {d.call_id for d in urgent}), None)
            user = kept or idle or mine[0]
            wanted[user] = demand.call_id
            del left[user]
        if len(left) == before:
            return
