"""The ladder: who waits for a human, which seats may ring for them by now, and what the plan wants beside the seats.

It is not a chain of timers: at any moment it is asked what the plan wants by now, so a late tick, a restart or a
repeated event can neither skip a step nor do one twice.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import structlog

from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Call, LegState, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as f
from callcenter.emergency.call_back import CallBacks
from callcenter.emergency.crowd import urgency
from callcenter.emergency.helpers import Helpers
from callcenter.emergency.incidents import Incidents
from callcenter.emergency.mass import MassEvents
from callcenter.emergency.model import (
    Incident,
    accompanied,
    awaits_voice,
    milliseconds,
    needs_call_back,
    needs_human,
)
from callcenter.emergency.plan import FLOOR, Step, Target, seat_schedule
from callcenter.ledger import Ledger
from callcenter.routing.model import Demand
from callcenter.routing.model import Target as SeatTarget
from callcenter.routing.service import Routing
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

TEST_SEAT = frozenset({SeatTarget.TEST})
"""The only target of a synthetic press: no human is disturbed by the watchdog."""
RESPONDERS_AFTER = (
    (1, (Target.FAMILY, Target.GUARDIAN)),
    (2, (Target.SOCIAL_WORKER, Target.COMMUNITY)),
)
"""After so many rounds of call-backs in vain, who is asked to look after her (A8)."""
DRILL_SECONDS = 3.0
"""How long somebody in need waits until the seats that take part in a drill leave it."""
TURN_SECONDS = 0.005
"""How long one pulse looks after those who wait."""
ON_THE_WAY = -1
"""The urgency of an elder whose operator has picked up: no other elder's phone, picked up perhaps, is taken for her."""


class _Asked(NamedTuple):
    """What an incident wanted when it was last asked, and until when (monotonic) it wants the same."""

    incident: Incident
    call: Call
    since: float
    until: float
    demand: Demand


