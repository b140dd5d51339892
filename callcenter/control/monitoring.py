"""Supervisors on a call: listen (heard by nobody), whisper (heard by the operator alone), join, take over (B7).

Listening and whispering are Asterisk's ChanSpy on the operator's line, from the supervisor's own seat phone: no part of
the room. Who joins or takes over is a seat in the room like any other; the phone stays up between the modes.
"""

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Leg, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.control.hands import LEG_CONTEXT, Hands
from callcenter.control.rules import TAKEN_OVER
from callcenter.errors import CallCenterError, Conflict, NotFound
from callcenter.facts import Body, Fact, record
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.routing.model import Seat
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

MONITOR_CONTEXT = "cc-monitor"
WISH = "monitor"
LISTEN, WHISPER, JOIN, TAKE_OVER = "listen", "whisper", "join", "take_over"
IN_ROOM = frozenset({JOIN, TAKE_OVER})
MODES = (LISTEN, WHISPER, JOIN, TAKE_OVER)
CHANGED = "changed"
"""A leg's end: the same line goes on in another part."""


class Monitoring:
    """Every supervisor on a call; several may be on one."""

    def __init__(self, ledger: Ledger, calls: Calls, hands: Hands, pbx: Pbx, clock: Clock) -> None:
        self._ledger = ledger
        self._calls = calls
        self._hands = hands
        self._pbx = pbx
        self._clock = clock
        ledger.on_react(self._react)

    def start(self, call: Call, user: str, mode: str) -> Leg:
        """Ring the supervisor's own seat for a call; answers its leg. Raises `NotFound`, `Conflict`."""
        if not call.open:
            raise Conflict(f"call {call.id} is over")
        if any(leg.number == user and leg.role in (Role.SEAT, Role.MONITOR) for leg in call.live_legs):
            raise Conflict(f"{user} is on this call already; change the mode, or hang up first")
        if any(
            leg.number == user and leg.role == Role.MONITOR for one in self._calls.open_calls() for leg in one.live_legs
        ):
            raise Conflict(f"{user} listens to another call, and has one phone; end that first")
        target = operator_of(call, user, mode)
        seat = self._hands.free_seat(user)
        leg_id = new_id()
        self._record(call, cf.CallMonitored(user=user, mode=mode, leg_id=leg_id, target=_id(target)), actor=user)
        if mode in IN_ROOM:
            return self._hands.dial_seat(call, seat, user, WISH, leg_id)
        return self._dial_spy(call, seat, leg_id, mode, target)

    def _dial_spy(self, call: Call, seat: Seat, leg_id: str, mode: str, target: Leg | None) -> Leg:
        return self._calls.dial(
            self._calls.get(call.id),
            Role.MONITOR,
            seat.user,
            f"PJSIP/{seat.endpoint}",
            actor=seat.user,
            context=MONITOR_CONTEXT,
            caller_number=call.caller,
            caller_name=call.elder_name,
            leg_id=leg_id,
            variables={"CC_SPY": target.channel_id if target is not None else "", "CC_MODE": mode},
        )

    def change(self, call: Call, user: str, mode: str) -> Leg:
        """Change from one mode to another; answers the leg. Raises `NotFound`, `Conflict`."""
        leg = self._leg_of(call, user)
        before = call.monitors[leg.id]
        if before.mode == mode:
            return leg
        target = operator_of(call, user, mode)
        in_room = leg.role == Role.SEAT
        if in_room == (mode in IN_ROOM):
            self._record(call, cf.CallMonitored(user=user, mode=mode, leg_id=leg.id, target=_id(target)), actor=user)
            if not in_room and leg.answered_at is not None:
                self._send(self._calls.get(call.id), leg, MONITOR_CONTEXT, mode, target)
            elif not in_room:
                self._calls.do(self._pbx.set_variable(leg.channel_id, "CC_MODE", mode), f"mode {leg.id}")
            self._settle(self._calls.get(call.id))
            return leg
        if leg.answered_at is None:
            raise Conflict("pick up first, then change the mode")
        return self._recast(call, leg, mode, target)

    def _recast(self, call: Call, leg: Leg, mode: str, target: Leg | None) -> Leg:
        """The same line, in another part: beside the room, or in it."""
        new = new_id()
        role = Role.SEAT if mode in IN_ROOM else Role.MONITOR
        at, user = self._clock.now(), leg.number
        bodies: list[Body] = [
            cf.CallMonitored(user=user, mode=mode, leg_id=new, target=_id(target)),
            cf.LegEnded(leg_id=leg.id, role=leg.role, reason=CHANGED),
            cf.LegAdded(leg_id=new, role=role, number=user, wish_id=WISH, channel_id=leg.channel_id),
            cf.LegAnswered(leg_id=new, role=role),
        ]
        self._ledger.take_in([record(body, at, user, call_id=call.id, incident_id=call.incident_id) for body in bodies])
        call = self._calls.get(call.id)
        if mode in IN_ROOM:
            self._send(call, call.legs[new], LEG_CONTEXT, "s", target)
        else:
            self._send(call, call.legs[new], MONITOR_CONTEXT, mode, target)
        return call.legs[new]

    def _send(self, call: Call, leg: Leg, context: str, extension: str, target: Leg | None) -> None:
        self._calls.do(self._redirect(call, leg, context, extension, target), f"monitor {leg.id}")

    async def _redirect(self, call: Call, leg: Leg, context: str, extension: str, target: Leg | None) -> None:
        values = {**self._calls.variables(call, leg), "CC_SPY": target.channel_id if target is not None else ""}
        try:
            for name, value in values.items():
                await self._pbx.set_variable(leg.channel_id, name, value)
            await self._pbx.redirect(leg.channel_id, context, extension)
        except CallCenterError as error:
            log.warning("monitor_failed", leg_id=leg.id, error=error.code)
            self._hands.hang_up(leg)

    def end(self, call: Call, user: str) -> None:
        """The supervisor is off the call. Raises `NotFound`."""
        self._hands.hang_up(self._leg_of(call, user))

    def _leg_of(self, call: Call, user: str) -> Leg:
        for leg_id, monitor in call.monitors.items():
            leg = call.legs.get(leg_id)
            if monitor.user == user and leg is not None and leg.live:
                return leg
        raise NotFound(f"{user} does not monitor call {call.id}")

    # --- what follows --------------------------------------------------------------------------------------

    def resume(self) -> None:
        """After a restart: say of whom it is over, finish a take-over."""
        for call in self._calls.open_calls():
            self._settle(call)

    def _settle(self, call: Call) -> None:
        for leg_id, monitor in call.monitors.items():
            leg, target = call.legs.get(leg_id), call.legs.get(monitor.target)
            if leg is None or not leg.live:
                self._record(call, cf.MonitorEnded(user=monitor.user, leg_id=leg_id), actor=monitor.user)
            elif monitor.mode == TAKE_OVER and leg.in_room and target is not None and target.live:
                self._hands.hang_up(target, TAKEN_OVER)
            elif leg.role == Role.MONITOR and (target is None or not target.live):
                # An emergency took the operator's line: nobody goes along with it into another call.
                self._hands.hang_up(leg)

    def _react(self, fact: Fact) -> None:
        if isinstance(fact.body, (cf.LegJoined, cf.LegEnded)):
            call = self._calls.find(fact.call_id or "")
            about = fact.body.leg_id
            if call is not None and any(about in (leg_id, one.target) for leg_id, one in call.monitors.items()):
                self._settle(call)

    def _record(self, call: Call, body: Body, *, actor: str) -> None:
        self._ledger.record(body, actor=actor, call_id=call.id, incident_id=call.incident_id)


def operator_of(call: Call, user: str, mode: str) -> Leg | None:
    """The operator whom a supervisor listens to, speaks to, or releases: who has the caller longest.

    Raises `Conflict` when there is none, but for joining: whoever waits alone is glad of anybody.
    """
    seats = [leg for leg in call.live_legs if leg.role in STAFF and leg.accepted and leg.number != user]
    if not seats and mode != JOIN:
        raise Conflict("no operator is on this call; there is nobody to listen to")
    return min(seats, key=lambda leg: (leg.joined_at, leg.id), default=None)


def _id(leg: Leg | None) -> str:
    return leg.id if leg is not None else ""
