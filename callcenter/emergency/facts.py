"""What can be said of an emergency: the bodies of its facts (A7)."""

from datetime import datetime

from callcenter.emergency.kinds import Candidate, Drill, Kind
from callcenter.emergency.plan import Plan
from callcenter.facts import Body, kind


@kind("emergency.opened")
class EmergencyOpened(Body, frozen=True):
    """An incident began. The response plan is frozen onto it here (A6).

    ``origin``: what opened it: ``press`` (a call on the emergency line), ``menu`` (the hotline's key 9), ``alarm``
    (a terminal's or monitor's message), ``desk`` (raised by hand), ``drill``, ``synthetic`` (the watchdog's own press).
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
    """Another press or alarm while the incident is open: it joins and raises it (A8, R18).

    ``unheard``: nobody of ours was there, so somebody must be found again.
    """

    priority: int
    origin: str = "press"
    kind: str = ""
    voice_by: datetime | None = None
    unheard: bool = False


@kind("emergency.press_heard")
class PressHeard(Body, frozen=True):
    """A human of ours came after a press that nobody had been there for."""

    leg_id: str
    by: str


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


@kind("emergency.help_wanted")
class HelpWanted(Body, frozen=True):
    """Somebody outside is wanted, by the plan or by a human (A2, A3); see `callcenter.emergency.wishes.Wish`."""

    wish_id: str
    role: str
    candidates: tuple[Candidate, ...]
    target: str = ""
    together: bool = False
    accept: str = "key"
    rounds: int = 2
    escalates: bool = False
    rest_seconds: float = 10.0
    routes: tuple[str, ...] = ("trunk",)
    request_id: str | None = None


@kind("emergency.help_failed")
class HelpFailed(Body, frozen=True):
    """A request was given up: nobody of those it named came. ``why``: the last attempt's reason."""

    wish_id: str
    role: str
    why: str


@kind("emergency.help_silent")
class HelpSilent(Body, frozen=True):
    """Somebody answered and nothing was heard of them (R10)."""

    leg_id: str
    role: str
    seconds: float


@kind("leg.muted")
class LegMuted(Body, frozen=True):
    """Somebody's voice was kept out of the room, or let in again."""

    leg_id: str
    role: str
    muted: bool


@kind("emergency.line_dropped")
class LineDropped(Body, frozen=True):
    """The elder is on no line any more while her emergency is open; she is called back (A8, R16)."""


@kind("emergency.mass_began")
class MassBegan(Body, frozen=True):
    """Many press at once: more wait than there are seats (R21)."""

    waiting: int


@kind("emergency.mass_ended")
class MassEnded(Body, frozen=True):
    """The crowd is served."""


@kind("emergency.broadcast")
class Broadcast(Body, frozen=True):
    """A recorded prompt was said to everybody who waits (R21)."""

    prompt: str
    waiting: int


@kind("emergency.noted")
class EmergencyNoted(Body, frozen=True):
    """The operator's note on an incident, the whole text as it now is. ``revision`` counts from 1 (A7, B4)."""

    text: str
    revision: int


@kind("emergency.closed")
class EmergencyClosed(Body, frozen=True):
    """Closed on purpose, with an outcome; the only way an incident ends (A2)."""

    outcome: str
    closed_at: datetime
    summary: str = ""
    cause: str = ""
    elder_id: str | None = None
