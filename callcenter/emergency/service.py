"""The ladder at work: opens incidents, rings humans until one is with the elder, brings help in, closes on purpose.

Uses memory, the journal and the switchboard, nothing else (A10).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Leg, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as f
from callcenter.emergency.help import People, whom
from callcenter.emergency.kinds import Kind
from callcenter.emergency.model import (
    Incident,
    IncidentState,
    Who,
    check_transition,
    evolve,
    milliseconds,
    needs_call_back,
    needs_human,
    targets_by,
    together,
)
from callcenter.emergency.on_the_way import OnTheWay
from callcenter.emergency.plan import DEFAULT_PLAN, Plan, Target
from callcenter.errors import InvalidInput, NotFound
from callcenter.facts import Fact
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.routing.model import Demand
from callcenter.routing.service import Routing
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

MAX_ELDER_LEGS = 5
"""Lines of one elder that share a room; more come from a fault or a flood and get a room of their own."""
MAX_CALLBACKS = 10
CALLBACK_AFTER = (1.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before the first, second, … call-back of an elder whose line dropped before a human came (A8, R16)."""
RECENT_INCIDENTS = 500
FINISH_EVERY = 5.0
"""Seconds between two attempts to clear the calls of a closed incident; long enough to hear the good-bye."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Who is called by number: the ambulance, and the on-call mobiles."""

    ambulance: str
    duty: tuple[str, ...]
    shown: str