class Ladder:
    """Who waits, and since when."""

    def __init__(
        self,
        ledger: Ledger,
        incidents: Incidents,
        calls: Calls,
        routing: Routing,
        helpers: Helpers,
        call_backs: CallBacks,
        mass: MassEvents,
        pbx: Pbx,
        clock: Clock,
        *,
        human_answer_seconds: float,
    ) -> None:
        self._ledger = ledger
        self._incidents = incidents
        self._calls = calls
        self._routing = routing
        self._helpers = helpers
        self._call_backs = call_backs
        self._mass = mass
        self._pbx = pbx
        self._clock = clock
        self._limit = human_answer_seconds
        self.waiting: dict[str, float] = {}
        """Incidents that want a human → since when (monotonic)."""
        self._schedules: dict[str, list[tuple[float, frozenset[str]]]] = {}
        """Incident → from how many seconds on which seats are rung: worked out once, asked for very often."""
        self._asked: dict[str, _Asked] = {}
        self._turns: deque[str] = deque()
        """Who is still to be looked after in this round."""
        self._voiceless: set[str] = set()
        """Alarms whose own call may still come."""
        routing.add_source(self.demands)

    def demands(self, now: float) -> Iterable[Demand]:
        """Every incident that wants a human, with the seats its plan may ring by now."""
        in_earnest = any(self._in_earnest(incident_id) for incident_id in self.waiting)
        for incident_id, since in list(self.waiting.items()):
            if in_earnest and self._incidents.get(incident_id).drill is not None:
                continue  # nobody is rung for a drill while somebody is in need
            asked = self._asked.get(incident_id)
            if asked is None or not self._holds(asked, incident_id, since, now):
                asked = self._ask(self._incidents.get(incident_id), since, now)
            yield asked.demand

    def _holds(self, asked: _Asked, incident_id: str, since: float, now: float) -> bool:
        """Whether nothing has changed: incident and call are immutable, so the same object is the same state."""
        return (
            asked.since == since
            and now < asked.until
            and self._incidents.find(incident_id) is asked.incident
            and self._calls.find(asked.call.id) is asked.call
            and not self._routing.resting(incident_id)
        )

    def _ask(self, incident: Incident, since: float, now: float) -> _Asked:
        """What an incident wants now, kept for as long as nothing of it changes: hundreds wait, few of them change."""
        call, resting = self._call_of_seats(incident), self._resting(incident, now)
        incident = self._incidents.get(incident.id)  # a call may just have been opened for it
        demand = Demand(
            call_id=call.id,
            targets=self._seats(incident, now - since),
            ring_all=True,
            priority=ON_THE_WAY if self._on_the_way(call) else urgency(incident),
            # By when she pressed: whoever loses her operator does not wait behind the whole crowd again.
            since=now - (self._clock.now() - incident.opened_at).total_seconds(),
            resting=resting,
            keeps=incident.drill is None and incident.origin != SYNTHETIC,
        )
        asked = _Asked(incident, call, since, self._next_step(incident, since, now), demand)
        # A rest ends, a seat may be told to leave, another of her calls get one, without a new incident or call.
        several = sum(one.open for one in self._incidents.calls_of(incident)) > 1
        if resting or several or any(leg.role == Role.SEAT for leg in call.live_legs):
            self._asked.pop(incident.id, None)
        else:
            self._asked[incident.id] = asked
        return asked

    def _next_step(self, incident: Incident, since: float, now: float) -> float:
        """When (monotonic) more seats may be rung for it."""
        steps = self._schedules.get(incident.id, ())
        return min((since + at for at, _ in steps if at > now - since), default=math.inf)

    def _call_of_seats(self, incident: Incident) -> Call:
        """The call that seats ring for, kept while they do: a further press must not stop a phone and ring it anew."""
        for call in self._incidents.calls_of(incident) if len(incident.calls) > 1 else ():
            if call.open and any(leg.role == Role.SEAT and not self._calls.leaving(leg) for leg in call.live_legs):
                return call
        return self._incidents.current_call(incident)

    def _on_the_way(self, call: Call) -> bool:
        """Whether an operator has picked up and will be in her room in a moment."""
        return any(
            leg.role == Role.SEAT and leg.state is LegState.ANSWERED and not self._calls.leaving(leg)
            for leg in call.live_legs
        )

    def _seats(self, incident: Incident, waited: float) -> frozenset[str]:
        """Which seats to ring after ``waited`` seconds."""
        if incident.origin == SYNTHETIC:
            return TEST_SEAT
        schedule = self._schedules.get(incident.id)
        if schedule is None:
            schedule = self._schedules[incident.id] = seat_schedule(incident.plan)
        return next(seats for at, seats in reversed(schedule) if at <= waited)

    def _resting(self, incident: Incident, now: float) -> dict[str, float]:
        resting = self._routing.resting(incident.id)
        if incident.drill is None:
            return resting
        # Whoever the drill does not name is not disturbed by it, however long it lasts (A6).
        return resting | {s.user: now + 60 for s in self._routing.seats() if s.user not in incident.drill.seats}

    # --- at every fact -------------------------------------------------------------------------------------

    def review(self, incident_id: str) -> None:
        """See what an incident needs now, and start or stop looking for a human and calling her back."""
        incident = self._incidents.find(incident_id)
        if incident is None or not incident.open:
            self._call_backs.stop(incident_id)
            self._voiceless.discard(incident_id)
            self._schedules.pop(incident_id, None)
            self._asked.pop(incident_id, None)
            if self.waiting.pop(incident_id, None) is not None:
                self._routing.poke()
            return
        calls, now = self._incidents.calls_of(incident), self._clock.now()
        if awaits_voice(incident, now):
            self._voiceless.add(incident_id)
        if needs_human(incident, calls):
            self._wait(incident, calls)
        elif self.waiting.pop(incident_id, None) is not None:
            self._helpers.release(incident)
            self._routing.poke()
        self._review_line(incident, calls)

    def _wait(self, incident: Incident, calls: list[Call]) -> None:
        if incident.id in self.waiting or (not calls and incident.voice_by is None):
            return
        never = incident.human_answer_ms is None
        waited = milliseconds(incident.opened_at, self._clock.now()) / 1000 if never else 0.0
        self.waiting[incident.id] = self._clock.monotonic() - waited
        self._routing.poke()
        if never and incident.origin != SYNTHETIC:
            # Whoever is told at once is told also when a seat picks up before the next pulse (A3).
            self._climb(incident, waited, incident.plan.steps)

    def _review_line(self, incident: Incident, calls: list[Call]) -> None:
        if not incident.calls and incident.voice_by is None:
            return  # her call is opened in the next moment: she is on it
        in_room = any(leg.in_room for call in calls for leg in call.elder_legs)
        if in_room:
            if self._call_backs.reached(incident.id, self._clock.monotonic()):
                self._say(calls, "elder-back")
        elif incident.call_back_off:
            self._call_backs.stop(incident.id)
        elif self._call_backs.possible(incident) and needs_call_back(incident, calls, self._clock.now()):
            if not self._call_backs.start(incident, self._clock.monotonic()):
                return
            if any(call.elder_legs for call in calls):
                self._ledger.record(f.LineDropped(), actor="pbx", incident_id=incident.id)
                self._say(calls, "elder-line-dropped")

    def _say(self, calls: list[Call], prompt: str) -> None:
        """Tell whoever is in her room, 120 too."""
        for call in calls:
            if any(leg.in_room and leg.role != Role.ELDER for leg in call.live_legs):
                self._calls.do(self._pbx.play(call.room, [prompt]), f"{prompt} {call.id}")
                return

    # --- as time goes by -----------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """The ladder's pulse, several times a second; ``now`` in monotonic seconds."""
        for incident_id in [*self._voiceless]:
            if not awaits_voice(self._incidents.get(incident_id), self._clock.now()):
                self._voiceless.discard(incident_id)
                self.review(incident_id)
        self._take_turns(now)
        self._break_off_drills(now)
        self._call_backs.tick(now)
        self._helpers.tick(now)
        self._mass.tick(self.waiting, sum(seat.registered for seat in self._routing.seats()), now)
        if self.waiting:
            self._routing.poke()

    def _in_earnest(self, incident_id: str) -> bool:
        incident = self._incidents.get(incident_id)
        return incident.drill is None and incident.origin != SYNTHETIC

    def _break_off_drills(self, now: float) -> None:
        """Seats leave a drill for somebody in need whom nobody has picked up (A9)."""
        if not any(now - since >= DRILL_SECONDS and self._in_earnest(one) for one, since in self.waiting.items()):
            return
        for incident in self._incidents.open():
            for call in self._incidents.calls_of(incident) if incident.drill is not None else ():
                for leg in call.live_legs:
                    if leg.role == Role.SEAT:
                        self._calls.hang_up(leg)

    def _take_turns(self, now: float) -> None:
        """Look after all who are busy, if need be over several pulses: a crowd must not hold up a new caller (R21)."""
        if not self._turns:
            self._turns.extend(incident.id for incident in self._busy())
        until = self._clock.monotonic() + TURN_SECONDS
        while self._turns and self._clock.monotonic() < until:
            incident = self._incidents.find(self._turns.popleft())
            try:
                if incident is not None and incident.open:
                    self._look_after(incident, now)
            except Exception:
                # One incident's mistake must not stop the ladder of the others.
                log.exception("ladder_failed", incident_id=incident.id if incident is not None else "")

    def _busy(self) -> Iterator[Incident]:
        """Of thousands that wait for their close, those of which something goes by time."""
        for incident in self._incidents.open():
            waits = incident.id in self.waiting or self._call_backs.wanted(incident.id)
            if waits or self._helpers.busy(incident.id):
                yield incident

    def _look_after(self, incident: Incident, now: float) -> None:
        since = self.waiting.get(incident.id)
        if since is not None and incident.human_answer_ms is None:
            self.mark_late(incident, now - since)
        with_her = accompanied(self._incidents.calls_of(incident))
        if since is not None and incident.origin != SYNTHETIC:
            self._climb(incident, now - since, FLOOR if with_her else (*incident.plan.steps, *FLOOR))
        in_vain = self._call_backs.rounds(incident)
        for rounds, targets in RESPONDERS_AFTER:
            for target in targets if in_vain >= rounds else ():
                self._helpers.plan(incident, target)
        alone, patient = since is not None or in_vain > 0, since is None
        self._helpers.pursue(incident, alone=alone, with_her=with_her, patient=patient)

    def _climb(self, incident: Incident, waited: float, steps: Sequence[Step]) -> None:
        """Want whom these steps want by now outside; the seats come by `demands`."""
        for step in steps:
            for target in step.targets if step.at_seconds <= waited else ():
                self._helpers.plan(incident, target, step)

    def mark_late(self, incident: Incident, waited: float) -> None:
        """No human within the limit: a breach, counted once (A1)."""
        if not incident.late and waited > self._limit:
            self._ledger.record(f.AnswerLate(limit_seconds=self._limit), actor="system", incident_id=incident.id)
