"""What can be said of an emergency: the bodies of its facts (A7)."""

from datetime import datetime

from callcenter.emergency.plan import Plan
from callcenter.facts import Body, kind


@kind("emergency.opened")
class EmergencyOpened(Body, frozen=True):
    """An incident began. The response plan is frozen onto it here (A6).

    ``origin``: what opened it: ``press`` (a call on the emergency line), ``menu`` (the hotline's key 9).
    ``caller``: number to call back, in canonical form, empty when withheld.
    """

    origin: str
    room: str
    invited_at: datetime
    plan: Plan
    caller: str = ""
    elder_id: str | None = None
    elder_name: str = ""


@kind("emergency.pressed")
class EmergencyPressed(Body, frozen=True):
    """Another press while the incident is open: it joins and raises it (A8, R18)."""

    priority: int


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
    elder_id: str | None = None
