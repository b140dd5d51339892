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
"""Seconds after which a waiting caller first hears her place in the queue, and between two such announcements."""

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
        ledger.on_react(self._react)
        routing.add_source(self.demands)

    def queue(self) -> list[str]:
        """Waiting calls, longest waiting first."""
        return sorted(self._waiting, key=lambda call_id: self._waiting[call_id])

    def enqueue(self, call_id: str, digit: str) -> None:
        """The caller chose from the menu and now waits for a seat; raises `Conflict` when she has hung up."""
        if not self._calls.get(call_id).open:
            raise Conflict(f"call {call_id} is over; nobody is there to wait")
        self._ledger.record(cf.MenuChosen(digit=digit), f.HotlineQueued(), actor="elder", call_id=call_id)

    def demands(self, now: float) -> Iterable[Demand]:
        """Every waiting caller; one seat each, the longest idle."""
        for call_id, since in self._waiting.items():
            yield Demand(
                call_id=call_id,
                targets=frozenset({Target.FREE}),
                ring_all=False,
                priority=0,
                since=since,
                resting=self._routing.resting(call_id),
            )

    def tick(self, now: float) -> None:
        """Tell waiting callers their place in the queue; ``now`` in monotonic seconds."""
        for position, call_id in enumerate(self.queue(), start=1):
            if now < self._announce_at[call_id]:
                continue
            self._announce_at[call_id] = now + ANNOUNCE_EVERY
            call = self._calls.get(call_id)
            if any(leg.in_room for leg in call.elder_legs):
                self._calls.do(self._pbx.play(call.room, position_prompts(position)), f"position {call_id}")
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
            if _over(call):
                self._calls.end(call)
            elif call.human_at is None and (call.digit or any(leg.in_room for leg in call.elder_legs)):
                self._wait(call)

    def _wait(self, call: Call) -> None:
        now = self._clock.monotonic()
        waited = max(0.0, (self._clock.now() - call.invited_at).total_seconds())
        self._waiting.setdefault(call.id, now - waited)
        self._announce_at.setdefault(call.id, now + FIRST_ANNOUNCEMENT)
        self._routing.poke()

    def _leave_queue(self, call_id: str) -> None:
        if self._waiting.pop(call_id, None) is not None:
            self._announce_at.pop(call_id, None)
            self._routing.poke()

    def _react(self, fact: Fact) -> None:
        call = self._calls.find(fact.call_id) if fact.call_id else None
        if call is None:
            return
        match fact.body:
            case f.HotlineQueued():
                self._wait(call)
            case cf.LineChanged() | cf.CallEnded():
                self._leave_queue(call.id)
            case cf.LegJoined(role=role) if role in STAFF and call.line == Line.HOTLINE:
                self._leave_queue(call.id)
            case cf.LegEnded() if call.line == Line.HOTLINE and call.via != "fallback" and _over(call):
                self._leave_queue(call.id)
                self._calls.end(call)
            case _:
                pass


def _over(call: Call) -> bool:
    """A hotline call is over when either side hung up; an emergency never is (A2)."""
    caller_gone = not any(leg.live for leg in call.elder_legs)
    return caller_gone or (call.human_at is not None and not call.staffed)


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
