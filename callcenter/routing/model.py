"""Seats and distribution as pure functions: who may ring for what, and how waiting calls share the seats.

Nothing here waits or acts. `desired` says which seat should be ringing for which call right now; the service
compares that with what rings and mends the difference, so it may be asked as often as one likes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    ``auto_answer``: its phone picks up an emergency by itself when told to.
    """

    user: str
    role: str = "operator"
    declared: str = "ready"
    reason: str = ""
    registered: bool = False
    auto_answer: bool = False
    ringing_for: str | None = None
    talking_on: str | None = None
    idle_since: float = 0.0
    wrap_up_until: float = 0.0

    def answers_alone(self, now: float) -> bool:
        """Whether it is told to pick up an emergency by itself at ``now``: only while somebody should sit there."""
        return self.auto_answer and self.declared != SeatState.PAUSED and now >= self.wrap_up_until

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


TEST_ROLE = "test"
"""The role of the seat that is a machine: it answers synthetic presses and nobody else's."""


class Target(StrEnum):
    """Groups of seats a demand may ask for; the names a response plan uses.

    A demand for the test seat rings nothing else, whatever else it names: a synthetic press disturbs nobody.
    """

    FREE = "free_seats"
    PAUSED = "paused_seats"
    WRAP_UP = "wrap_up_seats"
    BUSY = "busy_seats"
    SUPERVISORS = "supervisors"
    TEST = "test_seat"


@dataclass(frozen=True, slots=True)
class Demand:
    """A call that wants a human.

    ``ring_all``: an emergency rings every seat it may; a hotline call rings the one longest idle.
    ``priority``: higher first; ``since``: monotonic seconds, older first. ``resting``: seats that just let it
    ring out, or refused, until when they are left alone. ``seat``: who had the caller before and should have her
    again; ``only``: nobody else may. ``unproved``: a phone that answered by itself is with her and has not shown life,
    so that no other such phone may answer (R12).
    """

    call_id: str
    targets: frozenset[str]
    ring_all: bool
    priority: int
    since: float
    resting: Mapping[str, float] = field(default_factory=dict)
    seat: str = ""
    only: bool = False
    unproved: bool = False


