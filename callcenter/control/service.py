"""Call control as people ask for it: hold, transfer, consult, three-way, park, mute, calls by operators.

All in the call's room: legs come and go, the call stays. Memory, the journal and Asterisk only (A10).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Leg, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.control import rules
from callcenter.control.hands import Hands
from callcenter.control.refusals import CallerGone, NobodyAnswered, NotOnTheCall, OnTheCallAlready
from callcenter.errors import Conflict, InvalidInput, NotFound
from callcenter.ids import new_id
from callcenter.telephony.pbx import Pbx

TRANSFERRING_PROMPT = "transferring"


class Queues(Protocol):
    """What control needs of the hotline's queues."""

    def knows(self, code: str) -> bool:
        """Whether there is a queue of that code."""

    def enqueue(self, call_id: str, *, queue: str, actor: str) -> None:
        """A caller waits in a queue."""


class Control:
    """What people do with calls. ``leads``: the user may act on calls of others."""

    def __init__(
        self,
        calls: Calls,
        hands: Hands,
        pbx: Pbx,
        clock: Clock,
        queues: Callable[[], Queues],
        recording_of: Callable[[str, datetime], str],
    ) -> None:
        """``recording_of``: where the audio of a call begun at a moment lies."""
        self._calls = calls
        self._hands = hands
        self._pbx = pbx
        self._clock = clock
        self._queues = queues
        self._recording_of = recording_of

    # --- hold ----------------------------------------------------------------------------------------------

    def hold(self, call: Call, user: str, *, leads: bool = False) -> None:
        """The caller hears music; everybody else talks on. Raises `Conflict`."""
        rules.must_be_routine(call, "put on hold")
        rules.operator_leg(call, user, leads=leads)
        if call.held:
            raise Conflict("the caller is on hold already")
        self._hands.hold(call, user)

    def resume(self, call: Call, user: str, *, leads: bool = False) -> None:
        """The caller is back in the room. Raises `Conflict` when she is not on hold."""
        rules.operator_leg(call, user, leads=leads)
        if not call.held:
            raise Conflict("the caller is not on hold")
        self._hands.bring_back(call, user)

    # --- transfer ------------------------------------------------------------------------------------------

    def transfer(self, call: Call, to: str, mode: str, user: str, *, leads: bool = False) -> None:
        """Give the caller to a seat, a queue or a number outside; ``mode``: ``blind`` or ``attended``.

        Raises `InvalidInput`, `NotFound`, `Conflict`.
        """
        kind, name = rules.target_of(to)
        to = f"{kind}:{name}"
        operator = self._movable(call, "transferred", user, leads=leads)
        if kind == rules.QUEUE:
            self._to_queue(call, name, mode, operator, user)
            return
        seat = self._hands.free_seat(name) if kind == rules.SEAT else None
        leg_id = new_id()
        started = cf.TransferStarted(to=to, mode=mode, by=operator.number, by_leg=operator.id, leg_id=leg_id)
        self._hands.record(call, started, actor=user)
        if mode != "attended":
            self._hands.bring_back(call, user)
        elif not call.held:
            self._hands.hold(call, user)
        if seat is not None:
            self._hands.dial_seat(call, seat, user, "transfer", leg_id)
        else:
            self._hands.dial_outside(call, Role.NUMBER, name, user, "transfer", leg_id)
        if mode == "blind":
            self._hands.let_go(call, operator, rules.TRANSFERRED)
            self._calls.do(self._pbx.play(call.room, [TRANSFERRING_PROMPT]), f"transfer {call.id}")

    def _to_queue(self, call: Call, queue: str, mode: str, operator: Leg, user: str) -> None:
        if mode != "blind":
            raise InvalidInput("a queue can only be transferred to blind: nobody is there to be asked", field="mode")
        if not self._queues().knows(queue):
            raise NotFound(f"no queue has the code {queue}")
        self._queues().enqueue(call.id, queue=queue, actor=user)
        self._hands.record(call, cf.CallTransferred(to=f"queue:{queue}", mode=mode, by=operator.number), actor=user)
        self._hands.bring_back(call, user)
        self._hands.let_go(call, operator, rules.TRANSFERRED)

    def complete(self, call: Call, user: str, *, leads: bool = False) -> None:
        """The one who was asked has the caller; the operator is let go. Raises `Conflict`."""
        rules.operator_leg(call, user, leads=leads)
        target = call.legs.get(call.transfer.leg_id) if call.transfer is not None else None
        if target is None or not target.in_room:
            raise NobodyAnswered("nobody has answered who could take the caller; wait, or cancel the transfer")
        self._hands.complete(call)

    def cancel(self, call: Call, user: str, *, leads: bool = False) -> None:
        """Nobody is asked any more; the caller is back with the operator. Raises `Conflict`."""
        rules.operator_leg(call, user, leads=leads)
        if call.transfer is None:
            raise Conflict("no transfer is under way")
        self._hands.fail(call, "cancelled", user)

    def _movable(self, call: Call, what: str, user: str, *, leads: bool) -> Leg:
        """The operator's leg of a call whose caller can be given away now; raises `Conflict`."""
        rules.must_be_routine(call, what)
        operator = rules.operator_leg(call, user, leads=leads)
        if call.transfer is not None:
            raise Conflict(f"a transfer to {call.transfer.to} is under way; complete or cancel it first")
        if not rules.caller_legs(call, held=False) + rules.caller_legs(call, held=True):
            raise CallerGone(f"the caller is not there; nobody can be {what}")
        return operator

    # --- more people ---------------------------------------------------------------------------------------

    def invite(self, call: Call, to: str, user: str, *, leads: bool = False) -> Leg:
        """Bring a seat or a number into the room, beside the caller. Raises `InvalidInput`, `NotFound`, `Conflict`."""
        kind, name = rules.target_of(to)
        if kind == rules.QUEUE:
            raise InvalidInput("a queue cannot be brought in; name a seat or a number", field="to")
        rules.must_be_routine(call, "joined this way; ask for help in the emergency")
        rules.operator_leg(call, user, leads=leads)
        if any(leg.number == name for leg in call.live_legs):
            raise OnTheCallAlready(f"{name} is on the call, or is being called already")
        if kind == rules.NUMBER:
            return self._hands.dial_outside(call, Role.NUMBER, name, user, "invite")
        return self._hands.dial_seat(call, self._hands.free_seat(name), user, "invite")

    def rejoin(self, call: Call, user: str) -> Leg:
        """Ring one's own seat into an emergency's room: its page was reloaded, or he left her with others.

        Raises `Conflict` when the seat is in it, rings or talks already.
        """
        if any(leg.role == Role.SEAT and leg.number == user for leg in call.live_legs):
            raise Conflict(f"{user} is on the call, or is being rung for it")
        return self._hands.dial_seat(call, self._hands.free_seat(user), user, "rejoin")

    def remove(self, call: Call, leg_id: str, user: str, *, leads: bool = False) -> Leg:
        """Take somebody out, or stop calling them; never the caller. Raises `NotFound`, `Conflict`."""
        rules.must_be_routine(call, "handled this way")
        rules.operator_leg(call, user, leads=leads)
        leg = _live_leg(call, leg_id)
        if leg.role == Role.ELDER:
            raise Conflict("the caller's own line is not taken out; hang up the call")
        self._hands.record(call, cf.LegRemoved(leg_id=leg.id, role=leg.role), actor=user)
        self._hands.hang_up(leg)
        return leg

    def mute(self, call: Call, leg_id: str, muted: bool, user: str, *, leads: bool = False) -> Leg:
        """Keep a voice out of the room, or let it in; never an elder's in need. Raises `NotFound`, `Conflict`."""
        rules.operator_leg(call, user, leads=leads)
        leg = _live_leg(call, leg_id)
        if leg.role == Role.ELDER and not call.routine:
            raise Conflict("an elder in need is never muted: everybody must hear her")
        if not leg.in_room:
            raise Conflict(f"leg {leg_id} is {leg.state}, not in the room; there is nobody to mute")
        self._hands.record(call, cf.CallMuted(leg_id=leg.id, role=leg.role, muted=muted), actor=user)
        self._calls.do(self._pbx.mute(call.room, leg.channel_id, muted), f"mute {leg.id}")
        return self._calls.get(call.id).legs[leg.id]

    def hang_up(self, call: Call, user: str, *, leads: bool = False) -> None:
        """End the call for everybody in it. Raises `Conflict` for an emergency."""
        rules.must_be_routine(call, "hung up on")
        mine = any(leg.role == Role.SEAT and leg.number == user for leg in call.live_legs)
        if not mine and not leads:
            raise NotOnTheCall("only who is on the call may hang it up")
        self._calls.end(call)

    # --- park ----------------------------------------------------------------------------------------------

    def park(self, call: Call, user: str, *, leads: bool = False) -> int:
        """The caller waits with music in a numbered slot; answers the slot. Raises `Conflict`."""
        operator = self._movable(call, "parked", user, leads=leads)
        slot = rules.free_slot({one.parked.slot for one in self._calls.open_calls() if one.parked is not None})
        self._hands.record(call, cf.CallParked(slot=slot, by=operator.number), actor=user)
        self._hands.bring_back(call, user)
        for leg in call.live_legs:
            if leg.role not in (Role.ELDER, Role.MONITOR):
                self._hands.let_go(call, leg, rules.PARKED)
        return slot

    def retrieve(self, call: Call, user: str) -> Leg:
        """Fetch a parked caller to the user's own seat. Raises `NotFound`, `Conflict`."""
        if call.parked is None or not call.open:
            raise Conflict(f"call {call.id} is not parked")
        if rules.on_the_way(call):
            raise Conflict("somebody is fetching her already")
        return self._hands.dial_seat(call, self._hands.free_seat(user), user, "retrieve")

    # --- calls by operators --------------------------------------------------------------------------------

    def call_out(
        self,
        raw: str,
        user: str,
        *,
        purpose: str = "other",
        elder_id: str | None = None,
        elder_name: str = "",
        work_order_id: str = "",
    ) -> Call:
        """Call somebody: the user's own seat rings, then the number. Raises `InvalidInput`, `NotFound`, `Conflict`."""
        number = rules.dialable(raw)
        seat = self._hands.free_seat(user)
        call_id, now = new_id(), self._clock.now()
        opened = cf.CallOpened(
            line=Line.OUTBOUND,
            caller=number,
            did="",
            room=call_id,
            recording=self._recording_of(call_id, now),
            invited_at=now,
            elder_id=elder_id,
            elder_name=elder_name,
            via="outbound",
            purpose=purpose,
            work_order_id=work_order_id,
        )
        call = self._calls.open(call_id, opened, actor=user)
        self._hands.dial_seat(call, seat, user, "outbound")
        return self._calls.get(call_id)


def _live_leg(call: Call, leg_id: str) -> Leg:
    leg = call.legs.get(leg_id)
    if leg is None or not leg.live:
        raise NotFound(f"no leg {leg_id} is on call {call.id}")
    return leg
