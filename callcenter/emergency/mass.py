"""Mass events at work: notices them, and tells the waiting that they are not forgotten (R21)."""

from collections.abc import Mapping

from callcenter.calls.service import Calls
from callcenter.emergency import facts as f
from callcenter.emergency.crowd import FIRST_WORD, NEXT_WORD, WORDS_A_TICK, Crowd, crowd
from callcenter.emergency.incidents import Incidents
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.telephony.pbx import Pbx

WORD = "mass-event"


class MassEvents:
    """Whether many press at once, and who of the waiting was told so when."""

    def __init__(self, ledger: Ledger, incidents: Incidents, calls: Calls, pbx: Pbx) -> None:
        self._ledger = ledger
        self._incidents = incidents
        self._calls = calls
        self._pbx = pbx
        self._crowd = Crowd()
        self._due: dict[str, float] = {}
        self._word = WORD
        self.name = ""
        """An id of the mass event that is on; empty when there is none."""

    @property
    def on(self) -> bool:
        """Whether there is a mass event."""
        return self._crowd.mass

    def tick(self, waiting: Mapping[str, float], seats: int, now: float) -> None:
        """Look at who waits since when (monotonic seconds) and how many seats could ring."""
        before = self._crowd
        self._crowd = crowd(before, len(waiting), seats, now)
        if self._crowd.mass and not before.mass:
            self.name = new_id()
            self._word = WORD
            self._ledger.record(f.MassBegan(waiting=len(waiting)), actor="system")
        elif before.mass and not self._crowd.mass:
            self.name = ""
            self._ledger.record(f.MassEnded(), actor="system")
        if not self.on and not self._due:
            return
        self._due = {
            incident_id: self._due.get(incident_id, since + FIRST_WORD)
            for incident_id, since in waiting.items()
            if self.on or incident_id in self._due
        }
        late = sorted((due, incident_id) for incident_id, due in self._due.items() if now >= due)
        for _, incident_id in late[:WORDS_A_TICK]:
            self._say(incident_id)
            if self.on:
                self._due[incident_id] = now + NEXT_WORD
            else:
                del self._due[incident_id]

    def broadcast(self, prompt: str, waiting: Mapping[str, float], now: float, *, actor: str) -> int:
        """Say a recorded prompt to everybody who waits, and again while the mass event lasts; returns to how many."""
        self._word = prompt
        self._due = dict.fromkeys(waiting, now)
        self._ledger.record(f.Broadcast(prompt=prompt, waiting=len(waiting)), actor=actor)
        return len(waiting)

    def _say(self, incident_id: str) -> None:
        incident = self._incidents.find(incident_id)
        for call in self._incidents.calls_of(incident) if incident is not None else ():
            if any(leg.in_room for leg in call.elder_legs):
                self._calls.do(self._pbx.play(call.room, [self._word]), f"{self._word} {call.id}")
                return
