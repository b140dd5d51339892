"""How emergencies share the seats: pure. Every elder in need has a seat before one of them has two (A9)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from callcenter.routing.model import Demand, Seat, eligible


def who_may(demands: Sequence[Demand], seats: Sequence[Seat], now: float) -> dict[str, Sequence[str]]:
    """Call → the seats that may ring for it, longest idle first.

    Demands that differ in nothing but in who rests are asked for together: many press at once, with the same plan.
    """
    alike: dict[tuple[object, ...], Sequence[str]] = {}
    may: dict[str, Sequence[str]] = {}
    for demand in demands:
        own = demand.seat if demand.only else ""
        kind = (demand.targets, own, demand.unproved, demand.ring_all, demand.skill, demand.min_level)
        if kind not in alike:
            rested = replace(demand, resting={})
            alike[kind] = [seat.user for seat in seats if eligible(seat, rested, now)]
        resting = demand.resting
        users = alike[kind]
        may[demand.call_id] = [user for user in users if resting.get(user, 0.0) <= now] if resting else users
    return may


def everybody_of(may: Mapping[str, Sequence[str]]) -> set[str]:
    """All seats that may ring for anybody."""
    return set().union(*{id(users): users for users in may.values()}.values())


def share(urgent: Sequence[Demand], seats: Sequence[Seat], now: float) -> dict[str, str]:
    """Deal seats, longest idle first, to emergencies, most urgent first, moving as few phones as possible."""
    may = who_may(urgent, seats, now)
    everybody = everybody_of(may)
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
