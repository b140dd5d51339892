"""The incident as pure data, its fold of facts, and the rules that say whether it needs a human or a call-back now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import msgspec

from callcenter.calls import facts as cf
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import STAFF, Call, Role
from callcenter.emergency import facts as f
from callcenter.emergency.kinds import Drill, Kind
from callcenter.emergency.plan import Plan
from callcenter.emergency.silence import Silent, Spoke
from callcenter.errors import IllegalTransition
from callcenter.facts import Fact


class IncidentState(StrEnum):
    """An incident is open until somebody closes it with an outcome."""

    OPEN = "open"
    CLOSED = "closed"


INCIDENT_TABLE: Mapping[IncidentState, frozenset[IncidentState]] = MappingProxyType(
    {IncidentState.OPEN: frozenset({IncidentState.CLOSED}), IncidentState.CLOSED: frozenset()}
)


@dataclass(frozen=True, slots=True)
class Who:
    """Who is in need, as far as it is known when an incident opens.

    ``caller``: number to call back, in canonical form, empty when withheld. ``age`` in years, 0 when unknown.
    """

    caller: str = ""
    elder_id: str | None = None
    elder_name: str = ""
    area: str = ""
    age: int = 0
    device_id: str | None = None


class Tick(msgspec.Struct, frozen=True):
    """Who ticked off a sentence of the checklist, and when."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One emergency. Times are aware UTC; ``priority`` rises with every further press."""

    id: str
    origin: str
    room: str
    opened_at: datetime
    plan: Plan
    caller: str = ""
    elder_id: str | None = None
    elder_name: str = ""
    kind: str = Kind.MANUAL
    device_id: str | None = None
    area: str = ""
    age: int = 0
    voice_by: datetime | None = None
    drill: Drill | None = None
    state: IncidentState = IncidentState.OPEN
    priority: int = 0
    calls: tuple[str, ...] = ()
    system_answer_ms: int | None = None
    human_answer_ms: int | None = None
    answered_by: str = ""
    late: bool = False
    closed_at: datetime | None = None
    outcome: str = ""
    cause: str = ""
    summary: str = ""
    note: str = ""
    note_revision: int = 0
    ticks: Mapping[str, Tick] = field(default_factory=dict)
    """Ticked sentences of the checklist."""
    silence: str = ""
    """A stage of `callcenter.emergency.silence` while the elder, with us, is not heard (R17)."""
    unheard: bool = False
    """A press or an alarm came while nobody of ours was there: a human must look after it, as after the first."""
    call_back_off: bool = False
    """An operator took the call-back off: she is not called again unless she calls herself."""

    @property
    def open(self) -> bool:
        return self.state is IncidentState.OPEN


def check_transition(incident: Incident, to: IncidentState) -> None:
    """Raise `IllegalTransition` unless the table holds the step."""
    if to not in INCIDENT_TABLE[incident.state]:
        raise IllegalTransition(f"emergency {incident.id} is {incident.state} and cannot become {to}")


def milliseconds(start: datetime, end: datetime) -> int:
    """Whole milliseconds between two moments; a clock set back cannot make it negative (R23)."""
    return max(0, round((end - start).total_seconds() * 1000))


