"""Sends waiting callers elsewhere when `overflow` says so, and never loses one: whoever is not taken stays (B1)."""

import math
from collections.abc import Callable

import structlog

from callcenter.calls.model import STAFF, Call, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.errors import CallCenterError
from callcenter.ledger import Ledger
from callcenter.queues.hours import is_open
from callcenter.queues.model import STAY, Book, Queue
from callcenter.routing import facts as f
from callcenter.routing.overflow import CLOSED, FULL, Move, while_waiting
from callcenter.routing.standing import seat_rings
from callcenter.routing.waiting import Waiters, Waiting

log = structlog.get_logger(__name__)

Handler = Callable[[Call], bool]

AGAIN_SECONDS = 60.0
"""How long a way that was tried in vain is not tried again for the same caller."""
ROOM_SECONDS = 10.0
"""Who has not reached her room so long after she came waits like everybody."""
DESERTED_SECONDS = 30.0
"""Who waits in a queue that has closed goes where it sends others once nobody has been there for so long: a page that
is reloaded, a phone that registers anew is back sooner."""
RING_SECONDS = 30
OVERFLOW_CONTEXT = "cc-overflow"


class Diversion:
    """Where callers go who cannot be served here in time."""

    def __init__(
        self, ledger: Ledger, calls: Calls, waiters: Waiters, clock: Clock, book: Callable[[], Book], trunk_caller: str
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._clock = clock
        self._waiters = waiters
        self._book = book
        self._trunk_caller = trunk_caller
        self._arriving: dict[str, tuple[Move, float]] = {}
        """Callers of a closed or full queue on the way to their room, and until when that may take (monotonic)."""
        self._shut_out: dict[str, Move] = {}
        """Where callers were to go who came to a closed queue: tried again for as long as it is closed."""
        self._tried: dict[str, dict[str, float]] = {}
        """Call → where it was to go, and until when (monotonic) not again."""
        self._deserted: dict[str, float] = {}
        """Callers of a closed queue where nobody is any more, since when (monotonic)."""
        self.handlers: dict[str, Handler] = {}

    def at_arrival(self, call_id: str, move: Move, now: float) -> None:
        """A caller comes to a closed or full queue; she goes on as soon as she is in her room."""
        if move.to not in self._lately(call_id, now):
            self._arriving[call_id] = (move, now + ROOM_SECONDS)
        if move.why == CLOSED:
            self._shut_out[call_id] = move

    def on_the_way(self, call_id: str) -> bool:
        """Whether she is about to go elsewhere, so that no seat is rung for her."""
        return call_id in self._arriving

    def left(self, call_id: str) -> None:
        """She waits no longer, but may be back: who does not want what she was sent to is not asked again at once."""
        self._arriving.pop(call_id, None)
        self._shut_out.pop(call_id, None)
        self._deserted.pop(call_id, None)

    def back(self, call_id: str, now: float) -> None:
        """She waits, perhaps again: what she was sent to before has its rest from now."""
        tried = self._tried.get(call_id, {})
        for to, until in tried.items():
            tried[to] = max(until, now + AGAIN_SECONDS)

    def forget(self, call_id: str) -> None:
        """She is somebody's, or gone."""
        self.left(call_id)
        self._tried.pop(call_id, None)

    def tick(self, waiting: Waiting, queue: Queue, position: int, expected: float | None, now: float) -> bool:
        """Send a caller on if her queue says so; whether she is in it no more."""
        call = self._calls.find(waiting.call_id)
        if call is None or not any(leg.in_room for leg in call.elder_legs):
            move, until = self._arriving.get(waiting.call_id, (None, 0.0))
            if move is not None and now >= until:
                del self._arriving[waiting.call_id]
            return False
        if any(leg.role == Role.CENTER or (leg.role in STAFF and leg.answered_at) for leg in call.live_legs):
            return False  # somebody is on the way to her, or another centre is being called for her
        move, _ = self._arriving.pop(waiting.call_id, (None, 0.0))
        if move is None and not waiting.front:
            lately = self._lately(waiting.call_id, now)
            waited = now - waiting.entered
            shut_out = self._shut_out_by(waiting.call_id, queue, now, served=expected is not None)
            move = shut_out if shut_out is not None and shut_out.to not in lately else None
            if seat_rings(call):
                position, expected = 0, 0.0  # she is no longer in line: of several at once none goes who has a seat
            move = move or while_waiting(queue, waited=waited, position=position, expected=expected, tried=lately)
        return move is not None and self._go(call, waiting, queue, move, now)

    def _shut_out_by(self, call_id: str, queue: Queue, now: float, *, served: bool) -> Move | None:
        """Where she should go because her queue is closed: it was when she came, or it closed and nobody is left there.

        ``served``: whether anybody is there for the queue.
        """
        if is_open(queue, self._clock.now(), self._book().days):
            self._deserted.pop(call_id, None)
            return None
        if served or queue.closed_to == STAY:
            self._deserted.pop(call_id, None)
        elif now - self._deserted.setdefault(call_id, now) >= DESERTED_SECONDS:
            return Move(queue.closed_to, CLOSED)
        return self._shut_out.get(call_id)

    def _lately(self, call_id: str, now: float) -> set[str]:
        return {to for to, until in self._tried.get(call_id, {}).items() if until > now}

    def _beyond(self, queue: Queue, move: Move) -> str:
        """Where a move leads: a queue that is closed itself passes on whom a closed or full one sends to it."""
        to, passed = move.to, {f"queue:{queue.code}"}
        while move.why in (CLOSED, FULL) and to.startswith("queue:") and to not in passed:
            target = self._book().queues.get(to.removeprefix("queue:"))
            if target is None or target.closed_to == STAY or is_open(target, self._clock.now(), self._book().days):
                break
            passed.add(to)
            to = target.closed_to
        return to

    def _go(self, call: Call, waiting: Waiting, queue: Queue, move: Move, now: float) -> bool:
        to = self._beyond(queue, move)
        kind, _, where = to.partition(":")
        tried = self._tried.setdefault(call.id, {})
        tried[move.to] = tried[to] = now + AGAIN_SECONDS
        said = f.HotlineOverflowed(queue=queue.code, to=to, why=move.why)
        if kind == "queue":
            target = self._book().queues.get(where)
            if target is None or not is_open(target, self._clock.now(), self._book().days):
                return False
            # Neither back to where she came from nor twice to the same.
            tried[to] = tried[f"queue:{queue.code}"] = math.inf
            self._shut_out.pop(call.id, None)
            self._deserted.pop(call.id, None)
            self._ledger.record(said, self._queued(waiting, target), actor="system", call_id=call.id)
            return True
        if kind == "number":
            self._dial(call, where, said)
            return False
        handler = self.handlers.get(kind)
        try:
            taken = handler is not None and handler(call)
        except CallCenterError as error:
            log.warning("overflow_refused", call_id=call.id, kind=kind, error=error.code)
            return False
        if taken:
            self._ledger.record(said, actor="system", call_id=call.id)
        return taken

    def _queued(self, waiting: Waiting, target: Queue) -> f.HotlineQueued:
        since = self._waiters.moment(waiting.since)
        return f.HotlineQueued(
            queue=target.code,
            priority=max(waiting.priority, target.priority),
            skill=target.skill,
            min_level=target.min_level,
            since=since,
            area=waiting.area,
        )

    def _dial(self, call: Call, number: str, said: f.HotlineOverflowed) -> None:
        """Ring an outside number; she keeps her place until somebody there is in her room."""
        if any(leg.role == Role.CENTER for leg in call.live_legs):
            return
        if number == call.did or (self._trunk_caller and call.caller == self._trunk_caller):
            # She would call ourselves, wait, and be sent on again, until no line is left.
            log.warning("overflow_to_ourselves", call_id=call.id)
            return
        self._ledger.record(said, actor="system", call_id=call.id)
        try:
            self._calls.dial(
                call,
                Role.CENTER,
                number,
                f"PJSIP/{number}@trunk",
                actor="system",
                context=OVERFLOW_CONTEXT,
                ring_seconds=RING_SECONDS,
                caller_number=self._trunk_caller,
                route="trunk",
            )
        except CallCenterError as error:
            log.warning("overflow_not_dialled", call_id=call.id, error=error.code)
