"""Every open incident and those closed lately: a fold of facts, and the ways in which one opens (A8, R18)."""

from collections.abc import Callable
from datetime import datetime, timedelta

from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Line
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as f
from callcenter.emergency.kinds import Drill, Kind
from callcenter.emergency.model import Incident, Who, evolve
from callcenter.emergency.plan import Plan
from callcenter.errors import NotFound
from callcenter.facts import Fact
from callcenter.ids import new_id
from callcenter.ledger import Ledger

MAX_ELDER_LEGS = 20
"""Lines of one elder that share a room; more come from a fault or a flood and get a room of their own."""
RECENT_INCIDENTS = 500


class Incidents:
    """Incidents by id, by room and by person."""

    def __init__(
        self, ledger: Ledger, calls: Calls, clock: Clock, recording_of: Callable[[str, datetime], str]
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._clock = clock
        self._recording_of = recording_of
        self._open: dict[str, Incident] = {}
        self._recent: dict[str, Incident] = {}
        self._by_person: dict[str, str] = {}
        ledger.on_apply(self._apply)

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

    def open(self) -> list[Incident]:
        """Open incidents, oldest first."""
        return list(self._open.values())

    def known(self) -> list[Incident]:
        """Open and lately closed incidents."""
        return [*self._recent.values(), *self._open.values()]

    @property
    def open_count(self) -> int:
        """How many incidents are open."""
        return len(self._open)

    def calls_of(self, incident: Incident) -> list[Call]:
        """The incident's calls that are open or ended lately, oldest first; also those that came since it was read."""
        incident = self.find(incident.id) or incident
        return [call for call_id in incident.calls if (call := self._calls.find(call_id)) is not None]

    def in_room(self, room: str) -> Incident | None:
        """The open incident that speaks in ``room``."""
        return next((incident for incident in self._open.values() if room and incident.room == room), None)

    def current_call(self, incident: Incident) -> Call:
        """The call that people are added to: the latest open one, else a new one of ours, kept until the close."""
        incident = self.find(incident.id) or incident
        for known_id in reversed(incident.calls):
            call = self._calls.find(known_id)
            if call is not None and call.open:
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

    # --- opening -------------------------------------------------------------------------------------------

    def admit(
        self, call_id: str, who: Who, at: datetime, plan: Plan, *, origin: str, room: str, kind: str, actor: str
    ) -> Incident:
        """The incident a call belongs to: see `Emergencies.admit`."""
        there = self.in_room(room)
        known = there or self._of(who)
        if known is not None and (known is there or self._elder_legs(known) < MAX_ELDER_LEGS):
            said = "" if kind == Kind.MANUAL else kind
            self.raise_again(known, call_id=call_id, origin=origin, actor=actor, kind=said)
            return self.get(known.id)
        return self._begin(who, at, plan, origin=origin, room=room or call_id, actor=actor, kind=kind)

    def alarm(
        self,
        who: Who,
        kind: str,
        plan: Plan,
        *,
        actor: str,
        voice_seconds: float = 0.0,
        origin: str = "alarm",
        drill: Drill | None = None,
    ) -> Incident:
        """The incident that an alarm without a call belongs to: the person's open one, raised, else a new one.

        ``voice_seconds``: how long her own call is waited for before she is called back (R19); 0: at once.
        """
        now = self._clock.now()
        voice_by = now + timedelta(seconds=voice_seconds)
        known = self._of(who) if drill is None else None
        if known is not None:
            self.raise_again(known, origin=origin, actor=actor, kind=kind, voice_by=voice_by)
            return self.get(known.id)
        return self._begin(
            who, now, plan, origin=origin, room=new_id(), actor=actor, kind=kind, voice_by=voice_by, drill=drill
        )

    def _of(self, who: Who) -> Incident | None:
        return self._open.get(self._by_person.get(_person(who.elder_id, who.caller), ""))

    def _elder_legs(self, incident: Incident) -> int:
        return sum(leg.live for call in self.calls_of(incident) for leg in call.elder_legs)

    def _staffed(self, incident: Incident) -> bool:
        return any(call.open and call.staffed for call in self.calls_of(incident))

    def raise_again(
        self,
        incident: Incident,
        *,
        origin: str,
        actor: str,
        call_id: str | None = None,
        kind: str = "",
        voice_by: datetime | None = None,
    ) -> None:
        """A further press or alarm of an open incident: it joins and raises it (A8, R18)."""
        self._ledger.record(
            f.EmergencyPressed(
                priority=incident.priority + 1,
                origin=origin,
                kind=kind,
                voice_by=voice_by,
                unheard=incident.human_answer_ms is not None and not self._staffed(incident),
            ),
            actor=actor,
            call_id=call_id,
            incident_id=incident.id,
        )

    def _begin(
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
        drill: Drill | None = None,
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
                drill=drill,
            ),
            actor=actor,
            incident_id=incident_id,
        )
        return self.get(incident_id)

    # --- folding -------------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        if fact.incident_id is None:
            return
        before = self.find(fact.incident_id)
        after = evolve(before, fact)
        if after is None or after is before:
            return
        persons = _persons(after)
        if after.open:
            self._open[after.id] = after
            if before is None or before.elder_id != after.elder_id:
                # It was somebody else's after all: that person's own press is an emergency of its own.
                self._forget(_persons(before) - persons if before is not None else set(), after.id)
                self._by_person |= dict.fromkeys(persons, after.id)
            return
        self._open.pop(after.id, None)
        self._forget(persons, after.id)
        self._recent[after.id] = after
        while len(self._recent) > RECENT_INCIDENTS:
            del self._recent[next(iter(self._recent))]

    def _forget(self, persons: set[str], incident_id: str) -> None:
        for person in persons:
            if self._by_person.get(person) == incident_id:
                del self._by_person[person]


def _persons(incident: Incident) -> set[str]:
    """By what a second press is known to belong to this incident; a drill never swallows a real press (A6).

    By number too: an elder whom a human named meanwhile may press again on a phone nobody has on file.
    """
    if incident.drill is not None:
        return set()
    return {_person(incident.elder_id, incident.caller), _person(None, incident.caller)} - {""}


def _person(elder_id: str | None, caller: str) -> str:
    """By what a second press is known to come from the same person; empty when it cannot be known."""
    if elder_id is not None:
        return f"elder:{elder_id}"
    return f"number:{caller}" if caller else ""