class Emergencies:
    """Every open incident."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        routing: Routing,
        people: Callable[[], People],
        pbx: Pbx,
        clock: Clock,
        numbers: Numbers,
        *,
        ring_seconds: int,
        human_answer_seconds: float,
        recording_of: Callable[[str, datetime], str],
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._routing = routing
        self._people = people
        self._pbx = pbx
        self._clock = clock
        self._numbers = numbers
        self._ring_seconds = ring_seconds
        self._limit = human_answer_seconds
        self._recording_of = recording_of
        self._open: dict[str, Incident] = {}
        self._recent: dict[str, Incident] = {}
        self._by_person: dict[str, str] = {}
        self._waiting: dict[str, float] = {}
        self._callbacks: dict[str, tuple[int, float]] = {}
        self._duty_rest: dict[str, float] = {}
        self._on_the_way = OnTheWay()
        self._finishing: dict[str, float] = {}
        """Closed incidents that may still have open calls, and when (monotonic) to look after them."""
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)
        routing.add_source(self.demands)

    # --- what is known -------------------------------------------------------------------------------------

    def find(self, incident_id: str) -> Incident | None:
        """The incident, open or closed lately, or None."""
        return self._open.get(incident_id) or self._recent.get(incident_id)

    def get(self, incident_id: str) -> Incident:
        """The incident, open or closed lately; raises `NotFound`."""
        incident = self.find(incident_id)
        if incident is None:
            raise NotFound(f"emergency {incident_id} is not open here")
        return incident

    def known(self) -> list[Incident]:
        """Open and lately closed incidents."""
        return [*self._recent.values(), *self._open.values()]

    @property
    def open_count(self) -> int:
        """How many incidents are open."""
        return len(self._open)

    @property
    def waiting_count(self) -> int:
        """How many of them want a human now."""
        return len(self._waiting)

    def calls_of(self, incident: Incident) -> list[Call]:
        """The incident's calls that are open or ended lately, oldest first."""
        return [call for call_id in incident.calls if (call := self._calls.find(call_id)) is not None]

    def waiting(self, incident_id: str) -> bool:
        """Whether the ladder is at work for this incident."""
        return incident_id in self._waiting

    # --- opening -------------------------------------------------------------------------------------------

    def admit(
        self,
        call_id: str,
        who: Who,
        invited_at: datetime,
        plan: Plan,
        *,
        origin: str,
        room: str = "",
    ) -> Incident:
        """The incident a call belongs to: the person's open one, raised by this press, else a new one (A8, R18).

        ``room``: where the caller is already, for a call that is found there after a restart.
        """
        there = self._incident_in(room)
        known = there or self._open_of(who)
        if known is not None and (known is there or self._elder_legs(known) < MAX_ELDER_LEGS):
            self._ledger.record(
                f.EmergencyPressed(priority=known.priority + 1), actor="elder", call_id=call_id, incident_id=known.id
            )
            return self.get(known.id)
        return self._open_one(who, invited_at, plan, origin=origin, room=room or call_id, actor="elder")

    def alarm(self, who: Who, kind: str, plan: Plan, *, actor: str, voice_seconds: float = 0.0) -> Incident:
        """The incident that an alarm without a call belongs to: the person's open one, raised, else a new one (A8).

        ``voice_seconds``: how long her own call is waited for before she is called back (R19); 0: at once.
        """
        known = self._open_of(who)
        if known is not None:
            self._ledger.record(
                f.EmergencyPressed(priority=known.priority + 1, origin="alarm", kind=kind),
                actor=actor,
                incident_id=known.id,
            )
            return self.get(known.id)
        now = self._clock.now()
        return self._open_one(
            who,
            now,
            plan,
            origin="alarm",
            room=new_id(),
            actor=actor,
            kind=kind,
            voice_by=now + timedelta(seconds=voice_seconds),
        )

    def _open_of(self, who: Who) -> Incident | None:
        return self._open.get(self._by_person.get(_person(who.elder_id, who.caller), ""))

    def _open_one(
        self,
        who: Who,
        at: datetime,
        plan: Plan,
        *,
        origin: str,
        room: str,
        actor: str,
        kind: str = Kind.MANUAL,
        voice_by: datetime | None = None,
    ) -> Incident:
        incident_id = new_id()
        self._ledger.record(
            f.EmergencyOpened(
                origin=origin,
                room=room,
                invited_at=at,
                plan=plan,
                caller=who.caller,
                elder_id=who.elder_id,
                elder_name=who.elder_name,
                kind=kind,
                device_id=who.device_id,
                area=who.area,
                age=who.age,
                voice_by=voice_by,
            ),
            actor=actor,
            incident_id=incident_id,
        )
        return self.get(incident_id)

    def _incident_in(self, room: str) -> Incident | None:
        if not room:
            return None
        return next((incident for incident in self._open.values() if incident.room == room), None)

    def call_in(self, room: str) -> Call | None:
        """The call of the open incident that speaks in ``room``; None when there is no such incident."""
        incident = self._incident_in(room)
        return self._current_call(incident) if incident is not None else None

    def _elder_legs(self, incident: Incident) -> int:
        return sum(leg.live for call in self.calls_of(incident) for leg in call.elder_legs)

    # --- the ladder ----------------------------------------------------------------------------------------

    def demands(self, now: float) -> Iterable[Demand]:
        """Every incident that wants a human, with the seats its plan may ring by now."""
        for incident_id, since in list(self._waiting.items()):
            incident = self._open[incident_id]
            yield Demand(
                call_id=self._current_call(incident).id,
                targets=_targets(incident, now - since),
                ring_all=True,
                priority=incident.priority,
                since=since,
                resting=self._routing.resting(incident_id),
            )

    def tick(self, now: float) -> None:
        """The ladder's pulse, several times a second; ``now`` in monotonic seconds."""
        for incident in list(self._open.values()):
            since = self._waiting.get(incident.id)
            if since is None and incident.human_answer_ms is not None:
                continue  # nothing of it goes by time; thousands may wait for their close
            try:
                self._look_after(incident, since, now)
            except Exception:
                # One incident's mistake must not stop the ladder of the others.
                log.exception("ladder_failed", incident_id=incident.id)
        for incident_id, due in list(self._finishing.items()):
            if now >= due:
                self._finish(incident_id, now)
        if self._waiting:
            self._routing.poke()

    def _look_after(self, incident: Incident, since: float | None, now: float) -> None:
        if since is not None:
            self._climb(incident, now - since, now)
        calls = self.calls_of(incident)
        if any(leg.in_room for call in calls for leg in call.elder_legs):
            self._callbacks.pop(incident.id, None)
        elif needs_call_back(incident, calls):
            self._call_back(incident, now)

    def _climb(self, incident: Incident, waited: float, now: float) -> None:
        """Do what the plan wants after ``waited`` seconds, besides the seats, which come by `demands`."""
        if incident.human_answer_ms is None:
            self._mark_late(incident, waited)
        if Target.DUTY in _targets(incident, waited):
            self._ring_duty(incident, now)

    def _mark_late(self, incident: Incident, waited: float) -> None:
        if not incident.late and waited > self._limit:
            self._ledger.record(f.AnswerLate(limit_seconds=self._limit), actor="system", incident_id=incident.id)

    def _ring_duty(self, incident: Incident, now: float) -> None:
        """Ring the on-call mobiles; each rings for one incident at a time and must press 1 to accept."""
        for number in self._numbers.duty:
            if self._duty_rest.get(number, 0.0) <= now and not self._on_the_way.on_duty(number):
                self._duty_rest[number] = now + self._ring_seconds + incident.plan.repeat_every_seconds
                self._dial(self._current_call(incident), Role.DUTY, number, actor="system", context="cc-accept")

    def _call_back(self, incident: Incident, now: float) -> None:
        """Call an elder back whose line dropped before a human came; a few at a time."""
        attempt, due = self._callbacks.get(incident.id, (0, now + CALLBACK_AFTER[0]))
        self._callbacks[incident.id] = (attempt, due)
        if now < due or self._on_the_way.called_back >= MAX_CALLBACKS:
            return
        self._callbacks[incident.id] = (attempt + 1, now + CALLBACK_AFTER[min(attempt + 1, len(CALLBACK_AFTER) - 1)])
        call = self._current_call(incident)
        self._dial(call, Role.ELDER, incident.caller, actor="system", context="cc-callback", name=incident.elder_name)

    def _current_call(self, incident: Incident) -> Call:
        """The call that people are added to: the latest open one, else a new one of ours."""
        for call in reversed(self.calls_of(incident)):
            if call.open:
                return call
        call_id = new_id()
        now = self._clock.now()
        return self._calls.open(
            call_id,
            cf.CallOpened(
                line=Line.EMERGENCY,
                caller=incident.caller,
                did="",
                room=incident.room,
                recording=self._recording_of(call_id, now),
                invited_at=now,
                elder_id=incident.elder_id,
                elder_name=incident.elder_name,
                via="callback",
            ),
            incident.id,
        )

    # --- help ----------------------------------------------------------------------------------------------

    def request_help(
        self, incident_id: str, role: str, number: str | None, *, actor: str, request_id: str | None = None
    ) -> Leg:
        """Add 120, family, doctor, social worker, community or any number to the incident (A2).

        A request that was made already (same request id, or the same person is already being called or in the
        room) returns the leg it made: one wish never dials twice. Raises `NotFound`, `InvalidInput` (nobody of
        that role is in the elder's file), `IllegalTransition` when the incident is closed.
        """
        incident = self.get(incident_id)
        if not incident.open:
            check_transition(incident, IncidentState.OPEN)
        legs = [leg for call in self.calls_of(incident) for leg in call.legs.values()]
        if request_id is not None:
            for leg in legs:
                if leg.request_id == request_id:
                    return leg
        file = self._people().elder(incident.elder_id) if incident.elder_id else None
        wanted, contact = whom(role, number, file, legs, self._numbers.ambulance)
        for leg in legs:
            # Whatever role it was asked for in: 120 keyed as a number is the same ambulance (R10).
            if leg.live and leg.number == wanted:
                return leg
        return self._dial(
            self._current_call(incident),
            role,
            wanted,
            actor=actor,
            name=contact.name if contact else "",
            request_id=request_id,
        )

    def _dial(
        self,
        call: Call,
        role: str,
        number: str,
        *,
        actor: str,
        context: str = "cc-leg",
        name: str = "",
        request_id: str | None = None,
    ) -> Leg:
        return self._calls.dial(
            call,
            role,
            number,
            f"PJSIP/{number}@trunk",
            actor=actor,
            context=context,
            name=name,
            request_id=request_id,
            ring_seconds=self._ring_seconds,
            caller_number=self._numbers.shown,
        )

    def remove(self, incident_id: str, leg_id: str, *, actor: str) -> Leg:
        """Take a leg out of the incident; raises `NotFound`, and `InvalidInput` for the elder's own leg."""
        incident = self.get(incident_id)
        for call in self.calls_of(incident):
            leg = call.legs.get(leg_id)
            if leg is not None:
                if leg.role == Role.ELDER:
                    raise InvalidInput("the elder's own line is never cut; close the emergency with an outcome instead")
                if leg.live:
                    self._ledger.record(
                        cf.LegRemoved(leg_id=leg.id, role=leg.role),
                        actor=actor,
                        call_id=call.id,
                        incident_id=incident_id,
                    )
                    self._calls.hang_up(leg)
                return leg
        raise NotFound(f"no leg {leg_id} in emergency {incident_id}")

    def close(self, incident_id: str, outcome: str, summary: str, *, actor: str) -> Incident:
        """Close an incident with an outcome and end its calls; raises `IllegalTransition` when it is closed."""
        incident = self.get(incident_id)
        check_transition(incident, IncidentState.CLOSED)
        if not outcome.strip():
            raise InvalidInput("an emergency is closed with an outcome; say how it ended")
        self._ledger.record(
            f.EmergencyClosed(
                outcome=outcome.strip(), closed_at=self._clock.now(), summary=summary, elder_id=incident.elder_id
            ),
            actor=actor,
            call_id=incident.calls[0] if incident.calls else None,
            incident_id=incident_id,
        )
        self._finish(incident_id, self._clock.monotonic())
        return self.get(incident_id)

    def _finish(self, incident_id: str, now: float) -> None:
        """Say good-bye to the elder and let everybody else go; again later, should Asterisk not have heard it.

        Nobody rings for a closed incident any more, so nobody may be left alone in its room.
        """
        incident = self.find(incident_id)
        calls = [call for call in self.calls_of(incident) if call.open] if incident is not None else []
        if not calls:
            self._finishing.pop(incident_id, None)
            return
        self._finishing[incident_id] = now + FINISH_EVERY
        for call in calls:
            for leg in call.live_legs:
                if leg.role == Role.ELDER and leg.in_room:
                    self._calls.do(self._pbx.kick(call.room, leg.channel_id), f"goodbye {leg.id}")
                else:
                    self._calls.hang_up(leg)
            self._calls.end_if_empty(call)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        if fact.incident_id is None:
            return
        self._on_the_way.apply(fact.body)
        before = self.find(fact.incident_id)
        after = evolve(before, fact)
        if after is None or after is before:
            return
        if not after.open or after.human_answer_ms is not None:
            self._callbacks.pop(after.id, None)
        # By number too: an elder whom a human named meanwhile may press again on a phone nobody has on file.
        persons = {_person(after.elder_id, after.caller), _person(None, after.caller)} - {""}
        if after.open:
            self._open[after.id] = after
            if before is None or before.elder_id != after.elder_id:
                self._by_person |= dict.fromkeys(persons, after.id)
            return
        self._open.pop(after.id, None)
        if before is None or before.open:
            self._finishing[after.id] = self._clock.monotonic()
        for person in persons:
            if self._by_person.get(person) == after.id:
                del self._by_person[person]
        self._recent[after.id] = after
        while len(self._recent) > RECENT_INCIDENTS:
            del self._recent[next(iter(self._recent))]

    def _react(self, fact: Fact) -> None:
        if fact.incident_id is None:
            return
        incident = self.find(fact.incident_id)
        if incident is None:
            return
        if isinstance(fact.body, cf.LegJoined) and incident.open and incident.human_answer_ms is None:
            self._see_whether_answered(incident, fact)
        if isinstance(fact.body, f.EmergencyAnswered):
            # The breach counts even when she was answered between two ticks, or by the fallback.
            self._mark_late(incident, fact.body.milliseconds / 1000)
        self.review(incident.id)

    def _see_whether_answered(self, incident: Incident, fact: Fact) -> None:
        calls = self.calls_of(incident)
        if not together(calls):
            return
        legs = [leg for call in calls for leg in call.live_legs if leg.in_room and leg.role in STAFF]
        first = min(legs, key=lambda leg: (leg.joined_at or fact.at, leg.id))
        self._ledger.record(
            f.EmergencyAnswered(
                leg_id=first.id, by=first.number, milliseconds=milliseconds(incident.opened_at, fact.at)
            ),
            actor="pbx",
            call_id=fact.call_id,
            incident_id=incident.id,
        )

    def review(self, incident_id: str) -> None:
        """See whether an incident needs a human now, and start or stop its ladder."""
        incident = self.find(incident_id)
        if incident is None or not needs_human(incident, self.calls_of(incident)):
            if self._waiting.pop(incident_id, None) is not None:
                self._routing.poke()
                self._stop_duty(incident)
            return
        if incident_id not in self._waiting and incident.calls:
            now = self._clock.monotonic()
            never = incident.human_answer_ms is None
            waited = milliseconds(incident.opened_at, self._clock.now()) / 1000 if never else 0.0
            self._waiting[incident_id] = now - waited
            self._routing.poke()

    def _stop_duty(self, incident: Incident | None) -> None:
        """Somebody is with the elder: the mobiles that still ring may stop."""
        for call in self.calls_of(incident) if incident else []:
            for leg in call.live_legs:
                if leg.role == Role.DUTY and not leg.in_room:
                    self._calls.hang_up(leg)
                    self._duty_rest.pop(leg.number, None)

    def resume(self) -> None:
        """After a restart: take up the ladder of every incident that was open."""
        for incident in list(self._open.values()):
            if not incident.calls:
                # The crash came between the incident and its call: the press must not be lost for that.
                self._current_call(incident)
            self.review(incident.id)


def _targets(incident: Incident, waited: float) -> frozenset[str]:
    """Whom to alert after ``waited`` seconds: a plan adds to the ladder that everybody has, never takes away (A9)."""
    return targets_by(DEFAULT_PLAN, waited) | targets_by(incident.plan, waited)


def _person(elder_id: str | None, caller: str) -> str:
    """By what a second press is known to come from the same person; empty when it cannot be known."""
    if elder_id is not None:
        return f"elder:{elder_id}"
    return f"number:{caller}" if caller else ""
