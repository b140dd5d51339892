"""Who waits, where, since when and for whom: folded from facts, so that a restart knows it again (A10)."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.facts import Fact
from callcenter.routing import facts as f

REMEMBERED_CALLS = 2_000
"""Calls whose queue is known after they left it: for wrap-up, and for whoever asks right after the end."""
REMEMBERED_OPERATORS = 10_000
"""Elders and callers of whom the last operator is known."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller in a queue; times in monotonic seconds.

    ``since``: from when her place counts; ``entered``: when she came into this queue. ``prefer``, ``only``: as in
    `facts.HotlineQueued`. ``held_by``, ``held_at``: the seat she had before an emergency took it, and when.
    ``front``: before everybody else, because whoever had her was taken or is gone.
    """

    call_id: str
    queue: str
    priority: int
    since: float
    entered: float
    prefer: str = ""
    only: bool = False
    area: str = ""
    held_by: str = ""
    held_at: float = 0.0
    front: bool = False


class Waiters:
    """Every caller in a queue, and what must be known of those who were."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self.waiting: dict[str, Waiting] = {}
        self.gone: set[str] = set()
        """Open calls that left the queues for good without a seat: to voicemail, called back, parked."""
        self._queue_of: OrderedDict[str, str] = OrderedDict()
        self._operators: OrderedDict[str, str] = OrderedDict()

    def queue_of(self, call_id: str) -> str:
        """The queue that a call is in, or was in last; empty when none is known."""
        return self._queue_of.get(call_id, "")

    def operator_of(self, elder_id: str | None, caller: str) -> str:
        """Who spoke last with an elder, or with a caller who is nobody's; empty when that is not known."""
        return self._operators.get(elder_id or caller, "")

    def apply(self, fact: Fact) -> None:
        """Fold a fact."""
        call_id = fact.call_id or ""
        match fact.body:
            case f.HotlineQueued() as body:
                self._queued(call_id, body, fact.at)
            case f.HotlineOverflowed(to=to) if not to.startswith(("queue:", "number:")):
                self._left(call_id)
            case f.HotlineLeft():
                self._left(call_id)
            case f.HotlineHeld(seat=seat):
                self._held(call_id, seat, fact.at)
            case cf.LegJoined(role=role, leg_id=leg_id) if role in STAFF:
                self.waiting.pop(call_id, None)
                if role == Role.SEAT:
                    self._spoke(call_id, leg_id)
            case cf.LineChanged() | cf.CallEnded():
                self.waiting.pop(call_id, None)
                self.gone.discard(call_id)
            case _:
                pass

    def _queued(self, call_id: str, body: f.HotlineQueued, at: datetime) -> None:
        call = self._calls.find(call_id)
        if call is None or not call.open:
            return
        self.gone.discard(call_id)
        self._remember(call_id, body.queue)
        self.waiting[call_id] = Waiting(
            call_id=call_id,
            queue=body.queue,
            priority=body.priority,
            since=self._monotonic(body.since or call.invited_at),
            entered=self._monotonic(at),
            prefer=body.prefer,
            only=body.only,
            area=body.area,
        )

    def _held(self, call_id: str, seat: str, at: datetime) -> None:
        call = self._calls.find(call_id)
        if call is None or not call.open:
            return
        known = self.waiting.get(call_id) or Waiting(
            call_id=call_id,
            queue=self.queue_of(call_id),
            priority=0,
            since=self._monotonic(call.invited_at),
            entered=self._monotonic(at),
        )
        self.waiting[call_id] = replace(known, held_by=seat, held_at=self._monotonic(at), front=True)

    def moment(self, at: float) -> datetime:
        """Monotonic seconds as aware UTC."""
        return self._clock.now() + timedelta(seconds=at - self._clock.monotonic())

    def _monotonic(self, at: datetime) -> float:
        """A moment in monotonic seconds; none lies in the future, whatever the wall clock did (R23)."""
        now = self._clock.monotonic()
        return min(now, now + (at - self._clock.now()).total_seconds())

    def _left(self, call_id: str) -> None:
        self.waiting.pop(call_id, None)
        call = self._calls.find(call_id)
        if call is not None and call.open:
            self.gone.add(call_id)

    def _remember(self, call_id: str, queue: str) -> None:
        self._queue_of[call_id] = queue
        self._queue_of.move_to_end(call_id)
        if len(self._queue_of) > REMEMBERED_CALLS:
            self._queue_of.popitem(last=False)

    def _spoke(self, call_id: str, leg_id: str) -> None:
        call = self._calls.find(call_id)
        leg = call.legs.get(leg_id) if call is not None else None
        key = (call.elder_id or call.caller) if call is not None else ""
        if leg is not None and key:
            self._operators[key] = leg.number
            self._operators.move_to_end(key)
            if len(self._operators) > REMEMBERED_OPERATORS:
                self._operators.popitem(last=False)
