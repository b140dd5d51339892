"""The emergency line at work: opens incidents, has humans rung until one is with the elder, brings help in, closes.

Uses memory, the journal and the switchboard, nothing else (A10). The parts: `incidents` (what is known), `ladder`
(who waits, who rings), `helpers` (people outside), `call_back` (the elder herself), `mass` (many at once), `texts`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Call, Leg, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as f
from callcenter.emergency.briefing import LastSeen, Letterhead
from callcenter.emergency.call_back import CallBacks
from callcenter.emergency.farewells import Farewells
from callcenter.emergency.help import File, Numbers, People, file_of, numbers_of, to_brief
from callcenter.emergency.helpers import Helpers
from callcenter.emergency.incidents import Incidents
from callcenter.emergency.kinds import Drill, Kind
from callcenter.emergency.ladder import Ladder
from callcenter.emergency.mass import MassEvents
from callcenter.emergency.model import Incident, IncidentState, Who, attended, check_transition, milliseconds
from callcenter.emergency.outside import Outside
from callcenter.emergency.plan import Plan
from callcenter.emergency.texts import Texts
from callcenter.emergency.wishes import Wish
from callcenter.errors import InvalidInput, NotFound
from callcenter.facts import Body, Fact
from callcenter.ledger import Ledger
from callcenter.notifications.model import Message
from callcenter.notifications.service import Messages
from callcenter.routing.service import Routing
from callcenter.telephony.events import HangupReason
from callcenter.telephony.pbx import Pbx


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
        messages: Messages,
        letterhead: Letterhead,
        *,
        ring_seconds: int,
        human_answer_seconds: float,
        recording_of: Callable[[str, datetime], str],
        fix_of: Callable[[str], LastSeen | None],
    ) -> None:
        """``fix_of``: where an elder's terminal was last seen."""
        self._ledger = ledger
        self._calls = calls
        self._pbx = pbx
        self._clock = clock
        self._numbers = numbers
        self._incidents = Incidents(ledger, calls, clock, recording_of)
        self._outside = Outside()
        self._farewells = Farewells(ledger, self._incidents, calls, pbx, clock)
        ledger.on_apply(self._apply)
        self._mass = MassEvents(ledger, self._incidents, calls, pbx)
        self._people = people
        self._texts = Texts(
            messages,
            numbers,
            letterhead,
            file_of=self._file_of,
            fix_of=lambda incident: fix_of(incident.elder_id) if incident.elder_id else None,
            crowded=lambda: self._mass.name,
        )
        self._helpers = Helpers(
            ledger,
            self._incidents,
            calls,
            people,
            pbx,
            clock,
            numbers,
            self._outside,
            ring_seconds=ring_seconds,
            tell=self._texts.alert,
        )
        self._call_backs = CallBacks(
            self._incidents,
            calls,
            self._outside,
            numbers,
            ring_seconds=ring_seconds,
            numbers_of=lambda incident: numbers_of(incident, self._file_of(incident)),
        )
        self._ladder = Ladder(
            ledger,
            self._incidents,
            calls,
            routing,
            self._helpers,
            self._call_backs,
            self._mass,
            pbx,
            clock,
            human_answer_seconds=human_answer_seconds,
        )
        ledger.on_react(self._react)

    # --- what is known -------------------------------------------------------------------------------------

    def find(self, incident_id: str) -> Incident | None:
        """The incident, open or closed lately, or None."""
        return self._incidents.find(incident_id)

    def get(self, incident_id: str) -> Incident:
        """The incident, open or closed lately; raises `NotFound`."""
        return self._incidents.get(incident_id)

    def known(self) -> list[Incident]:
        """Open and lately closed incidents."""
        return self._incidents.known()

    def calls_of(self, incident: Incident) -> list[Call]:
        """The incident's calls that are open or ended lately, oldest first."""
        return self._incidents.calls_of(incident)

    @property
    def open_count(self) -> int:
        """How many incidents are open."""
        return self._incidents.open_count

    @property
    def waiting_count(self) -> int:
        """How many of them want a human now."""
        return len(self._ladder.waiting)

    def waiting(self, incident_id: str) -> bool:
        """Whether the ladder is at work for this incident."""
        return incident_id in self._ladder.waiting

    @property
    def mass_event(self) -> bool:
        """Whether more press at once than there are seats (R21)."""
        return self._mass.on

    def wishes(self, incident_id: str) -> list[Wish]:
        """Who is wanted in an open incident."""
        return self._helpers.wishes(incident_id)

    def call_in(self, room: str) -> Call | None:
        """The call of the open incident that speaks in ``room``; None when there is no such incident."""
        incident = self._incidents.in_room(room)
        return self._incidents.current_call(incident) if incident is not None else None

    def _file_of(self, incident: Incident) -> File | None:
        return file_of(incident, self._people())

    # --- opening -------------------------------------------------------------------------------------------

    def admit(
        self,
        call_id: str,
        who: Who,
        at: datetime,
        plan: Plan,
        *,
        origin: str,
        room: str = "",
        kind: str = Kind.MANUAL,
        actor: str = "elder",
    ) -> Incident:
        """The incident a call belongs to: the person's open one, raised by this press, else a new one.

        ``room``: where the caller is already, for a call that is found there, e.g. after a restart.
        """
        return self._incidents.admit(call_id, who, at, plan, origin=origin, room=room, kind=kind, actor=actor)

    def raise_again(self, incident: Incident, *, origin: str, actor: str, kind: str = "") -> None:
        """A further press or alarm of an open incident: it joins and raises it (A8, R18)."""
        self._incidents.raise_again(incident, origin=origin, actor=actor, kind=kind)

    def alarm(
        self,
        who: Who,
        kind: str,
        plan: Plan,
        *,
        actor: str,
        voice_seconds: float = 0.0,
        tell: Iterable[str] = (),
        origin: str = "alarm",
        drill: Drill | None = None,
    ) -> Incident:
        """An alarm without a call, one raised by hand at the desk (origin ``desk``) or a drill (A5, A6, R19).

        ``voice_seconds``: how long her own call is waited for before she is called back; 0: at once. ``tell``: targets
        that are dialled and texted at once, whatever the plan says.
        """
        incident = self._incidents.alarm(
            who, kind, plan, actor=actor, voice_seconds=voice_seconds, origin=origin, drill=drill
        )
        for target in tell:
            self._helpers.plan(incident, target, incident.plan.steps[0] if incident.plan.steps else None)
        self._helpers.pursue(incident, alone=False)
        self._ladder.review(incident.id)
        return self.get(incident.id)

    # --- help ----------------------------------------------------------------------------------------------

    def request_help(
        self,
        incident_id: str,
        role: str,
        number: str | None,
        *,
        actor: str,
        request_id: str | None = None,
        everybody: bool = False,
    ) -> Leg:
        """Add 120, family, doctor, social worker, community or any number to the incident (A2).

        ``everybody``: all of a role at once, not one after the other. One wish never dials twice: see `Helpers.ask`.
        Raises `NotFound`, `InvalidInput` (nobody of that role is in the elder's file), `IllegalTransition` when the
        incident is closed.
        """
        incident = self._must_be_open(incident_id)
        return self._helpers.ask(incident, role, number, actor=actor, everybody=everybody, request_id=request_id)

    def remove(self, incident_id: str, leg_id: str, *, actor: str) -> Leg:
        """Take a leg out of the incident, or stop calling; raises `NotFound`, `InvalidInput` for the elder on the line.

        Taking off the elder's call-back ends the call-backs: only an operator knows that she meant to hang up.
        """
        call, leg = self._find_leg(incident_id, leg_id)
        if leg.role == Role.ELDER and (leg.in_room or not leg.dialled):
            raise InvalidInput("the elder's own line is never cut; close the emergency with an outcome instead")
        if leg.live:
            self._ledger.record(
                cf.LegRemoved(leg_id=leg.id, role=leg.role), actor=actor, call_id=call.id, incident_id=incident_id
            )
            self._calls.hang_up(leg, HangupReason.NORMAL if leg.in_room else HangupReason.CANCELLED)
        return leg

    def mute(self, incident_id: str, leg_id: str, muted: bool, *, actor: str) -> Leg:
        """Stop or let somebody's voice into the room; raises `NotFound`, `InvalidInput` for the elder."""
        call, leg = self._find_leg(incident_id, leg_id)
        if leg.role == Role.ELDER:
            raise InvalidInput("the elder is never muted: everybody must hear her")
        if not leg.in_room:
            raise InvalidInput(f"leg {leg_id} is {leg.state}, not in the room; there is nobody to mute")
        self._ledger.record(
            f.LegMuted(leg_id=leg.id, role=leg.role, muted=muted), actor=actor, call_id=call.id, incident_id=incident_id
        )
        self._calls.do(self._pbx.mute(call.room, leg.channel_id, muted), f"mute {leg.id}")
        return leg

    def _find_leg(self, incident_id: str, leg_id: str) -> tuple[Call, Leg]:
        for call in self.calls_of(self.get(incident_id)):
            leg = call.legs.get(leg_id)
            if leg is not None:
                return call, leg
        raise NotFound(f"no leg {leg_id} in emergency {incident_id}")

    def brief(
        self, incident_id: str, role: str, number: str | None, *, actor: str, confirmed: bool, request_id: str | None
    ) -> list[Message]:
        """Text the briefing to everybody of a role, or to a number; returns the messages (A4).

        To 120 only what the operator has ``confirmed``. Raises `InvalidInput` that names the remedy.
        """
        incident = self._must_be_open(incident_id)
        if role == Role.AMBULANCE and number is None and not confirmed:
            raise InvalidInput("what 120 is sent must be confirmed: say confirmed: true")
        return [
            self._texts.brief(incident, role, one, actor=actor, request_id=request_id and f"{request_id}:{one.number}")
            for one in to_brief(incident, role, number, self._file_of(incident), self._numbers)
        ]

    # --- what the operator says ----------------------------------------------------------------------------

    def say_kind(self, incident_id: str, kind: str, *, actor: str) -> Incident:
        """Say what kind of event it is; the checklist follows (A6)."""
        incident = self._must_be_open(incident_id)
        if kind not in set(Kind):
            raise InvalidInput(f"kind must be one of {', '.join(Kind)}, not {kind!r}")
        if kind != incident.kind:
            self._ledger.record(f.KindSaid(event=kind), actor=actor, incident_id=incident_id)
        return self.get(incident_id)

    def tick_off(self, incident_id: str, sentence: str, done: bool, *, actor: str) -> Incident:
        """Tick off a sentence of the checklist, or take the tick back (A6); raises `InvalidInput`."""
        incident = self._must_be_open(incident_id)
        if sentence not in incident.plan.checklist_for(incident.kind):
            raise InvalidInput("this sentence is not on the incident's checklist")
        if (sentence in incident.ticks) != done:
            self._ledger.record(f.Ticked(sentence=sentence, done=done), actor=actor, incident_id=incident_id)
        return self.get(incident_id)

    def broadcast(self, prompt: str, *, actor: str) -> int:
        """Say a recorded prompt to every waiting elder; returns to how many (R21)."""
        return self._mass.broadcast(prompt, self._ladder.waiting, self._clock.monotonic(), actor=actor)

    def close(self, incident_id: str, outcome: str, summary: str, *, actor: str, cause: str = "") -> Incident:
        """Close an incident with an outcome and end its calls; raises `IllegalTransition` when it is closed."""
        incident = self.get(incident_id)
        check_transition(incident, IncidentState.CLOSED)
        if not outcome.strip():
            raise InvalidInput("an emergency is closed with an outcome; say how it ended")
        self._ledger.record(
            f.EmergencyClosed(
                outcome=outcome.strip(),
                closed_at=self._clock.now(),
                summary=summary,
                cause=cause,
                elder_id=incident.elder_id,
            ),
            actor=actor,
            call_id=incident.calls[0] if incident.calls else None,
            incident_id=incident_id,
        )
        self._farewells.say(incident_id, self._clock.monotonic())
        return self.get(incident_id)

    def _must_be_open(self, incident_id: str) -> Incident:
        incident = self.get(incident_id)
        if not incident.open:
            check_transition(incident, IncidentState.OPEN)
        return incident

    # --- as time goes by, and at every fact ----------------------------------------------------------------

    def tick(self, now: float) -> None:
        """The pulse, several times a second; ``now`` in monotonic seconds."""
        self._ladder.tick(now)
        self._farewells.tick(now)

    def heard(self, channel_id: str) -> None:
        """Somebody spoke on a channel."""
        self._helpers.heard(channel_id)

    def resume(self) -> None:
        """After a restart: take up the ladder of every incident that was open."""
        for incident in self._incidents.open():
            if not incident.calls and incident.voice_by is None:
                # The crash came between the incident and its call: the press must not be lost for that.
                self._incidents.current_call(incident)
            self._ladder.review(incident.id)

    def _apply(self, fact: Fact) -> None:
        if fact.incident_id is not None:
            # Whom an operator calls for other reasons is on no line of the ladder's.
            self._outside.apply(fact.body)

    def _react(self, fact: Fact) -> None:
        if fact.incident_id is None:
            return
        incident = self.find(fact.incident_id)
        if incident is None:
            return
        arrived = isinstance(fact.body, (cf.LegJoined, cf.LegAccepted, cf.LineChanged))
        if arrived and incident.open and (incident.unheard or incident.human_answer_ms is None):
            self._see_who_came(incident, fact)
        if isinstance(fact.body, f.EmergencyAnswered):
            # The breach counts even when she was answered between two ticks, or by the fallback.
            self._ladder.mark_late(incident, fact.body.milliseconds / 1000)
        if isinstance(fact.body, cf.LegEnded) and not incident.open:
            # A call of ours outlives its legs only while she must be reached.
            self._calls.end_if_empty(self._calls.get(fact.call_id or ""))
        self._ladder.review(incident.id)

    def _see_who_came(self, incident: Incident, fact: Fact) -> None:
        calls = self.calls_of(incident)
        ours = [leg for call in calls for leg in call.live_legs if leg.accepted and leg.role in STAFF]
        if not ours:
            return
        first = min(ours, key=lambda leg: (leg.accepted_at or fact.at, leg.id))
        body: Body | None = None
        if incident.unheard:
            body = f.PressHeard(leg_id=first.id, by=first.number)
        elif attended(incident, calls):
            waited = milliseconds(incident.opened_at, fact.at)
            body = f.EmergencyAnswered(leg_id=first.id, by=first.number, milliseconds=waited)
        if body is not None:
            self._ledger.record(body, actor="pbx", call_id=fact.call_id, incident_id=incident.id)
