"""Seats at work: keeps every seat's state from facts, and makes the right phones ring.

Whoever has callers waiting registers a source of demands; `evaluate` compares what `desired` wants with what
rings and mends the difference. It is cheap and harmless to ask again, so everything just asks again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Leg, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.errors import InvalidInput, NotFound
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.routing import facts as f
from callcenter.routing.acceptance import ALREADY_ANSWERED, AUTO_ANSWER_HEADERS, Acceptance
from callcenter.routing.model import TEST_ROLE, Demand, Seat, SeatState, Target, desired
from callcenter.routing.preemption import AGAIN_SECONDS, Talk, choose
from callcenter.telephony.events import HangupReason, PhoneStatus

log = structlog.get_logger(__name__)

DemandSource = Callable[[float], Iterable[Demand]]

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

PAUSE_SHARE = 3.0
"""How many times as long as it took the next decision is put off: deciding gets at most a quarter of the time."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.001, 0.05


TEST_SEAT = "synthetic"
"""The user name of the seat that is a machine, and where the dialplan answers for it."""
TEST_TARGET = "Local/s@cc-test-seat/n"


ALONE_SECONDS = 10.0
"""How long an operator who is alone in an elder's room is left there before another elder may have him."""


class SeatAccount(Protocol):
    """What routing needs of an account that has a phone."""

    @property
    def user(self) -> str: ...

    @property
    def role(self) -> str: ...

    @property
    def auto_answer(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Reachable:
    """How many seats there are for an emergency right now (R11)."""

    seats: int
    registered: int
    free: int
    busy: int


class Routing:
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
        ready: Callable[[], bool] = lambda: True,
        test_seat: bool = False,
    ) -> None:
        """``test_seat``: whether there is a machine that answers synthetic presses."""
        self._ledger = ledger
        self._calls = calls
        self._clock = clock
        self._acceptance = acceptance
        self._ring_seconds = ring_seconds
        self._wrap_up_seconds = wrap_up_seconds
        self._ready = ready
        self._seats: dict[str, Seat] = {}
        self._legs: dict[str, tuple[str, Leg]] = {}
        self._staffed: tuple[str, ...] = ()
        self._resting: dict[str, dict[str, float]] = {}
        self._hasty: dict[tuple[str, str], int] = {}
        self._taken: dict[str, float] = {}
        """Wish → when (monotonic) an operator was last taken from a routine call for it."""
        self._sources: list[DemandSource] = []
        self._scheduled = False
        self._not_before = 0.0
        """When (monotonic) the next decision may be made."""
        self._test = (TEST_SEAT,) if test_seat else ()
        for user in self._test:
            self._seats[user] = Seat(user=user, role=TEST_ROLE, registered=True)
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    # --- seats ---------------------------------------------------------------------------------------------

    def staff(self, accounts: Iterable[SeatAccount]) -> None:
        """Say which seats exist; a seat that is gone keeps its call and takes no new one."""
        known = {account.user: account for account in accounts if account.role in ("operator", "supervisor")}
        known.pop(TEST_SEAT, None)
        for user, account in known.items():
            seat = self._seats.get(user, Seat(user=user))
            self._seats[user] = replace(seat, role=account.role, auto_answer=account.auto_answer)
        self._staffed = tuple(sorted(known))

    def seats(self) -> list[Seat]:
        """Every seat there is, by user name; never the test seat."""
        return [self._seats[user] for user in self._staffed]

    def seat(self, user: str) -> Seat:
        """One seat; raises `NotFound`."""
        if user not in self._staffed:
            raise NotFound(f"{user} has no seat; ask an administrator to give the account one")
        return self._seats[user]

    def has_phone(self, user: str) -> bool:
        """Whether a seat is there to be rung: it exists and its phone is on."""
        return user in self._staffed and self._seats[user].registered

    def reachable(self) -> Reachable:
        """How many seats there are, have a phone on, are free, and are talking."""
        seats = self.seats()
        states = Counter(self.state_of(seat) for seat in seats)
        return Reachable(
            seats=len(seats),
            registered=sum(seat.registered for seat in seats),
            free=states[SeatState.READY],
            busy=states[SeatState.TALKING],
        )

    def state_of(self, seat: Seat) -> SeatState:
        """A seat's state now."""
        return seat.state(self._clock.monotonic())

    def declare(self, user: str, state: str, reason: str, actor: str) -> Seat:
        """An operator says ``ready`` or ``paused``; raises `InvalidInput` for anything else."""
        if state not in (SeatState.READY, SeatState.PAUSED):
            raise InvalidInput(f"a seat can be set to ready or paused, not to {state!r}")
        self.seat(user)
        self._ledger.record(f.SeatDeclared(seat=user, state=state, reason=reason), actor=actor)
        return self.seat(user)

    def phone(self, event: PhoneStatus) -> None:
        """A phone registered or went away."""
        seat = self._seats.get(event.endpoint)
        if seat is not None and seat.role != TEST_ROLE and seat.registered != event.registered:
            self._ledger.record(f.SeatPhone(seat=seat.user, registered=event.registered), actor="pbx")

    def reconcile_phones(self, registered: frozenset[str]) -> None:
        """Bring every seat in line with the phones registered right now."""
        for user in self._seats.keys() - set(self._test):
            self.phone(PhoneStatus(user, user in registered))

    # --- who rings -----------------------------------------------------------------------------------------

    def add_source(self, source: DemandSource) -> None:
        """Register who has callers waiting; asked with the monotonic time at every evaluation."""
        self._sources.append(source)

    def resting(self, wish: str) -> dict[str, float]:
        """Seats that did not take a caller, until when (monotonic) they are left alone by her.

        ``wish``: the incident's id, or the call's for the hotline. An incident outlives its calls, and a seat
        that refused one of them must not be rung for the next at once, and again, and again.
        """
        return self._resting.get(wish, {})

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
        self._resting = {
            wish: left
            for wish, seats in self._resting.items()
            if (left := {user: until for user, until in seats.items() if until > now})
        }
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
            rings_in_vain = not self._seats[user].talking_on and wanted.get(user) != call_id
            if rings_in_vain or (user in late and user in wanted):
                self._calls.hang_up(leg, HangupReason.CANCELLED)
        for user, call_id in wanted.items():
            call = self._calls.find(call_id)
            if user not in self._legs and call is not None and call.open:
                self._ring(user, call)
        if any(Target.BUSY in demand.targets for demand in demands):
            self._take_busy(demands, now)

    def _seen(self, demand: Demand) -> Demand:
        """A demand with what only the rooms tell: whether a phone that answered by itself is with her."""
        call = self._calls.find(demand.call_id) if demand.ring_all else None
        if call is None or not self._acceptance.unproved(call):
            return demand
        return replace(demand, unproved=True)

    def _take_busy(self, demands: Sequence[Demand], now: float) -> None:
        """Take operators from routine calls for emergencies that nobody has picked up (A9)."""
        talks: list[Talk] = []
        on_the_way: set[str] = set()
        for user, (call_id, _) in self._legs.items():
            call, leg = self._leg_of(user)
            if call is None or leg is None or self._calls.leaving(leg):
                continue
            routine = call.line == Line.HOTLINE or self._waits_alone(call, leg)
            if leg.in_room and leg.joined_at is not None and routine:
                talks.append(Talk(user, leg.joined_at))
            elif leg.answered_at is not None and leg.joined_at is None:
                on_the_way.add(call_id)
        if not talks:
            return
        self._taken = {wish: at for wish, at in self._taken.items() if now - at < AGAIN_SECONDS}
        wishes = {demand.call_id: self._wish(demand.call_id) for demand in demands}
        taken_at = {call_id: self._taken[wish] for call_id, wish in wishes.items() if wish in self._taken}
        for user, call_id in choose(demands, talks, taken_at, on_the_way, now).items():
            source, leg = self._leg_of(user)
            to = self._calls.find(call_id)
            if source is not None and leg is not None and to is not None and to.open:
                self._taken[wishes[call_id]] = now
                log.info("seat_taken", leg_id=leg.id, call_id=source.id, for_call=call_id)
                held = [f.HotlineHeld(seat=user)] if source.line == Line.HOTLINE else []
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

    def _leg_of(self, user: str) -> tuple[Call | None, Leg | None]:
        """A seat's call and its leg there, as they are now."""
        call_id, held = self._legs[user]
        call = self._calls.find(call_id)
        return call, call.legs.get(held.id) if call is not None else None

    def _came_second(self, user: str) -> bool:
        """Whether a seat picked up a moment after another: it hears so for seconds, and is free for whoever waits."""
        call, leg = self._leg_of(user)
        if call is None or leg is None or leg.in_room:
            return False
        came = call.staffed or (leg.auto and self._acceptance.unproved(call))
        return self._calls.leaving(leg) or (came and leg.answered_at is not None and leg.joined_at is None)

    def _ring(self, user: str, call: Call) -> None:
        auto = call.line == Line.EMERGENCY and self._seats[user].answers_alone(self._clock.monotonic())
        self._calls.dial(
            call,
            Role.SEAT,
            user,
            TEST_TARGET if user in self._test else f"PJSIP/{user}",
            actor="system",
            context="cc-seat",
            ring_seconds=self._ring_seconds,
            caller_number=call.caller,
            caller_name=call.elder_name,
            auto=auto,
            headers=AUTO_ANSWER_HEADERS if auto else {},
        )
        if call.line == Line.HOTLINE:
            self._ledger.record(f.HotlineOffered(seat=user), actor="system", call_id=call.id)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        match fact.body:
            case f.SeatDeclared(seat=user, state=state, reason=reason):
                self._change(user, declared=state, reason=reason, idle_since=self._clock.monotonic())
            case f.SeatPhone(seat=user, registered=registered):
                self._change(user, registered=registered, idle_since=self._clock.monotonic())
            case cf.LegAdded(role=Role.SEAT, number=user, leg_id=leg_id) if fact.call_id is not None:
                call = self._calls.find(fact.call_id)
                if call is not None and leg_id in call.legs:
                    self._legs[user] = (fact.call_id, call.legs[leg_id])
                    self._change(user, ringing_for=fact.call_id)
            case cf.LegAnswered(role=Role.SEAT, leg_id=leg_id) | cf.LegJoined(role=Role.SEAT, leg_id=leg_id) if (
                talker := self._user_of(leg_id)
            ) is not None:
                # From picking up, not only from the room: nothing may pull the operator away in between.
                self._change(talker, ringing_for=None, talking_on=fact.call_id)
            case cf.LegEnded(role=Role.SEAT, leg_id=leg_id) if (leaver := self._user_of(leg_id)) is not None:
                self._seat_leg_ended(leaver, leg_id, fact)
            case _:
                pass

    def _seat_leg_ended(self, user: str, leg_id: str, fact: Fact) -> None:
        now = self._clock.monotonic()
        del self._legs[user]
        call = self._calls.find(fact.call_id or "")
        leg = call.legs.get(leg_id) if call is not None else None
        reason = leg.reason if leg is not None else ""
        if reason in ("preempted", ALREADY_ANSWERED):
            self._change(user, talking_on=None, ringing_for=None)
            return
        if call is None or leg is None or leg.joined_at is None:
            if reason != HangupReason.CANCELLED:
                rest = REST_SECONDS.get(HangupReason(reason), 3.0) if reason in set(HangupReason) else 3.0
                self._resting.setdefault(fact.incident_id or fact.call_id or "", {})[user] = now + rest
            self._change(user, talking_on=None, ringing_for=None)
            return
        if leg.accepted_at is None:
            self._resting.setdefault(self._wish(call.id), {})[user] = now + NO_LIFE_REST_SECONDS
        else:
            self._rest_if_hasty(user, fact, leg.joined_at)
        wrap_up = now + self._wrap_up_seconds if call.line == Line.HOTLINE else 0.0
        self._change(user, talking_on=None, ringing_for=None, idle_since=now, wrap_up_until=wrap_up)

    def _rest_if_hasty(self, user: str, fact: Fact, joined_at: datetime) -> None:
        wish = fact.incident_id or fact.call_id or ""
        if (fact.at - joined_at).total_seconds() >= HASTY_SECONDS:
            self._hasty.pop((wish, user), None)
            return
        times = self._hasty.pop((wish, user), 0)
        self._hasty[wish, user] = times + 1
        if len(self._hasty) > _HASTY_REMEMBERED:
            del self._hasty[next(iter(self._hasty))]
        rest = HASTY_REST_SECONDS[min(times, len(HASTY_REST_SECONDS) - 1)]
        self._resting.setdefault(wish, {})[user] = self._clock.monotonic() + rest

    def _user_of(self, leg_id: str) -> str | None:
        return next((user for user, (_, leg) in self._legs.items() if leg.id == leg_id), None)

    def _change(self, user: str, **changes: object) -> None:
        seat = self._seats.get(user, Seat(user=user))
        self._seats[user] = replace(seat, **changes)  # type: ignore[arg-type]

    def _react(self, fact: Fact) -> None:
        if isinstance(
            fact.body,
            (
                f.SeatDeclared,
                f.SeatPhone,
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
