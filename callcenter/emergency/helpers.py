"""Brings people outside into an incident: keeps its wishes, dials whom they want now, says what failed (A2, A3, R10).

Works on facts, memory and the switchboard alone (A10).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Leg, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as f
from callcenter.emergency.help import (
    IN_ORDER,
    ROLE_OF,
    File,
    Numbers,
    People,
    asked_for,
    file_of,
    must_press_a_key,
    planned_for,
    standing_in,
)
from callcenter.emergency.incidents import Incidents
from callcenter.emergency.kinds import Candidate
from callcenter.emergency.model import Incident
from callcenter.emergency.outside import Outside
from callcenter.emergency.plan import HOUSE_TARGETS, Accept, Step, Target
from callcenter.emergency.wishes import Order, Wish, evolve, exhausted, in_vain, made, orders
from callcenter.emergency.words import ACCEPT, words
from callcenter.facts import Fact
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.telephony.events import HangupReason
from callcenter.telephony.pbx import LISTEN, Pbx

log = structlog.get_logger(__name__)

ROUNDS = 2
AMBULANCE_ROUNDS = 3
"""How often a human's request tries each person; the plan's people are tried until somebody is with the elder."""
MAX_OUTSIDE = 60
"""Lines out that the ladder itself may hold at once, so that a crowd never uses up the trunk; a human's request, and
our own people, are always dialled."""
MAX_AGAIN = 40
"""… and above which nobody is called again: the families of the first must not keep those of the last from hearing."""
SILENT_SECONDS = 15.0
"""How long the ambulance's line may be without a sound before the operator is told (R10)."""


class Tell(Protocol):
    """Texts somebody whom the ladder alerts."""

    def __call__(self, incident: Incident, role: str, candidate: Candidate) -> None: ...


