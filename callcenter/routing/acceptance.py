"""Whether a human is behind a phone that answered by itself, and who of several is the one (R12, R13).

A seat that is picked up by hand has accepted. One that answers by itself is in the elder's room at once, but the
ladder goes on until it shows life: a click, a key, a voice. All of it is decided here, in one thread, so that there
are never two who both believe to have her.
"""

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Leg, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

AUTO_ANSWER_HEADERS = {
    "Call-Info": "<sip:127.0.0.1>;answer-after=0",
    "Alert-Info": "<http://www.notused.com>;info=alert-autoanswer;delay=0",
}
"""What tells a phone to answer by itself: the two ways that the makers of phones have agreed on."""

NO_LIFE = "no_life"
"""A leg's end: it answered by itself, and nobody was there."""
ALREADY_ANSWERED = "already_answered"
"""A leg's end: it was told that somebody else has the call."""
TAKEN_CONTEXT = "cc-taken"


class Acceptance:
    """Every phone that answered by itself and has not shown life yet."""

    def __init__(self, ledger: Ledger, calls: Calls, pbx: Pbx, clock: Clock, seconds: float) -> None:
        """``seconds``: how long such a phone has to show life."""
        self._ledger = ledger
        self._calls = calls
        self._pbx = pbx
        self._clock = clock
        self._seconds = seconds
        self._unproved: dict[str, tuple[str, float]] = {}
        """Leg → its call, and when (monotonic) it is given up. After a restart it has the whole time again."""
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    @property
    def any_unproved(self) -> bool:
        """Whether there is any such phone."""
        return bool(self._unproved)

    def unproved(self, call: Call) -> bool:
        """Whether a phone that answered by itself is with the caller of this call's room and has not shown life."""
        return any(_same(call, other) for other in self._calls_unproved())

    def _calls_unproved(self) -> list[Call]:
        return [call for call_id, _ in self._unproved.values() if (call := self._calls.find(call_id)) is not None]

    # --- life ----------------------------------------------------------------------------------------------

    def click(self, incident_id: str, user: str) -> Leg:
        """The operator says at the console: I am here. Answers the leg, accepted.

        Raises `NotFound` when the operator is not in the emergency's room, `Conflict` when somebody else has it.
        """
        for call in self._calls.open_calls():
            for leg in call.live_legs if call.incident_id == incident_id else ():
                if leg.role == Role.SEAT and leg.number == user and leg.in_room:
                    if not leg.accepted and not self.life(call, leg, "click"):
                        raise Conflict("another operator has taken this emergency already")
                    return self._calls.get(call.id).legs[leg.id]
        raise NotFound(f"{user} is not in the room of emergency {incident_id}; pick up the phone first")

    def key(self, channel_id: str) -> None:
        """A key was pressed on a seat's phone."""
        self._sign(channel_id, "key")

    def voice(self, channel_id: str) -> None:
        """Somebody spoke on a channel."""
        self._sign(channel_id, "speech")

    def _sign(self, channel_id: str, how: str) -> None:
        found = self._calls.leg_of_channel(channel_id)
        if found is not None and found[1].id in self._unproved:
            self.life(*found, how)

    def life(self, call: Call, leg: Leg, how: str) -> bool:
        """A leg that answered by itself shows life: it is accepted, unless somebody else was before."""
        if leg.id not in self._unproved or self._calls.leaving(leg) or self._owner(call) is not None:
            return False
        self._ledger.record(
            cf.LegAccepted(leg_id=leg.id, role=leg.role, how=how),
            actor=leg.number,
            call_id=call.id,
            incident_id=call.incident_id,
        )
        # From now on the dialplan, too, lets nobody else in.
        self._calls.do(self._pbx.set_variable(leg.channel_id, "GROUP(seat)", call.room), f"claim {leg.id}")
        return True

    def tick(self, now: float) -> None:
        """Give up on phones that have been silent for too long; ``now`` in monotonic seconds."""
        for leg_id, (call_id, until) in list(self._unproved.items()):
            call = self._calls.find(call_id)
            leg = call.legs.get(leg_id) if call is not None else None
            if leg is not None and now >= until and not self._calls.leaving(leg):
                log.warning("no_life", call_id=call_id, leg_id=leg_id)
                self._calls.hang_up(leg, why=NO_LIFE)

    # --- one owner -----------------------------------------------------------------------------------------

    def _staff(self, call: Call) -> list[Leg]:
        """Everybody of ours in the room, in whichever of its calls."""
        return [
            leg
            for other in self._calls.open_calls()
            if _same(call, other)
            for leg in other.live_legs
            if leg.role in STAFF and leg.in_room and not self._calls.leaving(leg)
        ]

    def _owner(self, call: Call) -> Leg | None:
        """Who accepted first of those who are there."""
        owners = [leg for leg in self._staff(call) if leg.accepted_at is not None]
        return min(owners, key=lambda leg: (leg.accepted_at, leg.id), default=None)

    def _settle(self, call: Call) -> None:
        """Somebody accepted: whoever of the ladder came beside them is told, and free again (R13)."""
        owner = self._owner(call)
        if owner is None or owner.accepted_at is None:
            return
        for leg in self._staff(call):
            # A phone that rang already when one that answers by itself, which claims nothing from it, showed life.
            crossed = (owner.auto or leg.auto) and leg.added_at is not None and leg.added_at <= owner.accepted_at
            if leg.id != owner.id and (not leg.accepted or crossed):
                self._calls.let_go(leg, TAKEN_CONTEXT, why=ALREADY_ANSWERED)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        match fact.body:
            case cf.LegJoined(role=Role.SEAT, leg_id=leg_id) if fact.call_id is not None:
                call = self._calls.find(fact.call_id)
                leg = call.legs.get(leg_id) if call is not None else None
                if leg is not None and leg.in_room and leg.accepted_at is None:
                    self._unproved.setdefault(leg_id, (fact.call_id, self._clock.monotonic() + self._seconds))
            case cf.LegAccepted(leg_id=leg_id) | cf.LegLeft(leg_id=leg_id) | cf.LegEnded(leg_id=leg_id):
                self._unproved.pop(leg_id, None)
            case _:
                pass

    def _react(self, fact: Fact) -> None:
        match fact.body:
            case cf.LegJoined(role=role) | cf.LegAccepted(role=role) if role in STAFF:
                call = self._calls.find(fact.call_id or "")
                if call is not None:
                    self._settle(call)
            case _:
                pass


def _same(call: Call, other: Call) -> bool:
    """Whether two calls are one emergency's, or one and the same."""
    return call.id == other.id or (call.incident_id is not None and call.incident_id == other.incident_id)
