"""Seats and those who wait for one, as pure data: a seat's state, and whether it may ring for whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from callcenter.telephony.endpoints import web_endpoint

NO_ANSWER = "no_answer"
"""The reason of a pause that was not asked for: a hotline call rang out at the seat."""

NOTHING: Mapping[str, int] = MappingProxyType({})


class SeatAccount(Protocol):
    """What routing needs of an account that has a phone."""

    @property
    def user(self) -> str: ...

    @property
    def role(self) -> str: ...

    @property
    def auto_answer(self) -> bool: ...

    @property
    def phone_word(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Reachable:
    """How many seats there are for an emergency right now (R11)."""

    seats: int
    registered: int
    free: int
    busy: int


class SeatState(StrEnum):
    """A seat's state, derived from facts (B7)."""

    OFFLINE = "offline"
    PAUSED = "paused"
    WRAP_UP = "wrap_up"
    READY = "ready"
    RINGING = "ringing"
    MONITORING = "monitoring"
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class Seat:
    """What is known of a seat; all times in monotonic seconds.

    ``sip``, ``web``: which of its phones are on; ``page``: whether the page of the browser's phone is there, None
    while nobody said; ``registered``: whether it can be rung. ``ringing_for``/``talking_on``: call ids;
    ``monitoring_on``: the call that it listens to beside the room, or whispers into (B7).
    ``since``: since when it is in its state, but for the end of a wrap-up, which no fact tells. ``pause_ends``: when
    a pause that was not asked for ends by itself, else 0. ``skills``: skill to level, 1 to 5. ``area``: whose elders
    it serves first. ``reserved``: it rings for somebody who was sent to it on purpose (a transfer, a call of its own):
    the hotline leaves it alone, an emergency does not. ``auto_answer``: its phone picks up an emergency by itself when
    told to. ``phone_word``: what the password of its phone in the browser hangs on.
    """

    user: str
    role: str = "operator"
    declared: str = "ready"
    reason: str = ""
    registered: bool = False
    auto_answer: bool = False
    ringing_for: str | None = None
    talking_on: str | None = None
    monitoring_on: str | None = None
    reserved: bool = False
    idle_since: float = 0.0
    wrap_up_until: float = 0.0
    sip: bool = False
    web: bool = False
    page: bool | None = None
    since: float = 0.0
    pause_ends: float = 0.0
    skills: Mapping[str, int] = field(default_factory=dict)
    area: str = ""
    phone_word: str = ""

    @property
    def phone(self) -> str | None:
        """Which phone is rung: ``web`` when the browser's is on and its page there, else ``sip``, else None."""
        if self.web and self.page is not False:
            return "web"
        return "sip" if self.sip else None

    @property
    def endpoint(self) -> str:
        """The endpoint of the phone that is rung."""
        return web_endpoint(self.user) if self.phone == "web" else self.user

    def level(self, skill: str) -> int:
        """How well it knows a skill, 0: not at all; everybody has the skill without a name."""
        return self.skills.get(skill, 0) if skill else 1

    def answers_alone(self, now: float) -> bool:
        """Whether it is told to pick up an emergency by itself at ``now``: only while somebody should sit there."""
        return self.auto_answer and self.declared != SeatState.PAUSED and now >= self.wrap_up_until

    def deadline(self, now: float) -> float | None:
        """When its state ends by itself (monotonic): wrap-up, or a pause that nobody asked for; else None."""
        match self.state(now):
            case SeatState.WRAP_UP:
                return self.wrap_up_until
            case SeatState.PAUSED:
                return self.pause_ends or None
            case _:
                return None

    def state_since(self, now: float) -> float:
        """Since when (monotonic) it is in its present state."""
        ended = self.wrap_up_until if self.state(now) is SeatState.READY else 0.0
        return min(max(self.since, ended), now)

    def state(self, now: float) -> SeatState:
        """The state at monotonic time ``now``."""
        if self.talking_on is not None:
            return SeatState.TALKING
        if self.monitoring_on is not None:
            return SeatState.MONITORING
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
    """A call that wants a human; times in monotonic seconds.

    ``ring_all``: an emergency rings every seat it may; a hotline call rings one, by the rule of
    `distribution.desired`. ``priority``: higher first; ``since``: older first. ``resting``: seats that just let it
    ring out, or refused, until when they are left alone. ``seat``: who had the caller before and should have her
    again; ``only``: nobody else may. ``unproved``: a phone that answered by itself is with her and has not shown life,
    so that no other such phone may answer (R12). ``keeps``: seats that rest from it take no routine call
    meanwhile, unless another rings for it.

    Of the hotline alone: ``front``: before everybody else who waits. ``ageing``: one point of priority for every so
    many seconds waited, 0: none. ``skill``, ``min_level``: what a seat must know. ``area``: seats of it first.
    ``prefer``: the operator she spoke with last, until ``prefer_until`` nobody else if that one is there.
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
    keeps: bool = False
    front: bool = False
    ageing: float = 0.0
    skill: str = ""
    min_level: int = 1
    area: str = ""
    prefer: str = ""
    prefer_until: float = 0.0

    def rank(self, now: float) -> tuple[bool, float, float]:
        """Its place among the hotline's callers at ``now``: the lowest is served first.

        Whoever is at the front; then the highest priority, to which every ``ageing`` seconds of waiting add a point;
        then who came first. So nobody of an ageing queue waits for ever: after 10 × ``ageing`` seconds she is above
        every newcomer of the highest priority, 9, and from then on nobody new gets before her.
        """
        aged = max(0.0, now - self.since) / self.ageing if self.ageing else 0.0
        return not self.front, -(self.priority + aged), self.since


def eligible(seat: Seat, demand: Demand, now: float) -> bool:
    """Whether ``seat`` may ring for ``demand`` at ``now``."""
    if not seat.registered or seat.talking_on is not None or demand.resting.get(seat.user, 0.0) > now:
        return False
    if seat.role == TEST_ROLE or Target.TEST in demand.targets:
        return seat.role == TEST_ROLE and Target.TEST in demand.targets
    if (demand.only and seat.user != demand.seat) or (demand.unproved and seat.answers_alone(now)):
        return False
    if seat.monitoring_on is not None and Target.BUSY not in demand.targets:
        return False  # a phone in use: an emergency's, when it takes busy ones (A9)
    if seat.role == "supervisor":
        return Target.SUPERVISORS in demand.targets
    if not demand.ring_all and seat.reserved:
        return False
    if seat.monitoring_on is not None:
        return True
    if not demand.ring_all and demand.skill and seat.level(demand.skill) < demand.min_level:
        return False
    if seat.declared == SeatState.PAUSED:
        # A pause that nobody asked for is the hotline's alone: an elder in need has the seat as before (A9).
        at_once = demand.ring_all and seat.pause_ends > 0 and Target.FREE in demand.targets
        return at_once or Target.PAUSED in demand.targets
    if now < seat.wrap_up_until:
        return Target.WRAP_UP in demand.targets
    return Target.FREE in demand.targets