def eligible(seat: Seat, demand: Demand, now: float) -> bool:
    """Whether ``seat`` may ring for ``demand`` at ``now``."""
    if not seat.registered or seat.talking_on is not None or demand.resting.get(seat.user, 0.0) > now:
        return False
    if seat.role == TEST_ROLE or Target.TEST in demand.targets:
        return seat.role == TEST_ROLE and Target.TEST in demand.targets
    if (demand.only and seat.user != demand.seat) or (demand.unproved and seat.answers_alone(now)):
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
    What is left goes to the hotline: who was put on hold for an emergency first, to the seat she had; then first
    come, longest idle seat. Asked again with its own answer ringing,
    it answers the same.
    """
    # Mostly nearly all are talking; with hundreds of callers waiting it counts not to ask of each for each.
    seats_up = [seat for seat in seats if seat.registered and seat.talking_on is None]
    order = sorted(seats_up, key=lambda seat: (seat.idle_since, seat.user))
    wanted = _share(sorted((d for d in demands if d.ring_all), key=_urgency), order, now)
    asked_for = {demand.call_id for demand in demands if not demand.ring_all}
    picked_up = {seat.talking_on for seat in seats}
    ringing = {seat.user: seat.ringing_for for seat in order}
    calm = sorted((d for d in demands if not d.ring_all and d.call_id not in picked_up), key=_urgency)
    may = _who_may(calm, order, now)
    left = _everybody(may) - wanted.keys()
    for demand in calm:
        if not left:
            break
        open_to = [user for user in may[demand.call_id] if user in left]
        kept = [user for user in open_to if ringing[user] == demand.call_id]
        idle = [user for user in open_to if ringing[user] not in asked_for]
        before = [user for user in idle if user == demand.seat]
        for user in (kept or before or idle)[:1]:
            wanted[user] = demand.call_id
            left.discard(user)
    return wanted


def _urgency(demand: Demand) -> tuple[int, float]:
    return -demand.priority, demand.since


def _who_may(demands: Sequence[Demand], seats: Sequence[Seat], now: float) -> dict[str, Sequence[str]]:
    """Call → the seats that may ring for it, longest idle first.

    Demands that differ in nothing but in who rests are asked for together: many press at once, with the same plan.
    """
    alike: dict[tuple[object, ...], Sequence[str]] = {}
    may: dict[str, Sequence[str]] = {}
    for demand in demands:
        kind = (demand.targets, demand.seat, demand.only, demand.unproved)
        if kind not in alike:
            rested = replace(demand, resting={})
            alike[kind] = [seat.user for seat in seats if eligible(seat, rested, now)]
        resting = demand.resting
        users = alike[kind]
        may[demand.call_id] = [user for user in users if resting.get(user, 0.0) <= now] if resting else users
    return may


def _everybody(may: Mapping[str, Sequence[str]]) -> set[str]:
    """All seats that may ring for anybody."""
    return set().union(*{id(users): users for users in may.values()}.values())


def _share(urgent: Sequence[Demand], seats: Sequence[Seat], now: float) -> dict[str, str]:
    """Deal seats, longest idle first, to emergencies, most urgent first, moving as few phones as possible."""
    may = _who_may(urgent, seats, now)
    everybody = _everybody(may)
    ringing = {seat.user: seat.ringing_for for seat in seats}
    wanted = _one_each(may, len(everybody), ringing)
    if len(wanted) == len(everybody):
        return wanted
    open_to: dict[str, list[str]] = {seat.user: [] for seat in seats if seat.user in everybody}
    for call, users in may.items():
        for user in users:
            open_to[user].append(call)
    load = Counter(wanted.values())
    # The rest go on ringing where they ring; idle ones go where the fewest ring; then what is uneven is moved.
    for user, calls in sorted(open_to.items(), key=lambda item: ringing[item[0]] not in item[1]):
        if user not in wanted:
            present = ringing[user]
            wanted[user] = present if present in calls else min(calls, key=lambda call: load[call])
            load[wanted[user]] += 1
    while (move := _levelling(wanted, open_to, load)) is not None:
        user, call = move
        load[wanted[user]] -= 1
        load[call] += 1
        wanted[user] = call
    return wanted


def _one_each(may: Mapping[str, Sequence[str]], most: int, ringing: Mapping[str, str | None]) -> dict[str, str]:
    """One seat for as many calls as can have one, the first before the later (Kuhn's augmenting paths).

    ``may``: in order of urgency; ``most``: how many seats there are in all.
    """
    rank = {call: number for number, call in enumerate(may)}
    crowd = Counter(ringing.values())
    here: dict[str, list[str]] = {}
    for user, present in ringing.items():
        if present is not None:
            here.setdefault(present, []).append(user)
    holder: dict[str, str] = {}
    hopeless: set[str] = set()
    """Seats that a search in vain has come by: no later one can free them either."""

    def at_hand(call: str) -> str | None:
        """A seat that rings for the call already, else one that rings for nobody."""
        users = may[call]
        mine = [user for user in here.get(call, ()) if user not in holder and user in users]
        idle = (user for user in users if user not in holder and ringing[user] not in rank)
        return mine[0] if mine else next(idle, None)

    def preference(call: str, user: str) -> tuple[int, int]:
        present = ringing[user]
        if present == call:
            return 0, 0
        if present is None or present not in rank:
            return 1, 0
        # Taken from another waiting elder only for want of an idle one: from who has most, or is least urgent.
        return (2, 0) if crowd[present] > 1 else (3, -rank[present])

    def seat(call: str, tried: set[str]) -> bool:
        mine = [user for user in may[call] if user not in tried and user not in hopeless]
        mine.sort(key=lambda user: preference(call, user))
        for user in mine:
            if user not in holder:
                holder[user] = call
                return True
        for user in mine:
            if user not in tried:
                tried.add(user)
                if seat(holder[user], tried):
                    holder[user] = call
                    return True
        return False

    for call in may:
        if len(holder) == most:
            break
        ready = at_hand(call)
        if ready is not None:
            holder[ready] = call
            continue
        tried: set[str] = set()
        if not seat(call, tried):
            hopeless |= tried
    return holder


def _levelling(
    wanted: Mapping[str, str], open_to: Mapping[str, Sequence[str]], load: Mapping[str, int]
) -> tuple[str, str] | None:
    """A seat to move from a call with two more than another has to that other, or None when all is even."""
    for user, call in wanted.items():
        if load[call] < 2:
            continue
        least = min(open_to[user], key=lambda other: load[other])
        if load[call] - load[least] > 1:
            return user, least
    return None