def evolve(incident: Incident | None, fact: Fact) -> Incident | None:
    """The incident after a fact: a pure fold."""
    body = fact.body
    if isinstance(body, f.EmergencyOpened):
        return incident or Incident(
            id=fact.incident_id or "",
            origin=body.origin,
            room=body.room,
            opened_at=body.invited_at,
            plan=body.plan,
            caller=body.caller,
            elder_id=body.elder_id,
            elder_name=body.elder_name,
            kind=body.kind,
            device_id=body.device_id,
            area=body.area,
            age=body.age,
            voice_by=body.voice_by,
            drill=body.drill,
        )
    if incident is None:
        return None
    if fact.call_id is not None and fact.call_id not in incident.calls:
        incident = replace(incident, calls=(*incident.calls, fact.call_id))
    if incident.silence and isinstance(body, cf.LegJoined) and body.role == Role.ELDER:
        incident = replace(incident, silence="")  # a new line of hers: a new silence, if any
    match body:
        case Silent():
            return replace(incident, silence=body.stage)
        case Spoke():
            return replace(incident, silence="")
        case cf.LegAnswered(role=Role.ELDER) | cf.LegJoined(role=Role.ELDER) if incident.system_answer_ms is None:
            return replace(incident, system_answer_ms=milliseconds(incident.opened_at, fact.at))
        case cf.ElderMatched():
            return replace(incident, elder_id=body.elder_id, elder_name=body.elder_name, area=body.area, age=body.age)
        case f.EmergencyPressed():
            return replace(
                incident,
                priority=max(incident.priority, body.priority),
                kind=_graver(incident, body.kind),
                # Her own call has come: should it drop, she is called back at once (R16).
                voice_by=_sooner(incident.voice_by, body.voice_by or (fact.at if fact.call_id else None)),
                unheard=incident.unheard or body.unheard,
            )
        case f.PressHeard():
            return replace(incident, unheard=False)
        case cf.LegRemoved(role=Role.ELDER):
            return replace(incident, call_back_off=True)
        case cf.LegJoined(role=Role.ELDER) if incident.call_back_off:
            return replace(incident, call_back_off=False)
        case f.KindSaid():
            return replace(incident, kind=body.event)
        case f.Ticked():
            ticks = {sentence: tick for sentence, tick in incident.ticks.items() if sentence != body.sentence}
            return replace(incident, ticks=ticks | ({body.sentence: Tick(fact.at, fact.actor)} if body.done else {}))
        case f.EmergencyAnswered() if incident.human_answer_ms is None:
            return replace(incident, human_answer_ms=body.milliseconds, answered_by=body.by)
        case f.AnswerLate():
            return replace(incident, late=True)
        case f.EmergencyNoted() if body.revision > incident.note_revision:
            return replace(incident, note=body.text, note_revision=body.revision)
        case f.EmergencyClosed() if incident.open:
            return replace(
                incident,
                state=IncidentState.CLOSED,
                closed_at=body.closed_at,
                outcome=body.outcome,
                cause=body.cause,
                summary=body.summary,
                elder_id=body.elder_id or incident.elder_id,
                silence="",
            )
    return incident


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier; a call that came, or an alarm that needs none, is never made to wait by a later alarm."""
    return min(one, other) if one is not None and other is not None else one


def _graver(incident: Incident, kind: str) -> str:
    """A press without words tells nothing new; an alarm that names its kind does, unless one is named already."""
    return kind if kind and incident.kind == Kind.MANUAL else incident.kind


def needs_human(incident: Incident, calls: Iterable[Call]) -> bool:
    """Whether the ladder must go on: nobody of ours was there yet, or the elder is alone or has pressed again.

    An elder who is left with 120 or her daughter is not alone, so an operator may go (A2). A phone that answered by
    itself and shows no life is nobody (R12).
    """
    calls = [call for call in calls if call.open]
    # The dialplan took the call while we were away and the duty desk is ringing or talking: not ours to disturb.
    if not incident.open or any(call.via == "fallback" for call in calls):
        return False
    there = [leg for call in calls for leg in call.live_legs if leg.accepted]
    if any(leg.role in STAFF for leg in there):
        return False
    if incident.human_answer_ms is None or incident.unheard:
        return True
    elder = any(leg.role == Role.ELDER for leg in there)
    return elder and not any(leg.role != Role.ELDER for leg in there)


def needs_call_back(incident: Incident, calls: Iterable[Call], now: datetime) -> bool:
    """Whether the elder is on no line and must be called (A8, R16, R19).

    Whoever waits in her room changes nothing: it is the elder who must be reached. Only closing the emergency, or an
    operator who takes the call-back off, ends it.
    """
    if not incident.open or incident.call_back_off or incident.origin == SYNTHETIC or awaits_voice(incident, now):
        return False
    return not any(call.via == "fallback" or any(leg.live for leg in call.elder_legs) for call in calls if call.open)


def accompanied(calls: Iterable[Call]) -> bool:
    """Whether one of her own people, or 120, is in the room with her: she is not alone, though the desk is wanted."""
    there = {leg.role for call in calls if call.open for leg in call.live_legs if leg.accepted}
    return Role.ELDER in there and bool(there - STAFF - {Role.ELDER})


def awaits_voice(incident: Incident, now: datetime) -> bool:
    """Whether an alarm's own call may still come (R19); a clock that was set back makes nobody wait for it (R23)."""
    return incident.voice_by is not None and incident.opened_at <= now < incident.voice_by


def attended(incident: Incident, calls: Iterable[Call]) -> bool:
    """Whether a human of ours has answered her (A1): in the room together with the elder.

    An alarm without a call is answered by whoever takes it on: there may be no voice to come.
    """
    there = [leg for call in calls if call.open for leg in call.live_legs if leg.accepted]
    staffed = any(leg.role in STAFF for leg in there)
    return staffed and (incident.voice_by is not None or any(leg.role == Role.ELDER for leg in there))
