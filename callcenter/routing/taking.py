"""Takes operators from routine calls for emergencies that nobody has picked up (A9), by the choice of `preemption`."""

from collections.abc import Sequence

import structlog

from callcenter.calls.model import Call, Leg
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.routing import facts as f
from callcenter.routing.model import Demand
from callcenter.routing.preemption import AGAIN_SECONDS, Talk, choose

log = structlog.get_logger(__name__)

ALONE_SECONDS = 10.0
"""How long an operator who is alone in an elder's room is left there before another elder may have him."""


class Taking:
    """Who was taken for whom, lately."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._taken: dict[str, float] = {}
        """Wish → when (monotonic) an operator was last taken from a routine call for it."""

    def take(self, demands: Sequence[Demand], legs: Sequence[tuple[str, Call, Leg]], now: float) -> None:
        """Move as many operators as `preemption.choose` says. ``legs``: every seat's user, call and leg."""
        talks: list[Talk] = []
        on_the_way: set[str] = set()
        for user, call, leg in legs:
            if self._calls.leaving(leg):
                continue
            routine = call.routine or self._waits_alone(call, leg)
            if leg.in_room and leg.joined_at is not None and routine:
                talks.append(Talk(user, leg.joined_at))
            elif leg.answered_at is not None and leg.joined_at is None:
                on_the_way.add(call.id)
        if not talks:
            return
        self._taken = {wish: at for wish, at in self._taken.items() if now - at < AGAIN_SECONDS}
        wishes = {demand.call_id: self._wish(demand.call_id) for demand in demands}
        taken_at = {call_id: self._taken[wish] for call_id, wish in wishes.items() if wish in self._taken}
        there = {user: (call, leg) for user, call, leg in legs}
        for user, call_id in choose(demands, talks, taken_at, on_the_way, now).items():
            source, leg = there[user]
            to = self._calls.find(call_id)
            if to is not None and to.open:
                self._taken[wishes[call_id]] = now
                log.info("seat_taken", leg_id=leg.id, call_id=source.id, for_call=call_id)
                alone = source.routine and not source.staffed_without(leg.id)
                held = [f.HotlineHeld(seat=user)] if alone else []
                self._calls.move(leg, source, to, also=held, actor="system")

    def _waits_alone(self, call: Call, leg: Leg) -> bool:
        """Whether an operator has been alone in an elder's room for a while: her line dropped."""
        if (self._clock.now() - (leg.joined_at or leg.added_at or self._clock.now())).total_seconds() < ALONE_SECONDS:
            return False
        rooms = [other for other in self._calls.open_calls() if other.room == call.room]
        return sum(one.in_room for other in rooms for one in other.live_legs) == 1

    def _wish(self, call_id: str) -> str:
        call = self._calls.find(call_id)
        return (call.incident_id if call is not None else None) or call_id
