"""Ways between the menu, the queue, voicemail and a call-back: who goes where, without losing her place (B1)."""

from collections.abc import Callable
from typing import Protocol

import structlog

from callcenter.callbacks.desk import WORD as CALLBACK_WORD
from callcenter.callbacks.desk import CallBackDesk, Place
from callcenter.callbacks.service import CallBacks
from callcenter.calls.model import Call, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency.model import Incident, Who
from callcenter.emergency.plan import Plan
from callcenter.ledger import Ledger
from callcenter.menus.book import Book
from callcenter.menus.flow import CONTEXT, MenuFlow
from callcenter.menus.model import EMERGENCY_KEY
from callcenter.routing import facts as rf
from callcenter.routing.hotline import Hotline
from callcenter.telephony.events import SeatCode
from callcenter.telephony.pbx import Pbx
from callcenter.voicemail.service import WORD as VOICEMAIL_WORD
from callcenter.voicemail.service import Voicemails

log = structlog.get_logger(__name__)

KEY_CODE = "caller-"
"""The dialplan's code for a key that a caller pressed in her room."""
CALLBACK_KEY = "1"
OFFER_PROMPT = "callback-offer"
STRAY_SECONDS = 3.0
"""Who is alone in her room for so long and waits for nobody (she was sent elsewhere, and did not go) waits again."""
LOOK_SECONDS = 1.0
OFFER_AGAIN = 75.0
"""Seconds after which a call-back is offered once more to somebody who waits on."""


class Escalation(Protocol):
    """Whoever makes a routine call an emergency: `agi.Arrivals`."""

    def escalate(self, call: Call) -> None:
        """As the caller asked by key."""

    def raise_call(
        self, call: Call, who: Who, plan: Plan, *, room: str, origin: str, kind: str, actor: str
    ) -> Incident:
        """As somebody at the desk says."""


