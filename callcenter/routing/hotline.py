"""The hotline's queue: who waits, in what order, what they hear, and when their call is over (B1, B7)."""

from collections.abc import Iterable

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Line, evolve
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.errors import Conflict, InvalidInput
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.routing import facts as f
from callcenter.routing.model import Demand, Target
from callcenter.routing.service import Routing
from callcenter.telephony.pbx import Pbx

FIRST_ANNOUNCEMENT = 8.0
ANNOUNCE_EVERY = 25.0
HELD_PROMPT = "held-apology"
"""Seconds after which a waiting caller first hears her place in the queue, and between two such announcements."""

HELD_SECONDS = 30.0
"""How long a caller whose operator was taken by an emergency waits for that seat; after that any free one may have her.
"""

DISPOSITIONS = ("answered", "work_order", "complaint", "enquiry", "callback", "wrong_number", "abandoned")


class Hotline:
    """Every hotline caller who waits."""

    def __init__(self, ledger: Ledger, calls: Calls, routing: Routing, pbx: Pbx, clock: Clock) -> None:
        self._ledger = ledger
        self._calls = calls
        self._routing = routing
        self._pbx = pbx
        self._clock = clock
        self._waiting: dict[str, float] = {}
        self._announce_at: dict[str, float] = {}
        self._held: dict[str, tuple[str, float]] = {}
        """Callers whose operator was taken by an emergency: by which seat they were served, since when (monotonic)."""
        self._sorry: set[str] = set()
        """Of those, who has not heard our apology yet."""
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)
        routing.add_source(self.demands)

    def queue(self) -> list[str]:
        """Waiting calls: those on hold for an emergency first, then longest waiting first."""
        return sorted(self._waiting, key=lambda call_id: (call_id not in self._held, self._waiting[call_id]))

    def enqueue(self, call_id: str, digit: str) -> None:
        """The caller chose from the menu and now waits for a seat; raises `Conflict` when she has hung up."""
        if not self._calls.get(call_id).open:
            raise Conflict(f"call {call_id} is over; nobody is there to wait")
        self._ledger.record(cf.MenuChosen(digit=digit), f.HotlineQueued(), actor="elder", call_id=call_id)

    def demands(self, now: float) -> Iterable[Demand]:
        """Every waiting caller; one seat each, the longest idle. Who was on hold goes before, to the seat she had."""
        for call_id, since in self._waiting.items():
            seat, held_at = self._held.get(call_id, ("", now))
            yield Demand(
                call_id=call_id,
                targets=frozenset({Target.FREE}),
                ring_all=False,
                priority=int(bool(seat)),
                since=since,
                resting=self._routing.resting(call_id),
                seat=seat,
                only=bool(seat) and now - held_at < HELD_SECONDS and self._routing.has_phone(seat),
            )

    def tick(self, now: float) -> None:
        """Tell waiting callers their place in the queue; ``now`` in monotonic seconds."""
        for position, call_id in enumerate(self.queue(), start=1):
            if now < self._announce_at[call_id]:
                continue
            self._announce_at[call_id] = now + ANNOUNCE_EVERY
            call = self._calls.get(call_id)
            prompts = [HELD_PROMPT] if call_id in self._sorry else position_prompts(position)
            self._sorry.discard(call_id)
            if any(leg.in_room for leg in call.elder_legs):
                self._calls.do(self._pbx.play(call.room, prompts), f"position {call_id}")
        if self._waiting:
            self._routing.poke()

    def dispose(self, call: Call, disposition: str, summary: str, kind: str, elder_id: str | None, actor: str) -> Call:
        """Record how a hotline call was dealt with; raises `InvalidInput`, `Conflict` when it was already."""
        if disposition not in DISPOSITIONS:
            raise InvalidInput(f"disposition must be one of {', '.join(DISPOSITIONS)}, not {disposition!r}")
        if call.disposition:
            raise Conflict(f"call {call.id} is already dispositioned as {call.disposition}")
        (fact,) = self._ledger.record(
            cf.CallDispositioned(
                disposition=disposition, summary=summary, kind=kind, elder_id=elder_id or call.elder_id
            ),
            actor=actor,
            call_id=call.id,
            incident_id=call.incident_id,
        )
        return evolve(call, fact) or call

    def resume(self) -> None:
        """After a restart: whoever had met no seat waits on, in the old order; what was over is ended.

        A caller comes to her room only by the menu, so one who is there has chosen, whatever the journal lost.
        """
        for call in self._calls.open_calls():
            if call.line != Line.HOTLINE or call.via == "fallback":
                continue
            if self._over(call):
                self._calls.end(call)
            elif self._waits(call):
                self._wait(call)

    def _waits(self, call: Call) -> bool:
        if call.id in self._held:
            return not call.staffed
        return call.human_at is None and bool(call.digit or any(leg.in_room for leg in call.elder_legs))

    def _wait(self, call: Call) -> None:
        now = self._clock.monotonic()
        waited = max(0.0, (self._clock.now() - call.invited_at).total_seconds())
        self._waiting.setdefault(call.id, now - waited)
        self._announce_at.setdefault(call.id, now + FIRST_ANNOUNCEMENT)
        self._routing.poke()

    def _leave_queue(self, call_id: str) -> None:
        if self._waiting.pop(call_id, None) is not None:
            self._announce_at.pop(call_id, None)
            self._sorry.discard(call_id)
            self._routing.poke()

    def _over(self, call: Call) -> bool:
        """A hotline call is over when either side hung up, unless its operator was taken; an emergency never (A2)."""
        caller_gone = not any(leg.live for leg in call.elder_legs)
        return caller_gone or (call.human_at is not None and not call.staffed and call.id not in self._held)

    def _apply(self, fact: Fact) -> None:
        match fact.body:
            case f.HotlineHeld(seat=seat) if fact.call_id is not None:
                self._held[fact.call_id] = (seat, self._clock.monotonic())
            case cf.LegJoined(role=role) if role in STAFF:
                self._held.pop(fact.call_id or "", None)
            case cf.LineChanged() | cf.CallEnded():
                self._held.pop(fact.call_id or "", None)
            case _:
                pass

    def _react(self, fact: Fact) -> None:
        call = self._calls.find(fact.call_id) if fact.call_id else None
        if call is None:
            return
        match fact.body:
            case f.HotlineQueued():
                self._wait(call)
            case f.HotlineHeld() if call.open:
                self._wait(call)
                self._sorry.add(call.id)
                # At the next beat: by then the operator has left her room and does not hear it.
                self._announce_at[call.id] = self._clock.monotonic()
            case cf.LineChanged() | cf.CallEnded():
                self._leave_queue(call.id)
            case cf.LegJoined(role=role) if role in STAFF and call.line == Line.HOTLINE:
                self._leave_queue(call.id)
            case cf.LegEnded() if call.line == Line.HOTLINE and call.via != "fallback" and self._over(call):
                self._leave_queue(call.id)
                self._calls.end(call)
            case _:
                pass


def position_prompts(position: int) -> list[str]:
    """The prompts that say a place in the queue, in Mandarin."""
    if position <= 1:
        return ["next-in-line"]
    return ["you-are-number", *number_prompts(position), "position-suffix"]


def number_prompts(number: int) -> list[str]:
    """A number from 1 to 999 as prompts: 12 → 十二, 105 → 一百零五. Larger ones are said as 999."""
    number = min(number, 999)
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    prompts = [f"digit-{hundreds}", "number-100"] if hundreds else []
    if tens:
        if tens > 1 or hundreds:
            prompts.append(f"digit-{tens}")
        prompts.append("number-10")
    elif hundreds and ones:
        prompts.append("digit-0")
    if ones or not prompts:
        prompts.append(f"digit-{ones}")
    return prompts
