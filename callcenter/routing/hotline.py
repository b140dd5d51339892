"""The hotline's queues: who waits where, in what order, what they hear, and when their call is over (B1, B7)."""

from collections.abc import Callable, Iterable
from datetime import datetime

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Role, evolve
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.errors import Conflict, InvalidInput
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.queues.hours import is_open
from callcenter.queues.model import Book, Queue
from callcenter.routing import facts as f
from callcenter.routing.announcements import position_prompts, wait_prompts
from callcenter.routing.diversion import Diversion, Handler
from callcenter.routing.expected import expected_wait
from callcenter.routing.model import Demand
from callcenter.routing.overflow import FULL, Move, on_arrival
from callcenter.routing.service import Routing
from callcenter.routing.standing import Standing
from callcenter.telephony.events import HangupReason
from callcenter.telephony.pbx import Pbx

FIRST_ANNOUNCEMENT = 8.0
ANNOUNCE_EVERY = 25.0
"""Seconds after which a waiting caller first hears her place in the queue, and between two such announcements."""
HELD_PROMPT, LOST_PROMPT = "held-apology", "transferring"
"""What she hears whose operator was taken by an emergency, and whose is gone in another way: his phone died."""

DISPOSITIONS = ("answered", "work_order", "complaint", "enquiry", "callback", "wrong_number", "abandoned")


