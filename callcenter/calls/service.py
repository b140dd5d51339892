"""Calls at work: turns what Asterisk reports into facts, and wishes (dial, hang up, end) into what Asterisk does.

Holds every open call in memory and nothing else: no database on this path (A10).
"""

import math
from collections import OrderedDict
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog

from callcenter.calls import facts as f
from callcenter.calls.endings import Actions, Endings
from callcenter.calls.model import Call, Leg, LegEvent, Role, evolve, observe, variables_of
from callcenter.clock import Clock
from callcenter.errors import CallCenterError, Conflict, NotFound, PbxUnavailable
from callcenter.facts import Body, Fact, record
from callcenter.ids import new_id
from callcenter.ledger import Durable, Ledger
from callcenter.telephony.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelRinging,
    DialFailed,
    HangupReason,
    PbxEvent,
    RoomJoined,
    RoomLeft,
    Snapshot,
)
from callcenter.telephony.pbx import Dial, Pbx

log = structlog.get_logger(__name__)

MOVED_CONTEXT = "cc-preempted"
"""Where the dialplan takes over a line that comes from another call."""
RECENT_CALLS = 500
"""Ended calls that stay in memory, so that a question right after the end needs no database."""


class Calls:
    """Every open call, by id and by channel."""

    def __init__(self, ledger: Ledger, journal: Durable, pbx: Pbx, clock: Clock, recordings: Path) -> None:
        self._recordings = recordings
        self._ledger = ledger
        self._journal = journal
        self._pbx = pbx
        self._clock = clock
        self._open: dict[str, Call] = {}
        self._recent: OrderedDict[str, Call] = OrderedDict()
        self._call_of_channel: dict[str, str] = {}
        self._heard: dict[str, float] = {}
        """Channel → when (monotonic) it was last heard of, or came, or was dialled."""
        self._unsent: set[str] = set()
        """Legs on record whose dial is not yet with Asterisk."""
        self._actions = Actions()
        self._endings = Endings(pbx, self._actions)
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    # --- what is known -------------------------------------------------------------------------------------

    def get(self, call_id: str) -> Call:
        """The call, open or ended lately; raises `NotFound`."""
        call = self._open.get(call_id) or self._recent.get(call_id)
        if call is None:
            raise NotFound(f"call {call_id} is not live here")
        return call

    def find(self, call_id: str) -> Call | None:
        """The call, open or ended lately, or None."""
        return self._open.get(call_id) or self._recent.get(call_id)

    def open_calls(self) -> list[Call]:
        """Every open call, oldest first."""
        return list(self._open.values())

    def known(self) -> list[Call]:
        """Open and lately ended calls."""
        return [*self._recent.values(), *self._open.values()]

    def leg_of_channel(self, channel_id: str) -> tuple[Call, Leg] | None:
        """The live leg that a channel is, with its call."""
        call = self._open.get(self._call_of_channel.get(channel_id, ""))
        if call is None:
            return None
        legs = [leg for leg in call.legs.values() if leg.channel_id == channel_id]
        return (call, next((leg for leg in legs if leg.live), legs[0])) if legs else None

    # --- what we do ----------------------------------------------------------------------------------------

    def open(self, call_id: str, body: f.CallOpened, incident_id: str | None = None, *, actor: str = "pbx") -> Call:
        """Record a call that came in or is to go out; one of that id that is known already is returned as it is."""
        known = self.find(call_id)
        if known is None:
            self._heard[body.channel_id] = self._clock.monotonic()
            self._ledger.record(body, actor=actor, call_id=call_id, incident_id=incident_id)
        return self.get(call_id)

    def dial(
        self,
        call: Call,
        role: str,
        number: str,
        target: str,
        *,
        actor: str,
        context: str = "cc-leg",
        name: str = "",
        request_id: str | None = None,
        ring_seconds: int = 30,
        caller_number: str = "",
        caller_name: str = "",
        leg_id: str | None = None,
        wish_id: str = "",
        route: str = "",
        auto: bool = False,
        headers: Mapping[str, str] = MappingProxyType({}),
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> Leg:
        """Add a leg to an open call and dial it.

        ``wish_id``, ``route``, ``auto``: see `facts.LegAdded`. ``headers``: for the INVITE. ``variables``: more
        CC_* variables for the dialplan. The leg is a fact on disk before the dial is sent: after a crash it is found
        in the journal and not dialled again. Raises `Conflict` when the call is over.
        """
        if not call.open:
            raise Conflict(f"call {call.id} is over; nobody can be added to it")
        leg_id = leg_id or new_id()
        self._ledger.record(
            f.LegAdded(
                leg_id=leg_id,
                role=role,
                number=number,
                name=name,
                request_id=request_id,
                wish_id=wish_id,
                route=route,
                auto=auto,
            ),
            actor=actor,
            call_id=call.id,
            incident_id=call.incident_id,
        )
        leg = self.get(call.id).legs[leg_id]
        order = Dial(
            channel_id=leg_id,
            target=target,
            context=context,
            ring_seconds=ring_seconds,
            caller_number=caller_number,
            caller_name=caller_name,
            variables={**variables_of(call, leg, self._recordings), **variables},
            headers=headers,
        )
        self._unsent.add(leg_id)
        self._actions.start(self._send(order), f"dial {leg_id}")
        return leg

    async def _send(self, order: Dial) -> None:
        # Staff are only ever rung again by the ladder, so a repeated ring is harmless; a repeated 120 is not.
        if order.variables["CC_ROLE"] not in (Role.SEAT, Role.DUTY):
            await self._journal.durable()
        found = self.leg_of_channel(order.channel_id)
        if found is None or not found[1].live or order.channel_id in self._endings:
            self._unsent.discard(order.channel_id)
            self._end_leg(order.channel_id, HangupReason.CANCELLED, 0)
            return
        try:
            await self._pbx.originate(order)
            if order.channel_id in self._call_of_channel:
                self._heard[order.channel_id] = self._clock.monotonic()
        except PbxUnavailable:
            # It may ring or not (R3). Given up here, it would be hung up while it rings and then be dialled again;
            # the events, or the next comparison, tell.
            log.warning("dial_unanswered", leg_id=order.channel_id)
        except CallCenterError as error:
            log.warning("dial_failed", leg_id=order.channel_id, error=error.code)
            self._end_leg(order.channel_id, HangupReason.FAILED, 0)
        finally:
            self._unsent.discard(order.channel_id)

    def move(
        self, leg: Leg, source: Call, to: Call, *, also: Sequence[Body], actor: str, leg_id: str | None = None
    ) -> Leg:
        """Bring an operator's live line from one call to another, more urgent one (A9): no new ringing.

        The line's leg ends there as ``preempted``, after ``also``, and a new one begins here on the same channel.
        ``leg_id``: the line has moved already, as this leg; a crash took the facts of it.
        """
        moved_id = leg_id or new_id()
        at = self._clock.now()

        def said(body: Body, call: Call) -> Fact:
            return record(body, at, actor, call_id=call.id, incident_id=call.incident_id)

        self._ledger.take_in(
            [
                *(said(body, source) for body in also),
                said(f.LegEnded(leg_id=leg.id, role=leg.role, reason="preempted"), source),
                said(f.LegAdded(leg_id=moved_id, role=leg.role, number=leg.number, channel_id=leg.channel_id), to),
                said(f.LegAnswered(leg_id=moved_id, role=leg.role), to),
            ]
        )
        call = self.get(to.id)
        if leg_id is None:
            self._bring(call, call.legs[moved_id])
        return call.legs[moved_id]

    def _bring(self, call: Call, leg: Leg) -> None:
        """Send a moved line on its way into its call's room."""
        self._heard[leg.channel_id] = self._clock.monotonic()
        self._unsent.add(leg.channel_id)
        self._actions.start(self._redirect(call, leg), f"move {leg.id}")

    async def _redirect(self, call: Call, leg: Leg) -> None:
        try:
            for name, value in variables_of(call, leg, self._recordings).items():
                await self._pbx.set_variable(leg.channel_id, name, value)
            await self._pbx.redirect(leg.channel_id, MOVED_CONTEXT)
        except PbxUnavailable:
            log.warning("move_unsent", leg_id=leg.id)  # the next snapshot finds it in the wrong room
        except CallCenterError as error:
            log.warning("move_failed", leg_id=leg.id, error=error.code)
            self.hang_up(leg)
        finally:
            self._unsent.discard(leg.channel_id)

    def variables(self, call: Call, leg: Leg) -> dict[str, str]:
        """What the dialplan must know of a leg that is brought into a call's room by another way than `dial`."""
        return variables_of(call, leg, self._recordings)

    def hang_up(self, leg: Leg, reason: HangupReason = HangupReason.NORMAL, *, why: str = "") -> None:
        """Take a leg off its call, whatever it is doing; its end is a fact when Asterisk says so.

        ``why``: what that fact shall give as the reason, e.g. ``no_life``, in place of Asterisk's.
        """
        if leg.live:
            self._endings.hang_up(leg.channel_id, reason, why)

    def let_go(self, leg: Leg, context: str, *, why: str) -> None:
        """Take a leg out of the room into a context that tells it something and hangs up; ``why`` as in `hang_up`."""
        if leg.live:
            self._endings.let_go(leg.channel_id, context, why)

    def leaving(self, leg: Leg) -> bool:
        """Whether the leg has been told to end, and has not yet."""
        return self._endings.leaving(leg.channel_id)

    def end(self, call: Call) -> None:
        """End a call for everybody in it."""
        for leg in call.live_legs:
            reason = HangupReason.NORMAL if leg.in_room else HangupReason.CANCELLED
            self.hang_up(leg, reason)
        self.end_if_empty(call)

    def end_if_empty(self, call: Call) -> None:
        """Record the end of an open call that nobody is on any more."""
        if call.open and not call.live_legs:
            self._ledger.record(
                f.CallEnded(answered=call.human_at is not None, seconds=_seconds(call.invited_at, self._clock.now())),
                actor="pbx",
                call_id=call.id,
                incident_id=call.incident_id,
            )

    def do(self, action: Coroutine[Any, Any, None], name: str) -> None:
        """Let an action on the switchboard run by itself; what goes wrong is logged, never raised into the ladder."""
        self._actions.attempt(action, name)

    # --- what we hear --------------------------------------------------------------------------------------

    def observe(self, event: PbxEvent) -> None:
        """Take in one event of the switchboard."""
        match event:
            case ChannelRinging(channel_id):
                self._step(channel_id, LegEvent.RING)
            case ChannelAnswered(channel_id):
                self._step(channel_id, LegEvent.ANSWER)
            case RoomJoined(room, channel_id) if self._is_its_room(channel_id, room):
                self._step(channel_id, LegEvent.JOIN)
            case RoomLeft(room, channel_id) if self._is_its_room(channel_id, room):
                self._step(channel_id, LegEvent.LEAVE)
            case ChannelHungUp(channel_id, reason, cause):
                self._end_leg(channel_id, reason, cause)
            case DialFailed(channel_id, reason):
                self._end_leg(channel_id, reason, 0)
            case _:
                pass

    def _is_its_room(self, channel_id: str, room: str) -> bool:
        """A moved channel still leaves its old room: no news of its new call."""
        found = self.leg_of_channel(channel_id)
        return found is None or not found[1].moved or found[0].room == room

    def _step(self, channel_id: str, event: LegEvent) -> None:
        if event is not LegEvent.LEAVE:
            self._endings.insist(channel_id)
        found = self.leg_of_channel(channel_id)
        if found is None:
            return
        call, leg = found
        self._heard[channel_id] = self._clock.monotonic()
        if not leg.live and leg.role != Role.ELDER and event is not LegEvent.LEAVE:
            # Written off (a lost link), yet it lives: an ended leg stays ended, in Asterisk too.
            self.do(self._pbx.hangup(channel_id, HangupReason.CANCELLED), f"hang up {channel_id}")
        self._record(call, observe(call, leg.id, event))

    def _end_leg(self, channel_id: str, reason: str, cause: int) -> None:
        reason = self._endings.ended(channel_id, reason)
        found = self.leg_of_channel(channel_id)
        if found is not None:
            call, leg = found
            self._record(call, observe(call, leg.id, LegEvent.END, reason, cause))

    def _record(self, call: Call, bodies: list[Body]) -> None:
        if bodies:
            self._ledger.record(*bodies, actor="pbx", call_id=call.id, incident_id=call.incident_id)

    # --- restart and reconnect -----------------------------------------------------------------------------

    def reconcile(self, snapshot: Snapshot, *, arrived_before: float, asked: float = math.inf) -> None:
        """Bring every open call in line with what is live in Asterisk (after a restart or a lost link).

        Both in monotonic seconds. ``arrived_before``: callers who came at that moment or later may be younger than
        the snapshot, so their absence means nothing yet. ``asked``: when the snapshot was asked for, if events
        were taken in since: what was heard of a channel after that is newer than the snapshot.
        """
        room_of = {channel: room for room, members in snapshot.rooms.items() for channel in members}
        for call in self.open_calls():
            for leg in call.live_legs:
                live = snapshot.channels.get(leg.channel_id)
                heard = self._heard.get(leg.channel_id, -math.inf)
                if heard >= asked or leg.channel_id in self._unsent:
                    continue
                if live is None:
                    if leg.dialled or heard < arrived_before:
                        self._end_leg(leg.channel_id, "lost", 0)
                    continue
                if live.up:
                    self._step(leg.channel_id, LegEvent.ANSWER)
                room = room_of.get(leg.channel_id)
                elsewhere = leg.moved and room != call.room
                self._step(leg.channel_id, LegEvent.LEAVE if room is None or elsewhere else LegEvent.JOIN)
                if room is not None and elsewhere:
                    self._bring(call, leg)
        for call in self.open_calls():
            if call.legs and not call.kept:
                # A crash may have come between the end of the last leg and that of the call.
                self.end_if_empty(call)
        for leg in (leg for call in self.known() for leg in call.legs.values()):
            if not leg.live and leg.role != Role.ELDER and leg.channel_id in snapshot.channels:
                if (found := self.leg_of_channel(leg.channel_id)) is not None and found[1].live:
                    continue  # moved to another call
                self.do(self._pbx.hangup(leg.channel_id, HangupReason.CANCELLED), f"hang up {leg.channel_id}")
        # A leg that is still to be dialled is in no snapshot yet; the wish to be rid of it holds all the same.
        young = {leg.channel_id for call in self.open_calls() for leg in call.live_legs}
        self._endings.keep(snapshot.channels.keys() | young)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        if fact.call_id is None:
            return
        before = self.find(fact.call_id)
        after = evolve(before, fact)
        if after is None or after is before:
            return
        if after.open:
            self._open[after.id] = after
            for leg in after.legs.values():
                if leg.live:
                    self._call_of_channel[leg.channel_id] = after.id
                else:  # its channel may be another call's by now
                    self._call_of_channel.setdefault(leg.channel_id, after.id)
            return
        self._open.pop(after.id, None)
        for leg in after.legs.values():
            if self._call_of_channel.get(leg.channel_id) == after.id:
                del self._call_of_channel[leg.channel_id]
                self._heard.pop(leg.channel_id, None)
        self._recent[after.id] = after
        while len(self._recent) > RECENT_CALLS:
            self._recent.popitem(last=False)

    def _react(self, fact: Fact) -> None:
        call = self.find(fact.call_id or "")
        if isinstance(fact.body, f.LegEnded) and call is not None and not call.kept:
            self.end_if_empty(call)


def _seconds(start: datetime, end: datetime) -> float:
    """A duration that a clock set back cannot make negative (R23)."""
    return max(0.0, (end - start).total_seconds())
