"""Clears the calls of closed incidents: the elder hears good-bye, everybody else is let go.

Nobody rings for a closed incident any more, so nobody may be left alone in its room.
"""

from callcenter.calls.model import Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as f
from callcenter.emergency.incidents import Incidents
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.telephony.events import HangupReason
from callcenter.telephony.pbx import Pbx

AGAIN_SECONDS = 5.0
"""Between two attempts; long enough to hear the good-bye."""


class Farewells:
    """Closed incidents that may still have open calls."""

    def __init__(self, ledger: Ledger, incidents: Incidents, calls: Calls, pbx: Pbx, clock: Clock) -> None:
        self._incidents = incidents
        self._calls = calls
        self._pbx = pbx
        self._clock = clock
        self._due: dict[str, float] = {}
        """Incident → when (monotonic) to look after it."""
        ledger.on_apply(self._apply)

    def say(self, incident_id: str, now: float) -> None:
        """Let everybody go; again later, should Asterisk not have heard it. ``now`` in monotonic seconds."""
        incident = self._incidents.find(incident_id)
        calls = [call for call in self._incidents.calls_of(incident) if call.open] if incident is not None else []
        if not calls:
            self._due.pop(incident_id, None)
            return
        self._due[incident_id] = now + AGAIN_SECONDS
        for call in calls:
            for leg in call.live_legs:
                if leg.role == Role.ELDER and leg.in_room:
                    self._calls.do(self._pbx.kick(call.room, leg.channel_id), f"goodbye {leg.id}")
                else:
                    self._calls.hang_up(leg, HangupReason.NORMAL if leg.in_room else HangupReason.CANCELLED)
            self._calls.end_if_empty(call)

    def tick(self, now: float) -> None:
        """Look after those whose time has come; ``now`` in monotonic seconds."""
        for incident_id, due in list(self._due.items()):
            if now >= due:
                self.say(incident_id, now)

    def _apply(self, fact: Fact) -> None:
        if isinstance(fact.body, f.EmergencyClosed) and fact.incident_id is not None:
            self._due.setdefault(fact.incident_id, self._clock.monotonic())