class Ways:
    """Everybody on the way from one to another."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        hotline: Hotline,
        callbacks: CallBacks,
        voicemails: Voicemails,
        menus: Callable[[], Book],
        escalation: Escalation,
        pbx: Pbx,
        clock: Clock,
        *,
        offer_after: float,
    ) -> None:
        """``menus``: the live menu and those it replaced. ``offer_after``: seconds of waiting after which a call-back
        is offered; 0: never."""
        self._ledger = ledger
        self._calls = calls
        self._hotline = hotline
        self._callbacks = callbacks
        self._escalation = escalation
        self._pbx = pbx
        self._clock = clock
        self._offer_after = offer_after
        self._offered: dict[str, float] = {}
        self._strays: dict[str, float] = {}
        self._look_at = 0.0
        self.flow = MenuFlow(
            ledger, calls, menus, escalate=escalation.escalate, enqueue=self.enqueue, divert=self.divert
        )
        self.flow.add_desk(VOICEMAIL_WORD, voicemails)
        self.flow.add_desk(CALLBACK_WORD, CallBackDesk(callbacks, self._place_of, self._go_back))
        hotline.on_overflow("voicemail", self._to_voicemail)
        hotline.on_overflow("callback", self._to_callback)
        hotline.also_say = self.offer

    # --- out of the menu -----------------------------------------------------------------------------------

    def enqueue(self, call: Call, queue: str, digit: str) -> str:
        """Let her wait in a queue; if she was to be called back, in the place that she kept."""
        kept = self._callbacks.place_of(call.caller, call.id)
        if kept is None:
            self._hotline.enqueue(call.id, digit, queue=queue)
        else:
            priority = kept.priority or None
            self._hotline.enqueue(call.id, digit, queue=queue or kept.queue, priority=priority, since=kept.since)
        return ""

    def divert(self, call: Call, to: str) -> str:
        """Let her take another way than a queue; answers with the word of the desk that has her now."""
        if to.startswith("number:"):
            # Until somebody there is with her she waits for a seat as well: a number may be busy.
            self._hotline.enqueue(call.id)
            self._hotline.send_on(call.id, to, "menu")
            return ""
        self._ledger.record(rf.HotlineLeft(why=to), actor="elder", call_id=call.id)
        return to

    # --- out of the queue ----------------------------------------------------------------------------------

    def offer(self, call: Call, waited: float) -> list[str]:
        """What a waiting caller hears after her place in the queue: that she may be called back instead."""
        now = self._clock.monotonic()
        if not self._offer_after or waited < self._offer_after or now < self._offered.get(call.id, 0.0):
            return []
        self._offered = {one: at for one, at in self._offered.items() if at > now} | {call.id: now + OFFER_AGAIN}
        return [OFFER_PROMPT]

    def key(self, event: SeatCode) -> bool:
        """A caller pressed a key in her room; True when it was one. Only while she waits: talking she just talks.

        9 is an emergency for whoever is alone with music: parked, or between two operators, as well as in a queue.
        """
        if not event.code.startswith(KEY_CODE):
            return False
        found = self._calls.leg_of_channel(event.channel_id)
        if found is None:
            return True
        call, key = found[0], event.code.removeprefix(KEY_CODE)
        if key == EMERGENCY_KEY and call.routine and _alone(call):
            self._to_emergency(call)
        elif key == CALLBACK_KEY and call.id in self._hotline.queue() and not call.staffed:
            place = self._place_of(call)
            self._hotline.leave(call.id, "callback", "elder")
            self._send(call, place.word())
        return True

    def _to_emergency(self, call: Call) -> None:
        self._escalation.escalate(call)
        now = self._calls.get(call.id)
        self._send(now, "", context="cc-room", more={"CC_ROOM": now.room, "CC_LINE": Line.EMERGENCY.value})

    def raise_by_hand(self, call: Call, who: Who, plan: Plan, *, kind: str, actor: str) -> Incident:
        """An operator says that a routine call is an emergency: everybody in it stays together (A2, B1).

        Her line goes into the emergency's room, which keeps it from then on, also from hold or a menu. Where she has an
        open emergency already, whoever is with her goes there too.
        """
        incident = self._escalation.raise_call(call, who, plan, room=call.room, origin="desk", kind=kind, actor=actor)
        there = {"CC_ROOM": incident.room, "CC_LINE": Line.EMERGENCY.value}
        for leg in call.live_legs:
            if self._calls.leaving(leg) or leg.role == Role.MONITOR:
                continue
            if leg.role == Role.ELDER and leg.answered_at is not None:
                self._calls.do(self._redirect(leg.channel_id, "cc-room", there), f"raise {call.id}")
            elif leg.in_room and incident.room != call.room:
                self._calls.do(self._redirect(leg.channel_id, "cc-leg", there, "rejoin"), f"raise {call.id}")
        return incident

    def _to_voicemail(self, call: Call) -> bool:
        return self._send(call, f"{VOICEMAIL_WORD}:{self._why(call)}")

    def _to_callback(self, call: Call) -> bool:
        return self._send(call, self._place_of(call).word())

    def _why(self, call: Call) -> str:
        """Why she cannot be served, as the voicemail's greeting says it."""
        return "closed" if self._hotline.closed(call.id) else "busy"

    def _send(self, call: Call, word: str, *, context: str = CONTEXT, more: dict[str, str] | None = None) -> bool:
        """Take her line out of her room, to where the dialplan asks what is next."""
        legs = [leg for leg in call.elder_legs if leg.in_room and not self._calls.leaving(leg)]
        for leg in legs:
            self._calls.do(self._redirect(leg.channel_id, context, {"CC_NODE": word} | (more or {})), f"send {call.id}")
        return bool(legs)

    async def _redirect(self, channel_id: str, context: str, variables: dict[str, str], extension: str = "s") -> None:
        for name, value in variables.items():
            await self._pbx.set_variable(channel_id, name, value)
        await self._pbx.redirect(channel_id, context, extension)

    def tick(self, now: float) -> None:
        """Find who was sent on and is still where she was, and let her wait again; ``now`` in monotonic seconds."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        strays = {call.id: call for call in self._calls.open_calls() if self._strayed(call)}
        self._strays = {call_id: self._strays.get(call_id, now) for call_id in strays}
        for call_id, since in self._strays.items():
            if now - since >= STRAY_SECONDS:
                log.warning("stray", call_id=call_id)
                self._hotline.enqueue(call_id, queue=self._hotline.queue_of(call_id), actor="system")

    def _strayed(self, call: Call) -> bool:
        if call.line != Line.HOTLINE or call.human_at is not None or call.parked or call.held or call.transfer:
            return False
        there = any(leg.in_room for leg in call.elder_legs)
        return there and not call.staffed and self._hotline.place(call.id) is None and call.via != "fallback"

    # --- places --------------------------------------------------------------------------------------------

    def _place_of(self, call: Call) -> Place:
        found = self._hotline.place(call.id)
        if found is None:
            return Place(self._hotline.queue_of(call.id), call.invited_at)
        queue, since, priority = found
        return Place(queue, since, priority)

    def _go_back(self, call: Call, place: Place) -> None:
        self._hotline.enqueue(call.id, queue=place.queue, priority=place.priority or None, since=place.since)


def _alone(call: Call) -> bool:
    """Whether nobody speaks with her; a supervisor who listens is nobody."""
    return not any(leg.in_room for leg in call.live_legs if leg.role not in (Role.ELDER, Role.MONITOR))


__all__ = ["Ways"]
