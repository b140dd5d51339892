"""How long each seat was in which state, folded from facts: the same live and in the record (B7).

The states and their order are those of `routing.model.Seat.state`. What ends by the clock, without a fact, is written
down when the next fact of the seat comes. Before its first fact a seat is unknown, and so is its time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.facts import Body, Fact
from callcenter.routing import facts as rf
from callcenter.routing.model import SeatState

LISTENS = -1.0
"""In place of the wrap-up that follows a leg: a supervisor's, who listens to a call or whispers."""


class Span(NamedTuple):
    """A seat was in a state, from ``since`` to ``until``; ``reason`` of a pause."""

    user: str
    state: str
    reason: str
    since: datetime
    until: datetime


@dataclass(slots=True)
class SeatClock:
    """One seat as facts tell of it; it has been in ``state`` since ``since``.

    ``phones``: those that are registered; the one in the browser counts while its ``page`` is there. ``legs``: each
    with whether it was answered, whether it joined, and the wrap-up in seconds that follows it (or `LISTENS`).
    """

    user: str
    since: datetime
    state: str = SeatState.OFFLINE
    reason: str = ""
    phones: list[str] = field(default_factory=list)
    page: bool = True
    declared: str = SeatState.READY
    declared_reason: str = ""
    paused_until: datetime | None = None
    wrap_up_until: datetime | None = None
    legs: dict[str, tuple[bool, bool, float]] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        """Whether a phone is there to be rung."""
        return "sip" in self.phones or ("web" in self.phones and self.page)

    def _now(self) -> tuple[str, str]:
        if any(answered for answered, _, follows in self.legs.values() if follows != LISTENS):
            return SeatState.TALKING, ""
        if any(follows == LISTENS for _, _, follows in self.legs.values()):
            return SeatState.MONITORING, ""
        if not self.present:
            return SeatState.OFFLINE, ""
        if self.legs:
            return SeatState.RINGING, ""
        if self.declared == SeatState.PAUSED:
            return SeatState.PAUSED, self.declared_reason
        return (SeatState.WRAP_UP if self.wrap_up_until is not None else SeatState.READY), ""

    def pass_time(self, now: datetime) -> list[Span]:
        """End what ends by the clock alone, a wrap-up and a pause that nobody asked for; the spans that are over."""
        spans: list[Span] = []
        while (ends := min((at for at in (self.paused_until, self.wrap_up_until) if at), default=None)) and ends <= now:
            if ends == self.paused_until:
                self.declared, self.declared_reason, self.paused_until = SeatState.READY, "", None
            if ends == self.wrap_up_until:
                self.wrap_up_until = None
            spans += self.move(ends)
        return spans

    def move(self, at: datetime) -> list[Span]:
        """Be in the state that the facts make; the span that is over."""
        state, reason = self._now()
        if (state, reason) == (self.state, self.reason):
            return []
        span = Span(self.user, self.state, self.reason, self.since, at)
        self.state, self.reason, self.since = state, reason, max(at, self.since)
        return [span] if span.until > span.since else []

    def spans(self, now: datetime) -> list[Span]:
        """The time until ``now`` that no fact has ended yet; nothing is changed."""
        copy = replace(self)
        spans = copy.pass_time(now)
        return [*spans, Span(copy.user, copy.state, copy.reason, copy.since, now)] if now > copy.since else spans

    def at(self, now: datetime) -> tuple[str, datetime]:
        """State and since when, at ``now``; nothing is changed."""
        copy = replace(self)
        copy.pass_time(now)
        return copy.state, copy.since


class SeatTimes:
    """Every seat's clock."""

    def __init__(self, clocks: Iterable[SeatClock] = ()) -> None:
        self.clocks = {clock.user: clock for clock in clocks}
        self._user_of = {leg_id: clock.user for clock in self.clocks.values() for leg_id in clock.legs}

    def take(self, fact: Fact, wrap_up: float) -> list[Span]:
        """What a fact ends. ``wrap_up``: seconds that follow its call, 0 for one that is not on the hotline."""
        user = self._whose(fact.body)
        if user is None:
            return []
        clock = self.clocks.setdefault(user, SeatClock(user=user, since=fact.at))
        spans = clock.pass_time(fact.at)
        match fact.body:
            case rf.SeatDeclared(state=state, reason=reason, until=until):
                clock.declared, clock.declared_reason, clock.paused_until = state, reason, until
            case rf.SeatPhone(registered=registered, phone=phone):
                clock.phones = sorted({*clock.phones, phone} if registered else {*clock.phones} - {phone})
            case rf.SeatPage(present=present):
                clock.page = present
            case rf.SeatWrapUp(until=until):
                clock.wrap_up_until = until if until > fact.at else None
            case cf.LegAdded(leg_id=leg_id, role=role):
                clock.legs[leg_id] = (False, False, LISTENS if role == Role.MONITOR else wrap_up)
                self._user_of[leg_id] = user
            case cf.LegAnswered(leg_id=leg_id) | cf.LegJoined(leg_id=leg_id):
                _, joined, follows = clock.legs[leg_id]
                clock.legs[leg_id] = (True, joined or isinstance(fact.body, cf.LegJoined), follows)
            case cf.LegEnded(leg_id=leg_id, reason=reason):
                _, joined, follows = clock.legs.pop(leg_id)
                del self._user_of[leg_id]
                if joined and follows and reason != "preempted":
                    clock.wrap_up_until = fact.at + timedelta(seconds=follows)
            case _:
                pass
        return [*spans, *clock.move(fact.at)]

    def _whose(self, body: Body) -> str | None:
        match body:
            case cf.LegAdded(role=Role.SEAT | Role.MONITOR, number=number):
                return number
            case cf.LegAnswered(leg_id=leg_id) | cf.LegJoined(leg_id=leg_id) | cf.LegEnded(leg_id=leg_id):
                return self._user_of.get(leg_id)
            case rf.SeatDeclared() | rf.SeatPhone() | rf.SeatPage() | rf.SeatWrapUp():
                return body.seat
            case _:
                return None
