"""What call control does to a call, whoever decided it: hold, bring back, dial, give back, complete, fail.

Facts first, then Asterisk: what a crash leaves undone is found by the next look (`settling`).
"""

from callcenter.calls import facts as cf
from callcenter.calls.lease import Leases
from callcenter.calls.model import STAFF, Call, Leg, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.control import rules
from callcenter.control.refusals import SeatNotFree
from callcenter.errors import Conflict, NotFound
from callcenter.facts import Body
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.routing import facts as rf
from callcenter.routing.model import Seat, SeatState
from callcenter.routing.service import Routing
from callcenter.telephony.pbx import Pbx

HOLD_CONTEXT, BACK_CONTEXT = "cc-hold", "cc-back"
LEG_CONTEXT, OUTBOUND_CONTEXT = "cc-leg", "cc-outbound"


class Hands:
    """The acts, and what is remembered of them."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        routing: Routing,
        pbx: Pbx,
        clock: Clock,
        *,
        leases: Leases,
        ring_seconds: int,
        shown: str,
    ) -> None:
        """``shown``: our number, to outside."""
        self._leases = leases
        self._ledger = ledger
        self._calls = calls
        self._routing = routing
        self._pbx = pbx
        self._clock = clock
        self._ring_seconds = ring_seconds
        self._shown = shown
        self.first: set[str] = set()
        """Calls at the front of the queue because whoever had them was taken or is gone."""
        self.sent: dict[str, float] = {}
        """Legs on their way to or from hold, since when (monotonic)."""

    def record(self, call: Call, *bodies: Body, actor: str) -> None:
        """Facts of a call."""
        self._ledger.record(*bodies, actor=actor, call_id=call.id, incident_id=call.incident_id)

    def hang_up(self, leg: Leg, why: str = "") -> None:
        """Let somebody go; ``why``: the reason that the end of the leg gives."""
        self._calls.hang_up(leg, why=why)

    def let_go(self, call: Call, leg: Leg, why: str) -> None:
        """Let an operator go whose caller stays: if we are killed in that moment, she is the duty desk's after a while,
        not alone for ever.
        """
        for line in rules.caller_legs(self._calls.get(call.id), held=False):
            self._leases.alone(line.channel_id)
        self.hang_up(leg, why)

    # --- hold ----------------------------------------------------------------------------------------------

    def hold(self, call: Call, user: str) -> None:
        """The caller hears music; raises `Conflict` when she is not in the room."""
        legs = rules.caller_legs(call, held=False)
        if not legs:
            raise Conflict("nobody is there to be put on hold: the caller is not in the room")
        self.record(call, *(cf.CallHeld(leg_id=leg.id, by=user) for leg in legs), actor=user)
        for leg in legs:
            self.redirect(leg, HOLD_CONTEXT)

    def bring_back(self, call: Call, actor: str = "system") -> None:
        """The caller is in the room again, if she was on hold."""
        legs = rules.caller_legs(self._calls.get(call.id), held=True)
        if legs:
            self.record(call, *(cf.CallResumed(leg_id=leg.id) for leg in legs), actor=actor)
        for leg in legs:
            self.redirect(leg, BACK_CONTEXT)

    def redirect(self, leg: Leg, context: str) -> None:
        """Send somebody to hold or back."""
        self.sent[leg.id] = self._clock.monotonic()
        self._calls.do(self._pbx.redirect(leg.channel_id, context), f"{context} {leg.id}")

    # --- dialling ------------------------------------------------------------------------------------------

    def free_seat(self, user: str) -> Seat:
        """A seat that can be rung now; raises `NotFound`, `Conflict`."""
        seat = self._routing.seat(user)
        state = self._routing.state_of(seat)
        if state in (SeatState.OFFLINE, SeatState.TALKING, SeatState.MONITORING, SeatState.RINGING):
            raise SeatNotFree(f"{user} is {state}; its phone cannot be rung now", user=user, state=state.value)
        return seat

    def dial_seat(self, call: Call, seat: Seat, actor: str, wish: str, leg_id: str = "") -> Leg:
        """Ring a seat for a call, on purpose; ``wish``: what for, which keeps the ladder from ending it."""
        return self._calls.dial(
            self._calls.get(call.id),
            Role.SEAT,
            seat.user,
            f"PJSIP/{seat.endpoint}",
            actor=actor,
            context=LEG_CONTEXT,
            ring_seconds=self._ring_seconds,
            caller_number=call.caller,
            caller_name=call.elder_name,
            leg_id=leg_id or None,
            wish_id=wish,
        )

    def dial_outside(self, call: Call, role: Role, number: str, actor: str, wish: str, leg_id: str = "") -> Leg:
        """Call a number; whom an operator called (role elder) is the call's caller."""
        return self._calls.dial(
            self._calls.get(call.id),
            role,
            number,
            f"PJSIP/{number}@trunk",
            actor=actor,
            context=OUTBOUND_CONTEXT if role == Role.ELDER else LEG_CONTEXT,
            ring_seconds=self._ring_seconds,
            caller_number=self._shown,
            leg_id=leg_id or None,
            wish_id=wish,
            route="trunk",
        )

    # --- how a transfer ends -------------------------------------------------------------------------------

    def complete(self, call: Call) -> None:
        """Whom the transfer is for has the caller; the operator is let go."""
        transfer = call.transfer
        assert transfer is not None  # noqa: S101 - asked before
        self.record(call, cf.CallTransferred(to=transfer.to, mode=transfer.mode, by=transfer.by), actor=transfer.by)
        self.bring_back(call)
        operator = call.legs.get(transfer.by_leg)
        if operator is not None:
            self.hang_up(operator, rules.TRANSFERRED)

    def fail(self, call: Call, why: str, actor: str = "system") -> None:
        """The transfer came to nothing: the caller is back with who stays, or with who had her before."""
        transfer = call.transfer
        assert transfer is not None  # noqa: S101 - asked before
        failed = cf.TransferFailed(to=transfer.to, mode=transfer.mode, by=transfer.by, why=why)
        self.record(call, failed, actor=actor)
        target = call.legs.get(transfer.leg_id)
        if target is not None:
            self.hang_up(target)
        staff = [leg for leg in call.live_legs if leg.role in STAFF and leg.accepted and leg is not target]
        if call.id in self.first or any(not self._calls.leaving(leg) for leg in staff):
            self.bring_back(call)
        else:
            self.give_back(call, transfer.by, why)

    def give_back(self, call: Call, user: str, why: str) -> None:
        """Ring who had the caller before; if that cannot be, she is first in the queue."""
        try:
            seat = self.free_seat(user)
        except (NotFound, Conflict):
            self.to_front(call, why)
            return
        leg_id = new_id()
        self.record(call, cf.CallReturned(to=f"seat:{user}", why=why, leg_id=leg_id), actor="system")
        self.bring_back(call)
        self.dial_seat(call, seat, "system", "return", leg_id)

    def to_front(self, call: Call, why: str) -> None:
        """Nobody has her: she waits before everybody else."""
        self.record(call, cf.CallReturned(to="queue", why=why), actor="system")
        if call.id not in self.first:
            self.record(call, rf.HotlineHeld(seat=""), actor="system")
        self.bring_back(call)