class Helpers:
    """The wishes of every open incident."""

    def __init__(
        self,
        ledger: Ledger,
        incidents: Incidents,
        calls: Calls,
        people: Callable[[], People],
        pbx: Pbx,
        clock: Clock,
        numbers: Numbers,
        outside: Outside,
        *,
        ring_seconds: int,
        tell: Tell,
    ) -> None:
        self._ledger = ledger
        self._incidents = incidents
        self._calls = calls
        self._people = people
        self._pbx = pbx
        self._clock = clock
        self._numbers = numbers
        self._ring_seconds = ring_seconds
        self._tell = tell
        self._wishes: dict[str, dict[str, Wish]] = {}
        self._outside = outside
        self._told: dict[str, set[str]] = {}
        self._listening: dict[str, tuple[str, float]] = {}
        """The ambulance's legs that nothing was heard of yet → incident, and since when (monotonic)."""
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    # --- what is known -------------------------------------------------------------------------------------

    def wishes(self, incident_id: str) -> list[Wish]:
        """The wishes of an open incident, oldest first."""
        return list(self._wishes.get(incident_id, {}).values())

    def busy(self, incident_id: str) -> bool:
        """Whether time may still bring something about while one of ours is with the elder."""
        return any(not (wish.failed or wish.met or wish.escalates) for wish in self.wishes(incident_id))

    def _file_of(self, incident: Incident) -> File | None:
        return file_of(incident, self._people())

    # --- wanting somebody ----------------------------------------------------------------------------------

    def ask(
        self,
        incident: Incident,
        role: str,
        number: str | None,
        *,
        actor: str,
        everybody: bool = False,
        request_id: str | None = None,
    ) -> Leg:
        """Want somebody because a human says so; returns the leg that is dialled, or that stands for it already.

        One wish never dials twice: the same request, somebody who rings or talks already, or a role that is just
        being called, give the leg there is. Raises `InvalidInput`.
        """
        legs = [leg for call in self._incidents.calls_of(incident) for leg in call.legs.values()]
        if request_id is not None:
            for leg in legs:
                if leg.request_id == request_id:
                    return leg
        candidates = asked_for(role, number, self._file_of(incident), self._numbers.ambulance, incident.drill)
        live = {leg.number: leg for leg in legs if leg.live and leg.role != Role.ELDER}
        # Whatever role it was asked for in: 120 keyed as a number is the same ambulance (R10).
        if number is not None or len(candidates) == 1:
            if candidates[0].number in live:
                return live[candidates[0].number]
        elif (underway := self._underway(incident.id, role)) is not None and not everybody:
            return next(leg for leg in legs if leg.id in underway.live_legs)
        open_to = [candidate for candidate in candidates if candidate.number not in live]
        if not open_to:
            return live[candidates[0].number]
        # Relatives are called in order: whoever was tried already comes after those who were not (A2).
        open_to.sort(key=lambda candidate: self._times(incident.id, candidate.number))
        self._give_up(incident, role, open_to, "asked_again")
        wish = self._want(
            incident,
            role,
            open_to,
            actor=actor,
            together=everybody,
            rounds=AMBULANCE_ROUNDS if role == Role.AMBULANCE else ROUNDS,
            request_id=request_id,
        )
        self._pursue(incident, wish, alone=True)
        tried = [self._wishes[incident.id][wish.id].of(candidate.number) for candidate in open_to]
        return self._leg(incident, next(one.leg_id for one in tried if one.leg_id))

    def plan(self, incident: Incident, target: str, step: Step | None = None) -> None:
        """Want whom a plan's target means, once an incident; nobody when nobody is known (A3)."""
        if target not in ROLE_OF or any(wish.target == target for wish in self.wishes(incident.id)):
            return
        role = ROLE_OF[Target(target)]
        on_call = self._people().on_call(self._clock.now(), incident.area) if target == Target.DUTY else ()
        found = planned_for(target, self._file_of(incident), self._numbers, on_call)
        candidates = found if incident.drill is None else standing_in(found, incident.drill, role)
        if candidates:
            self._want(
                incident,
                role,
                candidates,
                actor="system",
                target=target,
                together=target not in IN_ORDER,
                accept=step.accept if step is not None else Accept.KEY,
                escalates=step is None or step.at_seconds > 0,
                rounds=0,
            )

    def _want(
        self,
        incident: Incident,
        role: str,
        candidates: Iterable[Candidate],
        *,
        actor: str,
        rounds: int,
        target: str = "",
        together: bool = False,
        accept: str = Accept.KEY,
        escalates: bool = False,
        request_id: str | None = None,
    ) -> Wish:
        wish_id = new_id()
        self._ledger.record(
            f.HelpWanted(
                wish_id=wish_id,
                role=role,
                candidates=tuple(candidates),
                target=target,
                together=together,
                accept=accept,
                rounds=rounds,
                escalates=escalates,
                rest_seconds=incident.plan.repeat_every_seconds,
                routes=self._numbers.routes,
                request_id=request_id,
            ),
            actor=actor,
            incident_id=incident.id,
        )
        return self._wishes[incident.id][wish_id]

    def _underway(self, incident_id: str, role: str) -> Wish | None:
        """A wish for that role whose phone rings and whom nobody joined for yet."""
        return next(
            (wish for wish in self.wishes(incident_id) if wish.role == role and wish.live_legs and not wish.met), None
        )

    def _times(self, incident_id: str, number: str) -> int:
        return sum(wish.of(number).times for wish in self.wishes(incident_id))

    def _give_up(self, incident: Incident, role: str, candidates: list[Candidate], why: str) -> None:
        """Close earlier requests for the same people: the new one takes their place."""
        numbers = {candidate.number for candidate in candidates}
        for wish in self.wishes(incident.id):
            open_request = not wish.target and not wish.failed and not wish.met
            if open_request and wish.role == role and numbers & {candidate.number for candidate in wish.candidates}:
                self._fail(incident, wish, why)

    # --- dialling ------------------------------------------------------------------------------------------

    def pursue(self, incident: Incident, *, alone: bool, with_her: bool = False, patient: bool = False) -> None:
        """Dial whom the wishes of an incident want now.

        ``alone``: nobody of ours is with the elder. ``with_her``: one of her own people is: only ours are tried on.
        ``patient``: no human is looked for, only the elder.
        """
        for wish in self.wishes(incident.id):
            wanted = alone and not (with_her and wish.target not in HOUSE_TARGETS)
            self._pursue(incident, wish, alone=wanted, patient=patient)

    def _pursue(self, incident: Incident, wish: Wish, *, alone: bool, patient: bool = False) -> None:
        if exhausted(wish):
            if in_vain(wish):
                why = max(wish.tried.values(), key=lambda tried: (tried.ended_at is not None, tried.ended_at)).reason
                self._fail(incident, wish, why or "unreachable")
                self._say(incident, "not-available")
            return
        # A doctor of two villages cannot talk to both; a human who asks for her is believed.
        taken = self._outside.numbers if wish.target else self._live_numbers(incident)
        for order in orders(wish, self._clock.now(), alone=alone, busy=taken, patient=patient):
            first = not self._times(incident.id, order.candidate.number)
            if wish.target and first:
                self._tell_first(incident, wish.role, order.candidate)
            if (
                not wish.target
                or wish.target in HOUSE_TARGETS
                or self._outside.count < (MAX_OUTSIDE if first else MAX_AGAIN)
            ):
                self._dial(incident, wish, order)

    def _tell_first(self, incident: Incident, role: str, candidate: Candidate) -> None:
        """Text whom the ladder wants, once, whether or not there is a line to call them by."""
        told = self._told.setdefault(incident.id, set())
        if candidate.number not in told:
            told.add(candidate.number)
            self._tell(incident, role, candidate)

    def _live_numbers(self, incident: Incident) -> frozenset[str]:
        legs = [leg for call in self._incidents.calls_of(incident) for leg in call.live_legs]
        return frozenset(leg.number for leg in legs if leg.role != Role.ELDER)

    def _dial(self, incident: Incident, wish: Wish, order: Order) -> None:
        number = order.candidate.number
        by_key = wish.accept == Accept.KEY and must_press_a_key(wish.role, number)
        call = self._incidents.current_call(incident)
        # Nobody needs telling by a machine what an operator in the room will say himself.
        said = words(incident, wish.role, self._address(incident)) if by_key or not call.staffed else []
        self._calls.dial(
            call,
            wish.role,
            number,
            f"PJSIP/{number}@{order.route}",
            actor=wish.actor,
            context="cc-accept" if by_key else "cc-helper",
            name=order.candidate.name,
            request_id=wish.request_id,
            ring_seconds=self._ring_seconds,
            caller_number=self._numbers.shown,
            wish_id=wish.id,
            route=order.route,
            variables={"CC_PROMPTS": "&".join([*said, ACCEPT] if by_key else said)},
        )

    def _address(self, incident: Incident) -> str | None:
        file = self._file_of(incident)
        return file.address if file is not None else None

    def release(self, incident: Incident) -> None:
        """Somebody of ours is with the elder: whoever rings because nobody was may stop."""
        stop = {leg_id for wish in self.wishes(incident.id) if wish.escalates for leg_id in wish.live_legs}
        for call in self._incidents.calls_of(incident):
            for leg in call.live_legs:
                if not leg.in_room and (leg.id in stop or (leg.role in STAFF and leg.role != Role.SEAT)):
                    self._calls.hang_up(leg, HangupReason.CANCELLED)

    # --- what became of it ---------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Look at ambulances that answered and say nothing; ``now`` in monotonic seconds."""
        for leg_id, (incident_id, since) in list(self._listening.items()):
            if now - since >= SILENT_SECONDS:
                del self._listening[leg_id]
                incident = self._incidents.find(incident_id)
                if incident is not None and incident.open:
                    self._silent(incident, leg_id, now - since)

    def heard(self, channel_id: str) -> None:
        """Somebody spoke on a channel: an ambulance's line is alive."""
        self._listening.pop(channel_id, None)

    def _silent(self, incident: Incident, leg_id: str, seconds: float) -> None:
        leg = self._leg(incident, leg_id)
        self._ledger.record(
            f.HelpSilent(leg_id=leg_id, role=leg.role, seconds=round(seconds, 1)),
            actor="system",
            incident_id=incident.id,
        )
        self._say(incident, "ambulance-silent")
        self._tell(incident, leg.role, Candidate(leg.number))
        if len(self._numbers.routes) > 1:
            self._calls.hang_up(leg)

    def _fail(self, incident: Incident, wish: Wish, why: str) -> None:
        self._ledger.record(
            f.HelpFailed(wish_id=wish.id, role=wish.role, why=why), actor="system", incident_id=incident.id
        )

    def _say(self, incident: Incident, prompt: str) -> None:
        """Tell the operator, at once, in the room."""
        for call in self._incidents.calls_of(incident):
            if call.open and call.staffed:
                self._calls.do(self._pbx.play(call.room, [prompt]), f"{prompt} {call.id}")
                return

    def _leg(self, incident: Incident, leg_id: str) -> Leg:
        return next(call.legs[leg_id] for call in self._incidents.calls_of(incident) if leg_id in call.legs)

    def _apply(self, fact: Fact) -> None:
        incident_id, body = fact.incident_id, fact.body
        if incident_id is None:
            return
        if isinstance(body, f.HelpWanted):
            self._wishes.setdefault(incident_id, {})[body.wish_id] = made(fact, body)
        elif isinstance(body, f.EmergencyClosed):
            self._wishes.pop(incident_id, None)
            self._told.pop(incident_id, None)
        else:
            wishes = self._wishes.get(incident_id, {})
            for wish in wishes.values():
                wishes[wish.id] = evolve(wish, fact)

    def _react(self, fact: Fact) -> None:
        incident = self._incidents.find(fact.incident_id or "")
        if incident is None or not incident.open:
            return
        match fact.body:
            case cf.LegJoined(role=Role.AMBULANCE, leg_id=leg_id):
                self._listening[leg_id] = (incident.id, self._clock.monotonic())
                # Only now: its first word in the room is news.
                self._calls.do(self._pbx.set_variable(leg_id, *LISTEN), f"listen {leg_id}")
            case cf.LegEnded(role=role, leg_id=leg_id):
                self._listening.pop(leg_id, None)
                self._attempt_ended(incident, role, leg_id, fact.at)
            case _:
                pass

    def _attempt_ended(self, incident: Incident, role: str, leg_id: str, at: datetime) -> None:
        leg = self._leg(incident, leg_id)
        wish = self._wishes.get(incident.id, {}).get(leg.wish_id)
        if wish is None or leg.joined_at is not None or wish.target or wish.of(leg.number).removed:
            return
        if role == Role.AMBULANCE:
            self._say(incident, "ambulance-not-reached")
            self._tell(incident, role, Candidate(leg.number))
        elif not exhausted(wish):
            self._say(incident, "help-not-reached")
