"""Call-backs at work: who keeps her place without a line, when she is dialled, and what became of it (B1).

In memory and in the journal only: it goes on without the database, and over a restart (A10). A call-back is no call:
it is one only from the moment at which a seat rings for it; the seat picks up first, then she is dialled into the room.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, time
from typing import Any

import structlog

from callcenter.callbacks import facts as f
from callcenter.callbacks.model import (
    DICTATED_SPAN,
    OPERATOR_REST,
    Attempt,
    CallBack,
    State,
    callable_back,
    due,
    evolve,
    next_attempt,
    too_many,
)
from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Leg, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.errors import Conflict, IllegalTransition, InvalidInput, NotFound, TooManyAttempts
from callcenter.facts import Body, Fact
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.routing.model import Demand, Target
from callcenter.routing.service import Routing

log = structlog.get_logger(__name__)

VIA = cf.QUEUE_CALLBACK
PURPOSE = "callback"
CONTEXT = "cc-called-back"
"""Where the dialplan takes over when she answers."""
MOST_OPEN = 500
RECENT = 500
"""Call-backs that are over and stay in memory, so that a question right after the end needs no database."""
RING_SECONDS = 40
OPERATOR_GONE = "operator_gone"


class CallBacks:
    """Every call-back that is open, and those that ended lately."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        routing: Routing,
        clock: Clock,
        *,
        shown: str,
        routes: Sequence[str],
        hours: tuple[time, time] | None,
        recording_of: Callable[[str, datetime], str],
        demand: Callable[[Demand, str], Demand] = lambda demand, _: demand,
        known_number: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """``shown``: our caller number. ``hours``: the quiet hours. ``demand``: adds what a queue asks of a seat.
        ``known_number``: whether a number is an elder's, a relative's or a device's."""
        self._ledger = ledger
        self._calls = calls
        self._routing = routing
        self._clock = clock
        self._shown = shown
        self._routes = tuple(routes)
        self._hours = hours
        self._recording_of = recording_of
        self._demand = demand
        self._known_number = known_number
        self._open: dict[str, CallBack] = {}
        self._over: OrderedDict[str, CallBack] = OrderedDict()
        self._facts: dict[str, list[Fact]] = {}
        self._next_call: dict[str, str] = {}
        """Call-back → the id that its next call will have; known before the call is, so that a seat can be found."""
        self._last_call: dict[str, str] = {}
        """Call-back → its call before: the seats that did not take that one rest for the next as well."""
        self._of_call: dict[str, str] = {}
        """… and back."""
        routing.add_source(self.demands)
        routing.open_call = self.open_call
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    # --- what is known -------------------------------------------------------------------------------------

    def known(self) -> list[CallBack]:
        """Open and lately ended call-backs."""
        return [*self._over.values(), *self._open.values()]

    def waiting(self) -> list[CallBack]:
        """Those that are open, by their places."""
        return sorted(self._open.values(), key=lambda one: (-one.priority, one.since))

    def get(self, id: str) -> CallBack:
        """One of them; raises `NotFound`."""
        found = self._open.get(id) or self._over.get(id)
        if found is None:
            raise NotFound(f"call-back {id} is not open here")
        return found

    def of_number(self, number: str) -> CallBack | None:
        """The open call-back of a number, or that was asked for from it."""
        return next((one for one in self._open.values() if number and number in (one.number, one.caller)), None)

    def carried(self) -> Iterable[Fact]:
        """The facts of everything open, for a new segment of the journal."""
        for facts in self._facts.values():
            yield from facts

    # --- what is wanted ------------------------------------------------------------------------------------

    def ask(
        self,
        number: str,
        *,
        queue: str,
        since: datetime,
        caller: str = "",
        priority: int = 0,
        elder_id: str | None = None,
        elder_name: str = "",
        call_id: str | None = None,
        actor: str = "elder",
        dictated: bool = False,
    ) -> CallBack:
        """Keep somebody's place and call her back. One that is open for the number already is answered instead.

        ``actor``: ``elder`` when she asked by key; ``dictated``: for another number than she calls from. Raises
        `InvalidInput` for a number that we do not dial for strangers, `TooManyAttempts` for one that was dictated too
        often (`too_many`), `Conflict` when too many are open.
        """
        dialled = callable_back(number)
        if dialled is None:
            raise InvalidInput("only Chinese mobile and landline numbers are called back", field="number")
        known = next((one for one in self._open.values() if one.number == dialled), None)
        if known is not None:
            self._record(known, f.CallBackJoined(callback_id=known.id), actor=actor, call_id=call_id)
            return self.get(known.id)
        if len(self._open) >= MOST_OPEN:
            raise Conflict(f"{MOST_OPEN} call-backs are open already; call some of them back first")
        at = self._clock.now()
        if dictated and too_many(dialled, self._known_number(dialled), self.known(), at):
            wait = int(DICTATED_SPAN.total_seconds())
            raise TooManyAttempts(
                "call-backs to this number were asked for too often from other phones; ask from its own, or in an hour",
                retry_after=wait,
            )
        callback_id = new_id()
        self._ledger.record(
            f.CallBackAsked(
                callback_id=callback_id,
                number=dialled,
                caller=caller or dialled,
                queue=queue,
                since=since,
                priority=priority,
                elder_id=elder_id,
                elder_name=elder_name,
                by_caller=actor == "elder",
                dictated=dictated,
            ),
            actor=actor,
            call_id=call_id,
        )
        return self.get(callback_id)

    def hasten(self, id: str, actor: str) -> CallBack:
        """Have it tried as soon as a seat is free, whatever the hour; raises `IllegalTransition` when it is over."""
        callback = self.get(id)
        if callback.state not in (State.WAITING, State.FAILED):
            raise IllegalTransition(f"a call-back that is {callback.state} cannot be tried now")
        other = self.of_number(callback.number)
        if callback.state is State.FAILED and other is not None:
            raise Conflict(f"call-back {other.id} is open for this number already")
        self._record(callback, f.CallBackHastened(callback_id=id), actor=actor)
        return self.get(id)

    def cancel(self, id: str, actor: str, why: str = "cancelled", call_id: str | None = None) -> CallBack:
        """It is not wanted any more; raises `IllegalTransition` when it is done or cancelled already."""
        callback = self.get(id)
        if callback.state in (State.DONE, State.CANCELLED):
            raise IllegalTransition(f"a call-back that is {callback.state} cannot be cancelled")
        calls = {self._next_call.get(id), callback.call_id}
        self._record(callback, f.CallBackCancelled(callback_id=id, why=why), actor=actor, call_id=call_id)
        for call_of_it in calls:
            call = self._calls.find(call_of_it or "")
            if call is not None and call.open:
                self._calls.end(call)
        return self.get(id)

    def place_of(self, caller: str, call_id: str) -> CallBack | None:
        """She calls again herself: her call-back is cancelled and answered, so that the call gets its place."""
        callback = self.of_number(caller)
        if callback is None:
            return None
        return self.cancel(callback.id, "elder", "called_herself", call_id)

    # --- who is called -------------------------------------------------------------------------------------

    def demands(self, now: float) -> Iterable[Demand]:
        """A seat for everybody who may be called now, or rings already; the call is made when there is one."""
        at = self._clock.now()
        for callback in self._open.values():
            if due(callback, at, self._hours):
                waited = max(0.0, (at - callback.since).total_seconds())
                call_id = self._call_to_be(callback.id)
                before = self._routing.resting(self._last_call.get(callback.id, ""))
                demand = Demand(
                    call_id=call_id,
                    targets=frozenset({Target.FREE}),
                    ring_all=False,
                    priority=callback.priority,
                    since=now - waited,
                    resting={**before, **self._routing.resting(call_id)},
                )
                yield self._demand(demand, callback.queue)

    def open_call(self, call_id: str) -> Call | None:
        """The call that a seat is to ring for, made now; None when it is none of a call-back."""
        callback = self._open.get(self._of_call.get(call_id, ""))
        if callback is None:
            return None
        at = self._clock.now()
        return self._calls.open(
            call_id,
            cf.CallOpened(
                line=Line.OUTBOUND,
                caller=callback.number,
                did="",
                room=call_id,
                recording=self._recording_of(call_id, at),
                invited_at=at,
                elder_id=callback.elder_id,
                elder_name=callback.elder_name,
                via=VIA,
                purpose=PURPOSE,
            ),
        )

    def _call_to_be(self, callback_id: str) -> str:
        call_id = self._next_call.get(callback_id)
        call = self._calls.find(call_id) if call_id else None
        if call_id is None or (call is not None and not call.open):
            if call_id is not None:
                self._last_call[callback_id] = call_id
            call_id = self._next_call[callback_id] = new_id()
            self._of_call[call_id] = callback_id
        return call_id

    def tick(self, _now: float) -> None:
        """Look again at those on their way; whatever a crash left unsaid is said."""
        at = self._clock.now()
        for callback in list(self._open.values()):
            self._follow(callback)
        if any(due(callback, at, self._hours) for callback in self._open.values()):
            self._routing.poke()

    def _follow(self, callback: CallBack) -> None:
        call_id = callback.call_id if callback.state is State.CALLING else self._next_call.get(callback.id)
        call = self._calls.find(call_id or "")
        if call is None:
            if callback.state is State.CALLING:
                self._missed(callback, "lost", counts=False)
            return
        if callback.state is State.WAITING:
            if call.open and call.staffed:
                self._dial(callback, call)
            return
        lines = call.elder_legs
        if any(leg.joined_at is not None and call.human_at is not None for leg in lines):
            self._record(callback, f.CallBackDone(callback_id=callback.id), actor="system", call_id=call.id)
        elif lines and not lines[-1].live:
            self._missed(callback, lines[-1].reason, counts=_counts(lines[-1]))
            self._end(call)
        elif not call.open or not _attended(call):
            self._missed(callback, OPERATOR_GONE, counts=False)
            self._end(call)
        elif not lines:
            self._dial_line(callback, call)  # a crash came between the decision and the dial

    def _dial(self, callback: CallBack, call: Call) -> None:
        """The operator is in the room: she is dialled, and what is decided is on record first."""
        self._record(callback, f.CallBackCalling(callback_id=callback.id), actor="system", call_id=call.id)
        if not self._calls.get(call.id).elder_legs:
            self._dial_line(callback, call)

    def _dial_line(self, callback: CallBack, call: Call) -> None:
        route = self._routes[callback.counted % len(self._routes)]
        self._calls.dial(
            call,
            Role.ELDER,
            callback.number,
            f"PJSIP/{callback.number}@{route}",
            actor="system",
            context=CONTEXT,
            name=callback.elder_name,
            ring_seconds=RING_SECONDS,
            caller_number=self._shown,
            route=route,
        )

    def _missed(self, callback: CallBack, reason: str, *, counts: bool) -> None:
        at = self._clock.now()
        next_at = next_attempt(callback.counted + 1, reason, at) if counts else at + OPERATOR_REST
        body: Body
        if next_at is None:
            body = f.CallBackFailed(callback_id=callback.id, reason=reason)
        else:
            body = f.CallBackMissed(callback_id=callback.id, reason=reason, next_at=next_at, counts=counts)
        self._record(callback, body, actor="system", call_id=callback.call_id)

    def _end(self, call: Call) -> None:
        if call.open:
            self._calls.end(call)

    def _record(self, callback: CallBack, body: Body, **envelope: Any) -> None:
        self._ledger.record(body, **envelope)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        callback_id = getattr(fact.body, "callback_id", None)
        if not fact.kind.startswith("callback.") or callback_id is None:
            return
        before = self._open.get(callback_id) or self._over.get(callback_id)
        after = evolve(before, fact)
        if after is None:
            return
        self._facts.setdefault(callback_id, []).append(fact)
        if after.call_id is not None:
            self._of_call[after.call_id] = after.id
        if after.state is State.CALLING:
            self._next_call.pop(after.id, None)
        if after.open:
            self._over.pop(after.id, None)
            self._open[after.id] = after
            return
        self._open.pop(after.id, None)
        self._next_call.pop(after.id, None)
        self._last_call.pop(after.id, None)
        self._over[after.id] = after
        self._over.move_to_end(after.id)
        if after.state is not State.FAILED:
            self._facts.pop(after.id, None)
        while len(self._over) > RECENT:
            gone, _ = self._over.popitem(last=False)
            self._facts.pop(gone, None)
            self._of_call = {call: one for call, one in self._of_call.items() if one != gone}

    def _react(self, fact: Fact) -> None:
        callback = self._open.get(self._of_call.get(fact.call_id or "", ""))
        if callback is None:
            return
        match fact.body:
            case cf.LegJoined() | cf.LegAccepted() | cf.LegEnded() | cf.CallEnded():
                self._follow(callback)
            case _:
                pass


def _attended(call: Call) -> bool:
    return any(leg.live and leg.role in STAFF for leg in call.legs.values())


def _counts(leg: Leg) -> bool:
    """Whether it was an attempt at her, and not a way out that failed before it rang (the trunk's, or ours)."""
    return leg.reason not in ("lost", "cancelled")


__all__ = ["VIA", "Attempt", "CallBack", "CallBacks"]