class Hotline(Standing):
    """Every hotline caller who waits."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        routing: Routing,
        pbx: Pbx,
        clock: Clock,
        *,
        book: Callable[[], Book] = Book,
        area_of: Callable[[str], str] = lambda _: "",
        trunk_caller: str = "",
    ) -> None:
        """``book``: the present queues; ``area_of``: an elder's area by her id; ``trunk_caller``: our own number."""
        super().__init__(calls, routing, clock, book)
        self._ledger = ledger
        self._routing = routing
        self._pbx = pbx
        self._area_of = area_of
        self._announce_at: dict[str, float] = {}
        self._sorry: dict[str, str] = {}
        """Callers who lost their operator and have not heard why yet: the prompt that says so."""
        self._keepers: list[Callable[[Call], bool]] = []
        self._diversion = Diversion(ledger, calls, self._waiters, clock, book, trunk_caller)
        self.also_say: Callable[[Call, float], list[str]] = lambda _, __: []
        """What else is said to a waiting caller after her place; asked with the call and the seconds she has waited."""
        default_ring, default_wrap_up = routing.ring_seconds_of, routing.wrap_up_of

        def ring_seconds(call_id: str) -> int:
            queue = self._queue_of_call(call_id)
            return default_ring(call_id) if queue is None or queue.ring_seconds is None else queue.ring_seconds

        def wrap_up(call_id: str) -> float:
            queue = self._queue_of_call(call_id)
            return default_wrap_up(call_id) if queue is None or queue.wrap_up_seconds is None else queue.wrap_up_seconds

        routing.ring_seconds_of, routing.wrap_up_of = ring_seconds, wrap_up
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)
        routing.add_source(self.demands)

    def enqueue(
        self,
        call_id: str,
        digit: str = "",
        *,
        queue: str = "",
        priority: int | None = None,
        prefer: str = "",
        only: bool = False,
        since: datetime | None = None,
        actor: str = "elder",
    ) -> None:
        """The one way into a queue: the caller now waits for a seat; raises `Conflict` when she has hung up.

        ``digit``: what she chose from the menu. ``queue``: a code, unknown or empty is the general queue. ``priority``:
        that of the queue when None. ``prefer``: the seat that should have her, for the first seconds nobody else if it
        is there; with ``only`` for `HELD_SECONDS` nobody else as long as its phone is on. ``since``: from when her
        place counts; when she called when None. To be called before an operator who had her leaves, else her call is
        over.
        """
        call = self._calls.get(call_id)
        if not call.open:
            raise Conflict(f"call {call_id} is over; nobody is there to wait")
        wanted = self._book().queue(queue)
        chosen = [cf.MenuChosen(digit=digit)] if digit else []
        body = f.HotlineQueued(
            queue=wanted.code,
            priority=wanted.priority if priority is None else priority,
            skill=wanted.skill,
            min_level=wanted.min_level,
            prefer=prefer,
            only=only,
            since=since,
            area=self._area_of(call.elder_id) if call.elder_id and wanted.area_first else "",
        )
        waiting = sum(self._code(one) == wanted.code for one in self._waiters.waiting.values())
        move = on_arrival(wanted, is_open=is_open(wanted, self._clock.now(), self._book().days), length=waiting)
        self._diversion.back(call_id, self._clock.monotonic())
        if move is not None and not (move.why == FULL and self.free_for(wanted.code)):
            self._diversion.at_arrival(call_id, move, self._clock.monotonic())
        self._ledger.record(*chosen, body, actor=actor, call_id=call_id)

    def leave(self, call_id: str, why: str, actor: str) -> None:
        """Take a caller out of the queue who stays on the line: parked, to voicemail. Harmless when she is in none."""
        if call_id in self._waiters.waiting:
            self._ledger.record(f.HotlineLeft(why=why), actor=actor, call_id=call_id)

    def send_on(self, call_id: str, to: str, why: str) -> None:
        """Send a caller who was just put into a queue on to ``to``, as its rules would, once she is in her room."""
        self._diversion.at_arrival(call_id, Move(to, why), self._clock.monotonic())

    def on_overflow(self, kind: str, handler: Handler) -> None:
        """Register who takes callers that overflow to ``kind`` (``voicemail``, ``callback``).

        The handler is asked with the call, whose caller is in her room; it says True when it has her now, else (or by
        a `CallCenterError`) she stays where she is.
        """
        self._diversion.handlers[kind] = handler

    def keep(self, keeper: Callable[[Call], bool]) -> None:
        """Register who keeps calls open that no operator is on (parked, on hold): asked with the call."""
        self._keepers.append(keeper)

    # --- who rings -----------------------------------------------------------------------------------------

    def demands(self, now: float) -> Iterable[Demand]:
        """Every waiting caller but who is on the way elsewhere. Who was on hold goes before, to the seat she had."""
        for waiting in self._waiters.waiting.values():
            if not self._diversion.on_the_way(waiting.call_id):
                yield self._demand(waiting, now)

    def tick(self, now: float) -> None:
        """Tell waiting callers their place, send on who should go elsewhere; ``now`` in monotonic seconds."""
        places: dict[str, int] = {}
        serving: dict[str, int] = {}
        for call_id in self.queue():
            waiting = self._waiters.waiting.get(call_id)
            if waiting is None:
                continue
            queue = self._book().queue(waiting.queue)
            position = places[queue.code] = places.get(queue.code, 0) + 1
            if queue.code not in serving:
                serving[queue.code] = self._serving(queue)
            expected = expected_wait(position, self._handling.mean(queue.code), serving[queue.code])
            if self._diversion.tick(waiting, queue, position, expected, now):
                continue
            if now >= self._announce_at.setdefault(call_id, now + FIRST_ANNOUNCEMENT):
                self._announce_at[call_id] = now + ANNOUNCE_EVERY
                self._announce(call_id, queue, position, expected, now - waiting.since)
        if self._waiters.waiting:
            self._routing.poke()

    def _announce(self, call_id: str, queue: Queue, position: int, expected: float | None, waited: float) -> None:
        call = self._calls.get(call_id)
        prompts = position_prompts(position) if queue.announce_position else []
        prompts += wait_prompts(expected) if queue.announce_wait else []
        prompts = [self._sorry.pop(call_id)] if call_id in self._sorry else [*prompts, *self.also_say(call, waited)]
        if prompts and any(leg.in_room for leg in call.elder_legs):
            self._calls.do(self._pbx.play(call.room, prompts), f"position {call_id}")

    # --- the end of a call ---------------------------------------------------------------------------------

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
            if not call.routine or call.via == "fallback":
                continue
            if self._over(call):
                self._calls.end(call)
            elif self._lost_its_place(call):
                self.enqueue(call.id, actor="system")
        if self._waiters.waiting:
            self._routing.poke()

    def _lost_its_place(self, call: Call) -> bool:
        known = call.id in self._waiters.waiting or call.id in self._waiters.gone
        there = any(leg.in_room for leg in call.elder_legs)
        return not known and call.human_at is None and there and not self._kept(call)

    def _kept(self, call: Call) -> bool:
        return any(keeper(call) for keeper in self._keepers)

    def _over(self, call: Call) -> bool:
        """A hotline call is over when either side hung up, unless the caller waits again; an emergency never (A2)."""
        waits = call.id in self._waiters.waiting or call.id in self._waiters.gone
        nobodys = not call.in_hand and not waits and not self._kept(call)
        return call.caller_gone or (call.human_at is not None and nobodys)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        self._waiters.apply(fact)
        match fact.body:
            case cf.LegEnded(role=Role.SEAT, leg_id=leg_id):
                call = self._calls.find(fact.call_id or "")
                queue = self._queue_of_call(call.id) if call is not None else None
                leg = call.legs.get(leg_id) if call is not None else None
                if call is not None and queue is not None and leg is not None and leg.joined_at is not None:
                    took = (fact.at - leg.joined_at).total_seconds()
                    self._handling.add(queue.code, took + self._routing.wrap_up_of(call.id))
            case _:
                pass

    def _react(self, fact: Fact) -> None:
        call = self._calls.find(fact.call_id) if fact.call_id else None
        if call is None:
            return
        match fact.body:
            case f.HotlineQueued():
                self._announce_at.setdefault(call.id, self._clock.monotonic() + FIRST_ANNOUNCEMENT)
                self._routing.poke()
            case f.HotlineHeld(seat=seat) if call.open:
                self._sorry[call.id] = HELD_PROMPT if seat else LOST_PROMPT
                # At the next beat: by then the operator has left her room and does not hear it.
                self._announce_at[call.id] = self._clock.monotonic()
                self._routing.poke()
            case f.HotlineLeft():
                self._left(call.id)
                self._stop_other_centre(call)
            case f.HotlineOverflowed():
                self._left(call.id)
            case cf.LineChanged() | cf.CallEnded():
                self._forget(call.id)
            case cf.LegJoined(role=role) if role in STAFF and call.routine:
                self._forget(call.id)
                self._stop_other_centre(call)
            case cf.LegEnded() if call.routine and call.via != "fallback" and self._over(call):
                self._forget(call.id)
                self._calls.end(call)
            case _:
                pass

    def _stop_other_centre(self, call: Call) -> None:
        for leg in call.live_legs:
            if leg.role == Role.CENTER and not leg.in_room:
                self._calls.hang_up(leg, HangupReason.CANCELLED)

    def _left(self, call_id: str) -> None:
        if call_id not in self._waiters.waiting:
            self._announce_at.pop(call_id, None)
            self._sorry.pop(call_id, None)
            self._diversion.left(call_id)
            self._routing.poke()

    def _forget(self, call_id: str) -> None:
        if call_id not in self._waiters.waiting:
            self._left(call_id)
            self._diversion.forget(call_id)
