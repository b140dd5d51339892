"""What can be said of an emergency: the bodies of its facts (A7)."""

from datetime import datetime

from callcenter.emergency.kinds import Drill, Kind
from callcenter.emergency.plan import Plan
from callcenter.facts import Body, kind


@kind("emergency.opened")
class EmergencyOpened(Body, frozen=True):
    """An incident began. The response plan is frozen onto it here (A6).

    ``origin``: what opened it: ``press`` (a call on the emergency line), ``menu`` (the hotline's key 9), ``alarm``
    (a terminal's or monitor's message), ``drill``, ``synthetic`` (the watchdog's own press).
    ``caller``: number to call back, in canonical form, empty when withheld.
    ``kind``: what kind of event it is, a value of `Kind`; an operator may say better later.
    ``area``: the elder's area at that moment. ``age``: the elder's age in years, 0 when unknown.
    ``voice_by``: when an alarm without voice is called back (R19); None when somebody is on the line.
    ``drill``: who takes part, when it is a drill from its start.
    """

    origin: str
    room: str
    invited_at: datetime
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


@kind("emergency.pressed")
class EmergencyPressed(Body, frozen=True):
    """Another press or alarm while the incident is open: it joins and raises it (A8, R18)."""

    priority: int
    origin: str = "press"
    kind: str = ""


@kind("emergency.kind_said")
class KindSaid(Body, frozen=True):
    """A human said what kind of event it is; the checklist follows (A6)."""

    event: str


@kind("emergency.ticked")
class Ticked(Body, frozen=True):
    """The operator ticked off a sentence of the checklist (A6), or took the tick back."""

    sentence: str
    done: bool = True


@kind("emergency.answered")
class EmergencyAnswered(Body, frozen=True):
    """The first human is in the room with the elder. ``milliseconds`` count from the first INVITE (A1)."""

    leg_id: str
    by: str
    milliseconds: int


@kind("emergency.answer_late")
class AnswerLate(Body, frozen=True):
    """No human within the limit (A1): a breach, counted."""

    limit_seconds: float


@kind("emergency.closed")
class EmergencyClosed(Body, frozen=True):
    """Closed on purpose, with an outcome; the only way an incident ends (A2)."""

    outcome: str
    closed_at: datetime
    summary: str = ""
    cause: str = ""
    elder_id: str | None = None
