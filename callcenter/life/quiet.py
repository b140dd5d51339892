"""The silent elder (R17): counts how long she has said nothing, and does what the table says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Leg, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as ef
from callcenter.emergency.model import Incident
from callcenter.emergency.service import Emergencies
from callcenter.emergency.silence import RULES, Rule, Silent, Spoke, Stage, due, seconds_of, worse
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.telephony.events import TalkingStarted, TalkingStopped
from callcenter.telephony.pbx import LISTEN, Pbx

log = structlog.get_logger(__name__)

ASK_PROMPT = "ask-if-ok"
VOLUME = "VOLUME(RX)"
LOUD, NORMAL = "4", "1"
"""Factors of her voice in the room; 4 is 12 dB. The recording of her own line is not amplified."""

_MOVES = (cf.LegJoined, cf.LegLeft, cf.LegEnded, cf.LegAccepted, cf.CallEnded, ef.EmergencyClosed)


@dataclass(slots=True)
class _Vigil:
    """One elder who is with us. Monotonic seconds; ``talking``: channels on which somebody speaks now."""

    elder: frozenset[str]
    staff: frozenset[str]
    since: float
    desk_since: float
    talking: set[str] = field(default_factory=set)


class Quiet:
    """Every open emergency in which somebody of ours is with the elder."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        emergencies: Emergencies,
        pbx: Pbx,
        clock: Clock,
        table: Sequence[Rule] = RULES,
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._emergencies = emergencies
        self._pbx = pbx
        self._clock = clock
        self._table = table
        self._vigils: dict[str, _Vigil] = {}
        self._incident_of: dict[str, str] = {}
        """Channel → incident, for the channels of all vigils."""
        ledger.on_react(self._react)

    def hear(self, event: TalkingStarted | TalkingStopped) -> None:
        """Somebody begins or ends to speak on a channel."""
        incident_id = self._incident_of.get(event.channel_id, "")
        vigil = self._vigils.get(incident_id)
        if vigil is None:
            return
        now = self._clock.monotonic()
        hers = event.channel_id in vigil.elder
        if isinstance(event, TalkingStarted):
            vigil.talking.add(event.channel_id)
            if hers:
                self._spoke(incident_id, vigil)
        else:
            vigil.talking.discard(event.channel_id)
        if hers:
            vigil.since = now
        else:
            vigil.desk_since = now

    def stalled(self, incident_id: str, seconds: float) -> None:
        """Nothing at all comes from the elder's line: she must be called on another."""
        incident = self._emergencies.find(incident_id)
        if incident is not None and incident.open and worse(Stage.CALL_BACK, incident.silence):
            self._enter(incident, Stage.CALL_BACK, seconds, "stalled")

    def tick(self, now: float) -> None:
        """Once in a while; ``now`` in monotonic seconds."""
        for incident_id, vigil in list(self._vigils.items()):
            incident = self._emergencies.find(incident_id)
            if incident is None or not incident.open or vigil.talking & vigil.elder:
                continue
            quiet = now - vigil.since
            desk_quiet = 0.0 if vigil.talking else now - vigil.desk_since
            stage = due(self._table, incident.silence, quiet, desk_quiet)
            if stage is not None:
                self._enter(incident, stage, quiet, "quiet")

    def resume(self) -> None:
        """After a start or a lost link: who spoke meanwhile is not known; every silence goes on from its stage."""
        self._vigils.clear()
        self._incident_of.clear()
        for incident in self._emergencies.known():
            self._look(incident)

    # --- what is done --------------------------------------------------------------------------------------

    def _enter(self, incident: Incident, stage: Stage, seconds: float, why: str) -> None:
        self._ledger.record(
            Silent(stage=stage, seconds=round(seconds, 1), why=why), actor="system", incident_id=incident.id
        )
        log.info("elder_silent", incident_id=incident.id, stage=stage, why=why)
        if stage is Stage.ASK:
            self._calls.do(self._pbx.play(incident.room, [ASK_PROMPT]), f"ask {incident.id}")
        elif stage is Stage.LOUDER:
            self._amplify(incident.id, LOUD)

    def _spoke(self, incident_id: str, vigil: _Vigil) -> None:
        incident = self._emergencies.find(incident_id)
        if incident is None or not incident.silence:
            return
        louder = worse(incident.silence, Stage.ASK)
        self._ledger.record(Spoke(), actor="pbx", incident_id=incident_id)
        if louder:
            self._amplify(incident_id, NORMAL)

    def _amplify(self, incident_id: str, factor: str) -> None:
        vigil = self._vigils.get(incident_id)
        for channel_id in vigil.elder if vigil is not None else ():
            self._calls.do(self._pbx.set_variable(channel_id, VOLUME, factor), f"volume {channel_id}")

    # --- whom we watch -------------------------------------------------------------------------------------

    def _react(self, fact: Fact) -> None:
        if fact.incident_id is None or not isinstance(fact.body, _MOVES):
            return
        incident = self._emergencies.find(fact.incident_id)
        if incident is not None:
            self._look(incident)

    def _look(self, incident: Incident) -> None:
        """Begin, change or end the vigil of an incident; its clock begins anew when ours come or she does."""
        legs = [leg for call in self._emergencies.calls_of(incident) if call.open for leg in call.live_legs]
        elder = _channels(leg for leg in legs if leg.role == Role.ELDER and leg.in_room)
        staff = _channels(leg for leg in legs if leg.role in STAFF and leg.accepted)
        before = self._vigils.get(incident.id)
        if not (incident.open and elder and staff) or incident.origin == cf.SYNTHETIC:
            if before is not None:
                self._forget(incident.id, before)
            return
        if before is not None and before.elder == elder and before.staff == staff:
            return
        now = self._clock.monotonic()
        vigil = _Vigil(elder, staff, now - seconds_of(self._table, incident.silence), now)
        if before is not None:
            self._forget(incident.id, before)
            vigil.talking = before.talking & (elder | staff)
        self._vigils[incident.id] = vigil
        for channel_id in elder | staff:
            self._incident_of[channel_id] = incident.id
        for channel_id in staff - (before.staff if before is not None else frozenset()):
            self._calls.do(self._pbx.set_variable(channel_id, *LISTEN), f"listen {channel_id}")

    def _forget(self, incident_id: str, vigil: _Vigil) -> None:
        del self._vigils[incident_id]
        for channel_id in vigil.elder | vigil.staff:
            self._incident_of.pop(channel_id, None)


def _channels(legs: Iterable[Leg]) -> frozenset[str]:
    return frozenset(leg.channel_id for leg in legs)
