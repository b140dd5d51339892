"""The hotline's queues as they stand: who waits in what order, for how long still, and what she asks of a seat (B1).

Answers only; `hotline.Hotline` acts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callcenter.calls.model import Call, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.queues.hours import is_open
from callcenter.queues.model import Book, Queue
from callcenter.routing.expected import Handling, expected_wait
from callcenter.routing.model import Demand, Seat, SeatState, Target
from callcenter.routing.seats import Seats
from callcenter.routing.waiting import Waiters, Waiting

HELD_SECONDS = 30.0
"""How long a caller whose operator was taken by an emergency waits for that seat, and one who was sent to a certain
seat for that one; after that any free one may have her."""

PREFER_SECONDS = 20.0
"""How long a caller waits first for the operator she was sent to."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A waiting caller as seen from outside. ``position``: 1 is the next of her queue; ``since``: aware UTC."""

    call_id: str
    position: int
    since: datetime
    waited_seconds: float
    expected_wait_seconds: float | None
    priority: float


class Standing:
    """Everybody who waits."""

    def __init__(self, calls: Calls, seats: Seats, clock: Clock, book: Callable[[], Book]) -> None:
        """``book``: the present queues."""
        self._calls = calls
        self._desk = seats
        self._clock = clock
        self._book = book
        self._waiters = Waiters(calls, clock)
        self._handling = Handling()

    def queue(self, code: str = "") -> list[str]:
        """Waiting calls of a queue, or of all, in the order in which they are served (`Demand.rank`)."""
        now = self._clock.monotonic()
        mine = [w for w in self._waiters.waiting.values() if not code or self._code(w) == code]
        return [w.call_id for w in sorted(mine, key=lambda w: self._demand(w, now).rank(now))]

    def callers(self, code: str) -> list[Caller]:
        """Everybody who waits in a queue, the next first."""
        now = self._clock.monotonic()
        found: list[Caller] = []
        for position, call_id in enumerate(self.queue(code), start=1):
            waiting = self._waiters.waiting[call_id]
            found.append(
                Caller(
                    call_id=call_id,
                    position=position,
                    since=self._clock.now() + timedelta(seconds=waiting.since - now),
                    waited_seconds=round(now - waiting.since, 1),
                    expected_wait_seconds=self.expected_wait(code, position),
                    priority=round(-self._demand(waiting, now).rank(now)[1], 2),
                )
            )
        return found

    def knows(self, code: str) -> bool:
        """Whether there is a queue of that code."""
        return code in self._book().queues

    def queue_of(self, call_id: str) -> str:
        """The queue that a call waits in, or came from; empty when none is known."""
        return self._waiters.queue_of(call_id)

    def expected_wait(self, code: str, position: int | None = None) -> float | None:
        """Seconds until a caller at ``position`` of a queue is served (by `expected.expected_wait`).

        Without a position: of somebody who comes now, 0 when a seat is free for her. None when nobody serves it.
        """
        queue = self._book().queue(code)
        if position is None:
            if self.free_for(code):
                return 0.0
            position = len(self.queue(queue.code)) + 1
        return expected_wait(position, self._handling.mean(queue.code), self._serving(queue))

    def _serving(self, queue: Queue) -> int:
        return sum(_serves(seat, queue) for seat in self._desk.seats())

    def free_for(self, code: str, since: datetime | None = None) -> bool:
        """Whether a seat is free for somebody who holds a place in a queue since ``since`` (now when None).

        It is when more seats are ready for the queue than callers for whom none rings yet wait before that place.
        """
        queue = self._book().queue(code)
        now = self._clock.monotonic()
        place = now if since is None else now + (since - self._clock.now()).total_seconds()
        ready = sum(_serves(s, queue) and self._desk.state_of(s) is SeatState.READY for s in self._desk.seats())
        waiting = (w for w in self._waiters.waiting.values() if w.since <= place)
        return ready > sum(not self._rung_for(w.call_id) for w in waiting)

    def _rung_for(self, call_id: str) -> bool:
        call = self._calls.find(call_id)
        return call is not None and seat_rings(call)

    def served_by(self, seat: Seat) -> list[str]:
        """The codes of the queues that a seat has the skill for."""
        return sorted(code for code, queue in self._book().queues.items() if _able(seat, queue))

    def place(self, call_id: str) -> tuple[str, datetime, int] | None:
        """The queue, since when, and the priority of a waiting caller; None when she waits in none."""
        waiting = self._waiters.waiting.get(call_id)
        if waiting is None:
            return None
        return self._code(waiting), self._waiters.moment(waiting.since), waiting.priority

    def asked_of(self, demand: Demand, code: str) -> Demand:
        """A demand with what a queue asks of a seat, and how its callers age."""
        queue = self._book().queue(code)
        return replace(demand, ageing=queue.ageing_seconds, skill=queue.skill, min_level=queue.min_level)

    def closed(self, call_id: str) -> bool:
        """Whether the queue that a caller waits in, or came from, is closed now."""
        queue = self._book().queue(self._waiters.queue_of(call_id))
        return not is_open(queue, self._clock.now(), self._book().days)

    def _demand(self, waiting: Waiting, now: float) -> Demand:
        queue = self._book().queue(waiting.queue)
        call = self._calls.find(waiting.call_id)
        seat, only_since = waiting.held_by, waiting.held_at
        prefer, prefer_until = waiting.prefer, waiting.entered + PREFER_SECONDS
        if waiting.only and not seat:
            seat, only_since = waiting.prefer, waiting.entered
        elif not prefer and queue.sticky_seconds and call is not None:
            prefer = self._waiters.operator_of(call.elder_id, call.caller)
            prefer_until = waiting.entered + queue.sticky_seconds
        return Demand(
            call_id=waiting.call_id,
            targets=frozenset({Target.FREE}),
            ring_all=False,
            priority=waiting.priority,
            since=waiting.since,
            resting=self._desk.resting(waiting.call_id),
            seat=seat,
            only=bool(seat) and now - only_since < HELD_SECONDS and self._desk.has_phone(seat),
            front=waiting.front,
            ageing=queue.ageing_seconds,
            skill=queue.skill,
            min_level=queue.min_level,
            area=waiting.area,
            prefer=prefer,
            prefer_until=prefer_until if prefer and not seat else 0.0,
        )

    def _code(self, waiting: Waiting) -> str:
        return self._book().queue(waiting.queue).code

    def _queue_of_call(self, call_id: str) -> Queue | None:
        call = self._calls.find(call_id)
        code = self._waiters.queue_of(call_id)
        return self._book().queue(code) if code and call is not None and call.line == Line.HOTLINE else None


def seat_rings(call: Call) -> bool:
    """Whether a seat rings for a call."""
    return any(leg.role == Role.SEAT and leg.answered_at is None for leg in call.live_legs)


def _able(seat: Seat, queue: Queue) -> bool:
    return seat.role == "operator" and (not queue.skill or seat.level(queue.skill) >= queue.min_level)


def _serves(seat: Seat, queue: Queue) -> bool:
    """Whether an operator is there, today, for a queue."""
    return _able(seat, queue) and seat.registered and seat.declared != SeatState.PAUSED
