"""What every call is due for is done here: after each fact of a leg, after a restart, and now and then."""

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.control import rules
from callcenter.control.hands import BACK_CONTEXT, Hands
from callcenter.control.rules import Step
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.routing import facts as rf

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 1.0
"""So often every call is asked what it is due for, beside the facts."""
MOVED_SECONDS = 3.0
"""Who is not where a hold or its end sent her after so long is sent again, or is not on hold."""
MOST_STEPS = 8
"""A call is due for so many steps at once at most; more would be a rule that does not come to rest."""


class Settling:
    """Asks the rules and does what they say."""

    def __init__(self, ledger: Ledger, calls: Calls, hands: Hands, clock: Clock, park_seconds: float) -> None:
        self._calls = calls
        self._hands = hands
        self._clock = clock
        self._park_seconds = park_seconds
        self._slot_since: dict[str, float] = {}
        """Parked calls, since when (monotonic); after a restart they have the whole time again."""
        self._due = 0.0
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    def settle(self, call_id: str) -> None:
        """Do what a call is due for."""
        for _ in range(MOST_STEPS):
            call = self._calls.find(call_id)
            since = self._slot_since.get(call_id)
            over = since is not None and self._clock.monotonic() - since >= self._park_seconds
            first = call_id in self._hands.first
            step = rules.due(call, first_in_line=first, slot_over=over) if call is not None else None
            if call is None or step is None:
                return
            self._do(call, step)
        log.error("control_restless", call_id=call_id)

    def _do(self, call: Call, step: Step) -> None:
        hands = self._hands
        match step:
            case Step.DIAL:
                hands.dial_outside(call, Role.ELDER, call.caller, "system", "outbound")
            case Step.COMPLETE:
                hands.complete(call)
            case Step.FAIL if call.transfer is not None:
                target = call.legs.get(call.transfer.leg_id)
                hands.fail(call, rules.PREEMPTED if target is not None and target.live else rules.why_ended(target))
            case Step.FETCHED if call.parked is not None:
                by = rules.fetched_by(call)
                user = by.number if by is not None else ""
                hands.record(call, cf.CallRetrieved(slot=call.parked.slot, by=user), actor=user)
            case Step.GIVE_BACK if call.parked is not None:
                hands.give_back(call, call.parked.by, "park_timeout")
            case Step.RESUME:
                hands.bring_back(call)
            case _:
                attempt = call.legs.get(call.returning)
                hands.to_front(call, rules.why_ended(attempt) if attempt is not None else "operator_gone")

    def resume(self) -> None:
        """After a restart, once it is known who is there: every call goes on where it was."""
        for call in self._calls.open_calls():
            self.settle(call.id)

    def tick(self, now: float) -> None:
        """Give back who was parked for too long, and mend what an action that failed left; ``now`` monotonic."""
        if now < self._due:
            return
        self._due = now + SETTLE_SECONDS
        for call in self._calls.open_calls():
            if call.parked or call.transfer or call.returning or call.held or call.line == Line.OUTBOUND:
                self.settle(call.id)
        for leg_id, at in list(self._hands.sent.items()):
            if now - at >= MOVED_SECONDS:
                del self._hands.sent[leg_id]
                self._look_for(leg_id)

    def _look_for(self, leg_id: str) -> None:
        """Somebody was sent to hold or back a while ago: is she there?"""
        found = next(((call, call.legs[leg_id]) for call in self._calls.open_calls() if leg_id in call.legs), None)
        if found is None:
            return
        call, leg = found
        if leg.live and leg.held and leg.in_room:
            self._hands.record(call, cf.CallResumed(leg_id=leg.id), actor="system")  # it never came to the hold
        elif leg.live and not leg.held and not leg.in_room:
            self._hands.redirect(leg, BACK_CONTEXT)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        call_id, first = fact.call_id or "", self._hands.first
        match fact.body:
            case rf.HotlineHeld():
                first.add(call_id)
            case cf.LegJoined(role=role) if role in STAFF:
                first.discard(call_id)
            case cf.CallParked():
                self._slot_since[call_id] = self._clock.monotonic()
            case cf.CallRetrieved() | cf.CallReturned():
                self._slot_since.pop(call_id, None)
            case cf.LegEnded(leg_id=leg_id):
                self._hands.sent.pop(leg_id, None)
            case cf.CallEnded():
                first.discard(call_id)
                self._slot_since.pop(call_id, None)
            case _:
                pass

    def _react(self, fact: Fact) -> None:
        if isinstance(fact.body, (cf.LegJoined, cf.LegAccepted, cf.LegEnded)) and fact.call_id is not None:
            self.settle(fact.call_id)
