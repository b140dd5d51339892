"""Distribution as a pure function: which seat should be ringing for which call right now.

Nothing here waits or acts; time is an argument. The service compares the answer with what rings and mends the
difference, so it may be asked as often as one likes; a simulation asks it with a clock of its own.
"""

from collections.abc import Iterable, Mapping, Sequence

from callcenter.routing.model import Demand, Seat, SeatState
from callcenter.routing.sharing import share, who_may


def desired(demands: Sequence[Demand], seats: Sequence[Seat], now: float) -> dict[str, str]:
    """Which call each seat should be ringing for: seat user → call id. ``now`` in monotonic seconds.

    Emergencies come first and share all seats they may ring evenly, so that with as many seats as waiting
    elders each has at least one; a seat keeps what it rings for unless the balance needs it elsewhere (A9). A seat that
    an elder for whom no other rings leaves alone for a moment is kept for her: a routine caller would have it for
    minutes (`Demand.keeps`).

    What is left goes to the hotline, one seat a caller, in the order of `Demand.rank`. A caller keeps the phone that
    rings for her. Else, of the seats that may ring for her (skill and level at least as asked), she has the first by:
    the one that had her before an emergency took it; the operator she spoke with last; a seat of her area, when she
    has one; the better level; the longest idle; the name. While `Demand.prefer_until` lasts and her last operator is
    there (phone on, not paused, able), she waits for that one alone. A caller who finds nothing free takes an idle
    seat from one before her whenever that one can have another: nobody waits while the seats would do for both.

    Asked again with its own answer ringing, it answers the same.
    """
    # Mostly nearly all are talking; with hundreds of callers waiting it counts not to ask of each for each.
    up = [seat for seat in seats if seat.registered and seat.talking_on is None]
    order = sorted(up, key=lambda seat: (seat.idle_since, seat.user))
    wanted = share(sorted((d for d in demands if d.ring_all), key=_urgency), order, now)
    rung_for = set(wanted.values())
    without = [demand for demand in demands if demand.keeps and demand.call_id not in rung_for]
    kept = {user for demand in without for user, until in demand.resting.items() if until > now}
    left = [seat for seat in order if seat.user not in wanted and seat.user not in kept]
    if left:
        picked_up = {seat.talking_on for seat in seats}
        calm = [demand for demand in demands if not demand.ring_all and demand.call_id not in picked_up]
        calm.sort(key=lambda demand: demand.rank(now))
        wanted |= _serve(calm, left, {seat.user: seat for seat in seats}, now)
    return wanted


def _urgency(demand: Demand) -> tuple[int, float]:
    return -demand.priority, demand.since


def _serve(calm: Sequence[Demand], left: Sequence[Seat], everybody: Mapping[str, Seat], now: float) -> dict[str, str]:
    """One seat each for as many callers as can have one, the first before the later."""
    may = who_may(calm, left, now)
    asked_for = {demand.call_id for demand in calm}
    rings_at: dict[str, list[str]] = {}
    for seat in left:
        if seat.ringing_for in asked_for:
            rings_at.setdefault(seat.ringing_for or "", []).append(seat.user)
    idle = {seat.user: number for number, seat in enumerate(left) if seat.ringing_for not in asked_for}
    wanted: dict[str, str] = {}
    match = _Matching(may, idle, everybody)
    for demand in calm:
        if len(match.holder) == len(idle) and not rings_at:
            break
        kept = [user for user in rings_at.pop(demand.call_id, ()) if user in may[demand.call_id]]
        if kept:
            wanted[kept[0]] = demand.call_id
        elif len(match.holder) < len(idle):
            match.seat(demand, now)
    return wanted | {user: demand.call_id for user, demand in match.holder.items()}


class _Matching:
    """Callers and idle seats, by Kuhn's augmenting paths: whoever has a seat keeps one."""

    def __init__(
        self, may: Mapping[str, Sequence[str]], idle: Mapping[str, int], everybody: Mapping[str, Seat]
    ) -> None:
        """``may``: call → seats; ``idle``: seat → its place by idle time; ``everybody``: all seats."""
        self._may = may
        self._idle = idle
        self._everybody = everybody
        self._hopeless: set[str] = set()
        """Seats that a search in vain has come by: no later one can free them either."""
        self.holder: dict[str, Demand] = {}

    def seat(self, demand: Demand, now: float) -> bool:
        """Give the caller a seat, moving those before her if need be; whether she has one."""
        tried: set[str] = set()
        found = self._seat(demand, tried, now)
        if not found:
            self._hopeless |= tried
        return found

    def _seat(self, demand: Demand, tried: set[str], now: float) -> bool:
        mine = [user for user in self._open_to(demand, now) if user not in tried and user not in self._hopeless]
        if not mine:
            return False
        mine.sort(key=lambda user: self._preference(demand, self._everybody[user]))
        for user in mine:
            if user not in self.holder:
                self.holder[user] = demand
                return True
        for user in mine:
            if user not in tried:
                tried.add(user)
                if self._seat(self.holder[user], tried, now):
                    self.holder[user] = demand
                    return True
        return False

    def _open_to(self, demand: Demand, now: float) -> Iterable[str]:
        users = (user for user in self._may[demand.call_id] if user in self._idle)
        if now < demand.prefer_until and self._is_there(demand, now):
            return [user for user in users if user == demand.prefer]
        return users

    def _is_there(self, demand: Demand, now: float) -> bool:
        own = self._everybody.get(demand.prefer)
        return (
            own is not None
            and own.registered
            and own.declared != SeatState.PAUSED
            and own.role == "operator"
            and own.level(demand.skill) >= demand.min_level
            and demand.resting.get(own.user, 0.0) <= now
        )

    def _preference(self, demand: Demand, seat: Seat) -> tuple[bool, bool, bool, int, int]:
        return (
            seat.user != demand.seat,
            seat.user != demand.prefer,
            bool(demand.area) and seat.area != demand.area,
            -seat.level(demand.skill),
            self._idle[seat.user],
        )
