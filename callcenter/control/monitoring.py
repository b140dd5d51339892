"""Supervisors on a call: listen (heard by nobody), whisper (heard by the operator alone), join, take over (B7).

Listening and whispering are Asterisk's ChanSpy on the operator's line, from the supervisor's own seat phone: no part of
the room. Who joins or takes over is a seat in the room like any other; the phone stays up between the modes. Whoever
has the call next, the supervisor stays with it: between two operators he hears what the caller hears.
"""

import asyncio

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Leg, Monitor, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.control.hands import LEG_CONTEXT, Hands
from callcenter.control.rules import PREEMPTED, TAKEN_OVER
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
        self._due: set[str] = set()
        """Calls that are looked at when everybody has reacted to what is happening."""
        ledger.on_react(self._react)

    def start(self, call: Call, user: str, mode: str) -> Leg:
        """Ring the supervisor's own seat for a call; answers its leg. Raises `NotFound`, `Conflict`."""
        if not call.open:
            raise Conflict(f"call {call.id} is over", reason="call_over")
        if any(leg.number == user and leg.role in (Role.SEAT, Role.MONITOR) for leg in call.live_legs):
            raise Conflict(f"{user} is on this call already; change the mode, or hang up first", reason="on_this_call")
        if any(
            leg.number == user and leg.role == Role.MONITOR for one in self._calls.open_calls() for leg in one.live_legs
        ):
            raise Conflict(
                f"{user} listens to another call, and has one phone; end that first", reason="listens_already"
            )
        target = operator_of(call, user, mode)
        seat = self._hands.free_seat(user)
        leg_id = new_id()
        monitored = _monitored(user, mode, leg_id, target)
        self._record(call, monitored, actor=user)
        if mode in IN_ROOM:
            return self._hands.dial_seat(call, seat, user, WISH, leg_id)
        return self._dial_spy(call, seat, monitored, target)

    def _dial_spy(self, call: Call, seat: Seat, monitored: cf.CallMonitored, target: Leg | None) -> Leg:
        return self._calls.dial(
            self._calls.get(call.id),
            Role.MONITOR,
            seat.user,
            f"PJSIP/{seat.endpoint}",
            actor=seat.user,
            context=MONITOR_CONTEXT,
            caller_number=call.caller,
            caller_name=call.elder_name,
            leg_id=monitored.leg_id,
            variables=_variables(monitored.part, target),
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
            if in_room:
                self._record(call, _monitored(user, mode, leg.id, target), actor=user)
            else:
                self._listen_on(call, leg, mode, target, user)
            self._settle(self._calls.get(call.id))
            return leg
        if leg.answered_at is None:
            raise Conflict("pick up first, then change the mode", reason="pick_up_first")
        return self._recast(call, leg, mode, target)

    def _recast(self, call: Call, leg: Leg, mode: str, target: Leg | None) -> Leg:
        """The same line, in another part: beside the room, or in it."""
        new = new_id()
        role = Role.SEAT if mode in IN_ROOM else Role.MONITOR
        at, user = self._clock.now(), leg.number
        bodies: list[Body] = [
            _monitored(user, mode, new, target),
            cf.LegEnded(leg_id=leg.id, role=leg.role, reason=CHANGED),
            cf.LegAdded(leg_id=new, role=role, number=user, wish_id=WISH, channel_id=leg.channel_id),
            cf.LegAnswered(leg_id=new, role=role),
        ]
        self._ledger.take_in([record(body, at, user, call_id=call.id, incident_id=call.incident_id) for body in bodies])
        call = self._calls.get(call.id)
        if mode in IN_ROOM:
            self._send(call, call.legs[new], LEG_CONTEXT, target)
        else:
            self._send(call, call.legs[new], MONITOR_CONTEXT, target)
        return call.legs[new]

    def _listen_on(self, call: Call, leg: Leg, mode: str, target: Leg | None, actor: str) -> None:
        """His line goes on, in another mode or on another's line; if it still rings, when it is picked up."""
        self._record(call, _monitored(leg.number, mode, leg.id, target), actor=actor)
        self._send(self._calls.get(call.id), leg, MONITOR_CONTEXT, target)

    def _send(self, call: Call, leg: Leg, context: str, target: Leg | None) -> None:
        self._calls.do(self._redirect(call, leg, context, target), f"monitor {leg.id}")

    async def _redirect(self, call: Call, leg: Leg, context: str, target: Leg | None) -> None:
        spies = _variables(call.monitors[leg.id].part, target)
        try:
            for name, value in {**self._calls.variables(call, leg), **spies}.items():
                await self._pbx.set_variable(leg.channel_id, name, value)
            now = self._calls.leg_of_channel(leg.channel_id)
            if now is not None and now[1].answered_at is not None:
                await self._pbx.redirect(leg.channel_id, context)
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
            elif leg.role == Role.MONITOR and not self._calls.leaving(leg):
                self._follow(call, leg, monitor)

    def _follow(self, call: Call, leg: Leg, monitor: Monitor) -> None:
        """Who listens stays with the call: on the line of who has it, between two operators on the caller's."""
        before = call.legs.get(monitor.target)
        if before is not None and before.live and before.role in STAFF:
            return
        target = _operator(call, monitor.user)
        if target is None and before is not None and before.reason == PREEMPTED:
            # An emergency took the operator's line: nobody goes along with it into another call.
            self._hands.hang_up(leg, PREEMPTED)
            return
        target = target or next(
            (one for one in call.elder_legs if one.live and (one.answered_at or one.joined_at)), None
        )
        if target is None or (call.routine and call.caller_gone):
            self._hands.hang_up(leg)
        elif target.id != monitor.target:
            self._listen_on(call, leg, monitor.mode, target, "system")

    def _react(self, fact: Fact) -> None:
        call = self._calls.find(fact.call_id or "")
        if call is None or not call.monitors or call.id in self._due:
            return
        if isinstance(fact.body, (cf.LegAnswered, cf.LegJoined, cf.LegAccepted, cf.LegEnded)):
            # Not in the middle of it: who hangs up ends the call, who gives it away does not.
            self._due.add(call.id)
            asyncio.get_running_loop().call_soon(self._look, call.id)

    def _look(self, call_id: str) -> None:
        self._due.discard(call_id)
        call = self._calls.find(call_id)
        if call is not None:
            self._settle(call)

    def _record(self, call: Call, body: Body, *, actor: str) -> None:
        self._ledger.record(body, actor=actor, call_id=call.id, incident_id=call.incident_id)


def operator_of(call: Call, user: str, mode: str) -> Leg | None:
    """The operator whom a supervisor listens to, speaks to, or releases: who has the caller longest.

    Raises `Conflict` when there is none, but for joining: whoever waits alone is glad of anybody.
    """
    found = _operator(call, user)
    if found is None and mode != JOIN:
        raise Conflict("no operator is on this call; there is nobody to listen to", reason="nobody_to_hear")
    return found


def _operator(call: Call, user: str) -> Leg | None:
    seats = [leg for leg in call.live_legs if leg.role in STAFF and leg.accepted and leg.number != user]
    return min(seats, key=lambda leg: (leg.joined_at, leg.id), default=None)


def _monitored(user: str, mode: str, leg_id: str, target: Leg | None) -> cf.CallMonitored:
    """The fact; what is whispered to an operator is a recording of its own."""
    heard = mode == WHISPER and target is not None and target.role in STAFF
    return cf.CallMonitored(
        user=user,
        mode=mode,
        leg_id=leg_id,
        target=target.id if target is not None else "",
        part=new_id() if heard else "",
    )


def _variables(part: str, target: Leg | None) -> dict[str, str]:
    """What the dialplan must know: whose line, and whether he is heard on it. Never on a caller's."""
    spied = target.channel_id if target is not None else ""
    return {"CC_SPY": spied, "CC_MODE": WHISPER if part else LISTEN, "CC_PART": part}
