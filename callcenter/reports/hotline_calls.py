"""What became of one hotline call, folded from its facts: the same live on the wallboard and in the record (B1).

Definitions, which every figure of the hotline goes by:

- *Offered*: the caller came into a queue, or into the fallback; who hangs up in the menu was never offered.
- *Waited*: from the first queue to the decision. *Answered*: a human of ours was in the room with her. *Abandoned*: she
  left before that; *short* when within 5 s of coming into the queue (`SHORT_SECONDS`), which is counted apart and in no
  rate: nobody could have answered, and a wrong number is no failure. *Overflowed*: she was handed to voicemail, a
  call-back or another number by rule. *Turned*: an emergency by the key 9; a figure of A1, in no rate here.
- *Connection rate* (接通率, GS 5.3.5.1(4)): answered / (answered + abandoned + overflowed).
- *Service level*: answered within the queue's limit / (answered + abandoned + overflowed + waiting beyond the limit).
- *Average wait*: of the answered. *Talk*: from the answer to the end, without *hold*.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Line, Role
from callcenter.emergency.model import milliseconds
from callcenter.facts import Fact
from callcenter.routing import facts as rf

GENERAL = "general"
"""The queue of a caller of whom no other is told."""
SHORT_SECONDS = 5.0
CALLER = ""
"""Stands for the caller among the legs."""


class Outcome(StrEnum):
    """Where a hotline call is, and in the end what became of it."""

    MENU = "menu"
    WAITING = "waiting"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    OVERFLOWED = "overflowed"
    EMERGENCY = "emergency"


@dataclass(slots=True)
class HotlineCall:
    """One call on the hotline. Times are aware UTC, durations milliseconds.

    ``waited_ms``: None until it is decided. ``operator``: the seat that answered first. ``legs``: seats by leg id, and
    the caller's own leg, which has no seat.
    """

    id: str
    opened_at: datetime
    queue: str = GENERAL
    outcome: Outcome = Outcome.MENU
    operator: str = ""
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    held_since: datetime | None = None
    waited_ms: int | None = None
    talk_ms: int = 0
    hold_ms: int = 0
    transfers: int = 0
    legs: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing more can change a figure."""
        return self.ended_at is not None or self.outcome is Outcome.EMERGENCY

    @property
    def short(self) -> bool:
        """Given up so soon that nobody could have answered."""
        return self.outcome is Outcome.ABANDONED and (self.waited_ms or 0) < SHORT_SECONDS * 1000

    def _enter(self, at: datetime, queue: str = "") -> None:
        self.queued_at = self.queued_at or at
        self.queue = queue or self.queue
        if self.outcome in (Outcome.MENU, Outcome.OVERFLOWED):
            self.outcome, self.waited_ms = Outcome.WAITING, None

    def _decide(self, outcome: Outcome, at: datetime) -> None:
        if self.queued_at is not None and self.outcome is Outcome.WAITING:
            self.outcome, self.waited_ms = outcome, milliseconds(self.queued_at, at)

    def _off_hold(self, at: datetime) -> None:
        if self.held_since is not None:
            self.hold_ms += milliseconds(self.held_since, at)
            self.held_since = None


def fold(call: HotlineCall | None, fact: Fact) -> HotlineCall | None:
    """The call after a fact, changed in place; None for what is no call on the hotline."""
    body, at = fact.body, fact.at
    if isinstance(body, cf.CallOpened):
        return call or _opened(fact, body)
    if call is None or call.over:
        return call
    match body:
        case rf.HotlineQueued():
            call._enter(at, body.queue)
        case cf.FellBack():
            call._enter(at)
        case cf.LineChanged(line=Line.EMERGENCY):
            call._decide(Outcome.EMERGENCY, at)
            call.outcome = call.outcome if call.outcome is Outcome.ANSWERED else Outcome.EMERGENCY
        case cf.LegAdded(role=role, leg_id=leg_id, number=number) if role in STAFF:
            call.legs[leg_id] = number
        case cf.LegJoined(role=role, leg_id=leg_id) | cf.LegAccepted(role=role, leg_id=leg_id) if role in STAFF:
            _answer(call, at, call.legs.get(leg_id, ""))
        case cf.LegJoined(role=role) if role not in (Role.ELDER, *STAFF):
            call._decide(Outcome.OVERFLOWED, at)  # a number that her queue's rules had dialled
        case rf.HotlineOverflowed(to=to) if to.startswith("queue:"):
            call.queue = to.removeprefix("queue:")
        case rf.HotlineOverflowed(to=to) if not to.startswith("number:"):
            call._decide(Outcome.OVERFLOWED, at)
        case rf.HotlineLeft(why=why) if why != "parked":
            call._decide(Outcome.OVERFLOWED, at)
        case rf.HotlineHeld() | cf.CallParked():
            call.held_since = call.held_since or at
        case cf.CallHeld(leg_id=leg_id) if call.legs.get(leg_id) == CALLER:
            call.held_since = call.held_since or at
        case cf.CallResumed(leg_id=leg_id) if call.legs.get(leg_id) == CALLER:
            call._off_hold(at)
        case cf.CallTransferred():
            call.transfers += 1
        case cf.CallEnded():
            _end(call, at)
        case _:
            pass
    return call


def _opened(fact: Fact, body: cf.CallOpened) -> HotlineCall | None:
    if body.line != Line.HOTLINE or fact.call_id is None or body.via == cf.SYNTHETIC:
        return None
    call = HotlineCall(id=fact.call_id, opened_at=body.invited_at, legs={body.leg_id: CALLER})
    if body.via == "fallback":  # the dialplan has no queue: she waits from the first moment
        call._enter(body.invited_at)
    return call


def _answer(call: HotlineCall, at: datetime, user: str) -> None:
    if call.answered_at is None:
        call._enter(call.queued_at or at)
        call._decide(Outcome.ANSWERED, at)
        call.answered_at, call.operator = at, user
    call._off_hold(at)


def _end(call: HotlineCall, at: datetime) -> None:
    call._decide(Outcome.ABANDONED, at)
    call._off_hold(at)
    call.ended_at = at
    call.legs = {}
    if call.answered_at is not None:
        call.talk_ms = max(0, milliseconds(call.answered_at, at) - call.hold_ms)
