"""Seats at work: makes the right phones ring.

Whoever has callers waiting registers a source of demands; `evaluate` compares what `desired` wants with what
rings and mends the difference. It is cheap and harmless to ask again, so everything just asks again.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.routing import facts as f
from callcenter.routing.acceptance import AUTO_ANSWER_HEADERS, Acceptance
from callcenter.routing.distribution import desired
from callcenter.routing.model import Demand, Target
from callcenter.routing.seats import Seats
from callcenter.routing.taking import Taking
from callcenter.telephony.events import HangupReason

DemandSource = Callable[[float], Iterable[Demand]]

PAUSE_SHARE = 3.0
"""How many times as long as it took the next decision is put off: deciding gets at most a quarter of the time."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.001, 0.05

PREEMPTED = "preempted"

TEST_TARGET = "Local/s@cc-test-seat/n"
"""Where the dialplan answers for the seat that is a machine."""


class Routing(Seats):
    """Every seat and who rings where."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        clock: Clock,
        acceptance: Acceptance,
        *,
        ring_seconds: int,
        wrap_up_seconds: float,
        rna_pause_seconds: float = 120.0,
        ready: Callable[[], bool] = lambda: True,
        test_seat: bool = False,
    ) -> None:
        """``ring_seconds``, ``wrap_up_seconds``: where a queue does not say otherwise. See `Seats`."""
        self.ring_seconds_of: Callable[[str], int] = lambda _: ring_seconds
        self.wrap_up_of: Callable[[str], float] = lambda _: wrap_up_seconds
        """By call id; the hotline puts those of the call's queue in their place."""
        super().__init__(
            ledger,
            calls,
            clock,
            wrap_up_seconds=lambda call_id: self.wrap_up_of(call_id),  # noqa: PLW0108 - it is replaced later
            rna_pause_seconds=rna_pause_seconds,
            test_seat=test_seat,
        )
        self._acceptance = acceptance
        self._ready = ready
        self._taking = Taking(calls, clock)
        self._sources: list[DemandSource] = []
        self.open_call: Callable[[str], Call | None] = lambda _: None
        """Makes the call of a demand that is none yet (a call-back), as soon as a seat is to ring for it."""
        self._scheduled = False
        self._not_before = 0.0
        """When (monotonic) the next decision may be made."""
        ledger.on_react(self._react)

    # --- who rings -----------------------------------------------------------------------------------------

    def add_source(self, source: DemandSource) -> None:
        """Register who has callers waiting; asked with the monotonic time at every evaluation."""
        self._sources.append(source)

    def poke(self) -> None:
        """Something changed: evaluate soon, once for all changes of this turn of the loop.

        At once, unless the last decision took long and is only just over. With hundreds who wait one takes
        milliseconds; one for each press, ring and answer would leave no time to answer the next caller (R21).
        """
        if not self._scheduled:
            self._scheduled = True
            pause = self._not_before - self._clock.monotonic()
            loop = asyncio.get_running_loop()
            if pause < SHORTEST_PAUSE:
                loop.call_soon(self._evaluate_scheduled)
            else:
                loop.call_later(min(pause, LONGEST_PAUSE), self._evaluate_scheduled)

    def _evaluate_scheduled(self) -> None:
        self._scheduled = False
        self.evaluate()

    def evaluate(self) -> None:
        """Make the seats ring that should, and stop those that should not; nothing while Asterisk is out of reach."""
        if not self._ready():
            return
        now = self._clock.monotonic()
        self._rests.forget(now)
        seats = [self._seats[user] for user in (*self._staffed, *self._test)]
        reachable = any(seat.registered for seat in seats)
        demands = [demand for source in self._sources for demand in source(now)] if reachable else []
        late: set[str] = set()
        wanted: dict[str, str] = {}
        if demands:  # mostly nobody waits, and with many seats the rest would cost more than all else of a call
            if self._acceptance.any_unproved:
                demands = [self._seen(demand) for demand in demands]
            late = {user for user in self._legs if self._came_second(user)}
            free = [replace(seat, talking_on=None) if seat.user in late else seat for seat in seats]
            wanted = desired(demands, free, now)
            decided = self._clock.monotonic()
            self._not_before = decided + min(PAUSE_SHARE * (decided - now), LONGEST_PAUSE)
        for user, (call_id, leg) in list(self._legs.items()):
            # Whoever was sent to a seat on purpose rings on, unless an emergency wants the seat.
            meant = wanted.get(user, call_id if leg.wish_id else None)
            rings_in_vain = not self._seats[user].talking_on and meant != call_id
            if rings_in_vain or (user in late and user in wanted):
                self._calls.hang_up(leg, HangupReason.CANCELLED)
        for user, call_id in wanted.items():
            if (spy := self.spy_of(user)) is not None and spy.live:
                # It has one phone: that rings for her as soon as it listens to nobody.
                self._calls.hang_up(spy, why=PREEMPTED)
            elif user not in self._legs:
                call = self._calls.find(call_id) or self.open_call(call_id)
                if call is not None and call.open:
                    self._ring(user, call)
        if any(Target.BUSY in demand.targets for demand in demands):
            found = ((user, *self.leg_of(user)) for user in self._legs)
            legs = [(user, call, leg) for user, call, leg in found if call is not None and leg is not None]
            self._taking.take(demands, legs, now)

    def _seen(self, demand: Demand) -> Demand:
        """A demand with what only the rooms tell: whether a phone that answered by itself is with her."""
        call = self._calls.find(demand.call_id) if demand.ring_all else None
        if call is None or not self._acceptance.unproved(call):
            return demand
        return replace(demand, unproved=True)

    def _came_second(self, user: str) -> bool:
        """Whether a seat picked up a moment after another: it hears so for seconds, and is free for whoever waits."""
        call, leg = self.leg_of(user)
        if call is None or leg is None or leg.in_room:
            return False
        came = (not leg.wish_id and call.staffed) or (leg.auto and self._acceptance.unproved(call))
        return self._calls.leaving(leg) or (came and leg.answered_at is not None and leg.joined_at is None)

    def _ring(self, user: str, call: Call) -> None:
        auto = call.line == Line.EMERGENCY and self._seats[user].answers_alone(self._clock.monotonic())
        self._calls.dial(
            call,
            Role.SEAT,
            user,
            TEST_TARGET if user in self._test else f"PJSIP/{self._seats[user].endpoint}",
            actor="system",
            context="cc-seat",
            ring_seconds=self.ring_seconds_of(call.id),
            caller_number=call.caller,
            caller_name=f"回拨 {call.elder_name}".strip() if call.via == cf.QUEUE_CALLBACK else call.elder_name,
            auto=auto,
            headers=AUTO_ANSWER_HEADERS if auto else {},
        )
        if call.routine:
            self._ledger.record(f.HotlineOffered(seat=user), actor="system", call_id=call.id)

    def _react(self, fact: Fact) -> None:
        if isinstance(
            fact.body,
            (
                f.SeatDeclared,
                f.SeatPhone,
                f.SeatPage,
                f.SeatWrapUp,
                cf.LegAnswered,
                cf.LegJoined,
                cf.LegAccepted,
                cf.LegLeft,
                cf.LegEnded,
                cf.CallEnded,
                cf.CallOpened,
                cf.LineChanged,
            ),
        ):
            self.poke()
