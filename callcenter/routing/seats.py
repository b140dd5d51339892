"""What every seat is doing: folded from facts, so that no seat can be stuck in a state (B7).

Talking, ringing and offline follow the phones; a pause ends by word or, when nobody asked for it, by its clock; wrap-up
ends by its clock.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Leg, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.errors import Conflict, InvalidInput, NotFound
from callcenter.facts import Body, Fact
from callcenter.ledger import Ledger
from callcenter.queues.model import Skills
from callcenter.routing import facts as f
from callcenter.routing.acceptance import ALREADY_ANSWERED
from callcenter.routing.model import NO_ANSWER, TEST_ROLE, Reachable, Seat, SeatAccount, SeatState
from callcenter.routing.rests import Rests
from callcenter.telephony.endpoints import is_web, seat_of, web_endpoint
from callcenter.telephony.events import HangupReason, PhoneStatus

TEST_SEAT = "synthetic"
"""The user name of the seat that is a machine."""

LONGEST_WRAP_UP = 600.0
"""However often it is extended, wrap-up ends so many seconds after the call."""


class Seats:
    """Every seat and what it does."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        clock: Clock,
        *,
        wrap_up_seconds: Callable[[str], float],
        rna_pause_seconds: float,
        test_seat: bool,
    ) -> None:
        """``wrap_up_seconds``: of the queue that a call was in. ``rna_pause_seconds``: how long a seat that let the
        hotline ring out is paused, 0: not at all. ``test_seat``: whether there is a machine for synthetic presses.
        """
        self._ledger = ledger
        self._calls = calls
        self._clock = clock
        self._wrap_up_of = wrap_up_seconds
        self._rna_pause = rna_pause_seconds
        self._rests = Rests()
        self._seats: dict[str, Seat] = {}
        self._legs: dict[str, tuple[str, Leg]] = {}
        self._spying: dict[str, tuple[str, str]] = {}
        """Supervisor → the call and the leg by which it listens to it or whispers."""
        self._left_at: dict[str, float] = {}
        """Seat → when (monotonic) the call ended that its wrap-up belongs to."""
        self._staffed: tuple[str, ...] = ()
        self._skills: Mapping[str, Skills] = {}
        self._test = (TEST_SEAT,) if test_seat else ()
        for user in self._test:
            self._seats[user] = Seat(user=user, role=TEST_ROLE, registered=True)
        ledger.on_apply(self._apply)
        ledger.on_react(self._pause_who_did_not_answer)

    # --- what is known -------------------------------------------------------------------------------------

    def staff(self, accounts: Iterable[SeatAccount]) -> None:
        """Say which seats exist; a seat that is gone keeps its call and takes no new one."""
        known = {account.user: account for account in accounts if account.role in ("operator", "supervisor")}
        known.pop(TEST_SEAT, None)
        for user, account in known.items():
            seat = self._seats.get(user, Seat(user=user))
            self._seats[user] = replace(
                seat, role=account.role, auto_answer=account.auto_answer, phone_word=account.phone_word
            )
        self._staffed = tuple(sorted(known))
        self.skilled(self._skills)

    def skilled(self, skills: Mapping[str, Skills]) -> None:
        """Say what the seats know and whose elders they serve first; who is not named knows nothing in particular."""
        self._skills = skills
        for user, seat in self._seats.items():
            own = skills.get(user) or Skills(user)
            self._seats[user] = replace(seat, skills=own.levels, area=own.area)

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
            busy=states[SeatState.TALKING] + states[SeatState.MONITORING],
        )

    def state_of(self, seat: Seat) -> SeatState:
        """A seat's state now."""
        return seat.state(self._clock.monotonic())

    def state_since(self, seat: Seat) -> datetime:
        """Since when it is in that state (aware UTC)."""
        return self._moment(seat.state_since(self._clock.monotonic()))

    def deadline(self, seat: Seat) -> datetime | None:
        """When that state ends by itself, or None."""
        ends = seat.deadline(self._clock.monotonic())
        return self._moment(ends) if ends is not None else None

    def leg_of(self, user: str) -> tuple[Call | None, Leg | None]:
        """The call and leg that a seat rings or talks on, as they are now."""
        if user not in self._legs:
            return None, None
        call_id, held = self._legs[user]
        call = self._calls.find(call_id)
        return call, call.legs.get(held.id) if call is not None else None

    def spy_of(self, user: str) -> Leg | None:
        """The leg by which a supervisor listens to a call or whispers, None when it does neither."""
        call_id, leg_id = self._spying.get(user, ("", ""))
        call = self._calls.find(call_id)
        return call.legs.get(leg_id) if call is not None else None

    def resting(self, wish: str) -> dict[str, float]:
        """Seats that did not take a caller, until when (monotonic) they are left alone by her.

        ``wish``: the incident's id, or the call's for the hotline. An incident outlives its calls, and a seat
        that refused one of them must not be rung for the next at once, and again, and again.
        """
        return self._rests.of(wish)

    # --- what is said of a seat ----------------------------------------------------------------------------

    def declare(self, user: str, state: str, reason: str, actor: str) -> Seat:
        """An operator says ``ready``, which ends a wrap-up, or ``paused``; raises `InvalidInput` for anything else."""
        if state not in (SeatState.READY, SeatState.PAUSED):
            raise InvalidInput(f"a seat can be set to ready or paused, not to {state!r}")
        wraps_up = self.seat(user).wrap_up_until > self._clock.monotonic()
        said: list[Body] = [f.SeatDeclared(seat=user, state=state, reason=reason)]
        if state == SeatState.READY and wraps_up:
            said.append(f.SeatWrapUp(seat=user, until=self._clock.now()))
        self._ledger.record(*said, actor=actor)
        return self.seat(user)

    def extend_wrap_up(self, user: str, seconds: float) -> Seat:
        """Make one's wrap-up longer by ``seconds``, to at most `LONGEST_WRAP_UP` in all; raises `Conflict`."""
        ends = self._wrap_up(user)
        now = self._clock.monotonic()
        latest = self._left_at.get(user, now) + LONGEST_WRAP_UP
        return self._end_wrap_up(user, self._moment(max(ends, min(ends + seconds, latest))))

    def finish_wrap_up(self, user: str) -> Seat:
        """Say that the work after the call is done; raises `Conflict` when there is none."""
        self._wrap_up(user)
        return self._end_wrap_up(user, self._clock.now())

    def _wrap_up(self, user: str) -> float:
        seat = self.seat(user)
        if self.state_of(seat) is not SeatState.WRAP_UP:
            raise Conflict(f"{user} is not in wrap-up; it may have ended by itself")
        return seat.wrap_up_until

    def _end_wrap_up(self, user: str, until: datetime) -> Seat:
        self._ledger.record(f.SeatWrapUp(seat=user, until=until), actor=user)
        return self.seat(user)

    def phone(self, event: PhoneStatus) -> None:
        """A phone registered or went away."""
        user, phone = self._whose(event.endpoint)
        seat = self._seats.get(user)
        if seat is None or seat.role == TEST_ROLE:
            return
        if (seat.web if phone == "web" else seat.sip) != event.registered:
            self._ledger.record(f.SeatPhone(seat=user, registered=event.registered, phone=phone), actor="pbx")

    def page(self, user: str, present: bool) -> None:
        """The page of a seat's browser phone came or is gone: without it that phone is not rung (A10, B7).

        While nobody has said, a registered browser phone counts as there: after a restart pages need a moment.
        """
        seat = self._seats.get(user)
        if seat is not None and seat.role != TEST_ROLE and seat.page is not present:
            self._ledger.record(f.SeatPage(seat=user, present=present), actor=user)

    def _whose(self, endpoint: str) -> tuple[str, str]:
        """The seat that an endpoint belongs to, and which of its phones it is."""
        return seat_of(endpoint), "web" if is_web(endpoint) else "sip"

    def reconcile_phones(self, registered: frozenset[str]) -> None:
        """Bring every seat in line with the phones registered right now."""
        for user in self._seats.keys() - set(self._test):
            for endpoint in (user, web_endpoint(user)):
                self.phone(PhoneStatus(endpoint, endpoint in registered))

    def end_pauses(self, now: float) -> None:
        """Bring seats back whose pause was not asked for and is over; ``now`` in monotonic seconds."""
        for seat in self.seats():
            if 0 < seat.pause_ends <= now:
                self._ledger.record(f.SeatDeclared(seat=seat.user, state=SeatState.READY), actor="system")

    def _pause_who_did_not_answer(self, fact: Fact) -> None:
        """A hotline call rang out: nobody sits there, and the next caller must not wait for that to show again."""
        match fact.body:
            case cf.LegEnded(role=Role.SEAT, leg_id=leg_id, reason=HangupReason.NO_ANSWER):
                call = self._calls.find(fact.call_id or "")
                leg = call.legs.get(leg_id) if call is not None else None
                asked = leg is not None and bool(leg.wish_id)
                if call is None or leg is None or leg.answered_at is not None or asked:
                    return
                if call.line != Line.HOTLINE and call.via != cf.QUEUE_CALLBACK:
                    return
                seat = self._seats.get(leg.number)
                if self._rna_pause and seat is not None and seat.declared == SeatState.READY:
                    until = self._clock.now() + timedelta(seconds=self._rna_pause)
                    body = f.SeatDeclared(seat=seat.user, state=SeatState.PAUSED, reason=NO_ANSWER, until=until)
                    self._ledger.record(body, actor="system", call_id=None)
            case _:
                pass

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        match fact.body:
            case f.SeatDeclared(seat=user, state=state, reason=reason, until=until):
                ends = self._monotonic(until) if until is not None else 0.0
                self._change(fact, user, declared=state, reason=reason, pause_ends=ends, idle_since=self._then(fact))
            case f.SeatPhone(seat=user, registered=registered, phone=phone):
                self._phones(fact, user, **{"web" if phone == "web" else "sip": registered})
            case f.SeatPage(seat=user, present=present):
                self._phones(fact, user, page=present)
            case f.SeatWrapUp(seat=user, until=until):
                self._change(fact, user, wrap_up_until=self._monotonic(until))
            case cf.LegAdded(role=Role.SEAT, number=user, leg_id=leg_id, wish_id=wish) if fact.call_id is not None:
                call = self._calls.find(fact.call_id)
                if call is not None and leg_id in call.legs:
                    self._legs[user] = (fact.call_id, call.legs[leg_id])
                    self._change(fact, user, ringing_for=fact.call_id, reserved=bool(wish))
            case cf.LegAdded(role=Role.MONITOR, number=user, leg_id=leg_id) if fact.call_id is not None:
                self._spying[user] = (fact.call_id, leg_id)
                self._change(fact, user, monitoring_on=fact.call_id)
            case cf.LegEnded(role=Role.MONITOR, leg_id=leg_id):
                for user in [user for user, (_, spy) in self._spying.items() if spy == leg_id]:
                    del self._spying[user]
                    self._change(fact, user, monitoring_on=None)
            case cf.LegAnswered(role=Role.SEAT, leg_id=leg_id) | cf.LegJoined(role=Role.SEAT, leg_id=leg_id) if (
                talker := self._user_of(leg_id)
            ) is not None:
                # From picking up, not only from the room: nothing may pull the operator away in between.
                self._change(fact, talker, ringing_for=None, talking_on=fact.call_id)
            case cf.LegEnded(role=Role.SEAT, leg_id=leg_id) if (leaver := self._user_of(leg_id)) is not None:
                self._seat_leg_ended(leaver, leg_id, fact)
            case _:
                pass

    def _phones(self, fact: Fact, user: str, **changes: bool) -> None:
        before = self._seats.get(user, Seat(user=user))
        after = replace(before, **changes)  # type: ignore[arg-type]
        registered = after.phone is not None
        if registered != before.registered:
            self._change(fact, user, **changes, registered=registered, idle_since=self._then(fact))
        else:
            self._change(fact, user, **changes)

    def _seat_leg_ended(self, user: str, leg_id: str, fact: Fact) -> None:
        now = self._clock.monotonic()
        del self._legs[user]
        call = self._calls.find(fact.call_id or "")
        leg = call.legs.get(leg_id) if call is not None else None
        reason = leg.reason if leg is not None else ""
        if reason in ("preempted", ALREADY_ANSWERED):
            self._change(fact, user, talking_on=None, ringing_for=None, reserved=False)
            return
        wish = fact.incident_id or fact.call_id or ""
        if call is None or leg is None or leg.joined_at is None:
            if reason != HangupReason.CANCELLED and not (leg is not None and leg.wish_id):
                self._rests.not_taken(wish, user, reason, now)
            self._change(fact, user, talking_on=None, ringing_for=None, reserved=False)
            return
        if leg.accepted_at is None:
            self._rests.no_life(self._wish(call.id), user, now)
        else:
            self._rests.left(wish, user, leg.joined_at, fact.at, now)
        then = self._left_at[user] = self._then(fact)
        wrap_up = then + self._wrap_up_of(call.id) if call.routine else 0.0
        over = {"talking_on": None, "ringing_for": None, "reserved": False}
        self._change(fact, user, **over, idle_since=then, wrap_up_until=wrap_up)

    def _wish(self, call_id: str) -> str:
        call = self._calls.find(call_id)
        return (call.incident_id if call is not None else None) or call_id

    def _user_of(self, leg_id: str) -> str | None:
        return next((user for user, (_, leg) in self._legs.items() if leg.id == leg_id), None)

    def _change(self, fact: Fact, user: str, **changes: object) -> None:
        seat = self._seats.get(user, Seat(user=user))
        then = self._then(fact)
        changed = replace(seat, **changes)  # type: ignore[arg-type]
        if changed.state(then) is not seat.state(then):
            changed = replace(changed, since=then)
        self._seats[user] = changed

    def _then(self, fact: Fact) -> float:
        """When a fact happened, in monotonic seconds; one from before a restart lies in the past."""
        return min(self._monotonic(fact.at), self._clock.monotonic())

    def _monotonic(self, at: datetime) -> float:
        return self._clock.monotonic() + (at - self._clock.now()).total_seconds()

    def _moment(self, at: float) -> datetime:
        return self._clock.now() + timedelta(seconds=at - self._clock.monotonic())
