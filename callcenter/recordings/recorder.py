"""Says when each recording starts and stops, from the facts of its call (B6).

The dialplan starts MixMonitor by itself on every channel that is answered; this only keeps the record of it.
The caller's channel has the mix and her own voice, every other leg its own voice.
"""

from datetime import datetime

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.calls.service import Calls
from callcenter.facts import Fact
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.recordings.facts import RecordingStarted, RecordingStopped


class Recorder:
    """Follows every leg from its answer to its end."""

    def __init__(self, ledger: Ledger, calls: Calls) -> None:
        self._ledger = ledger
        self._calls = calls
        self._running: dict[str, tuple[datetime, list[str]]] = {}
        """Leg id → when it began and the ids of its recordings."""
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    def _apply(self, fact: Fact) -> None:
        match fact.body:
            case RecordingStarted(leg_id=leg_id, recording_id=recording_id) if leg_id is not None:
                self._running.setdefault(leg_id, (fact.at, []))[1].append(recording_id)
            case RecordingStopped(recording_id=recording_id):
                for leg_id, (_, recordings) in list(self._running.items()):
                    if recording_id in recordings:
                        recordings.remove(recording_id)
                        if not recordings:
                            del self._running[leg_id]
            case _:
                pass

    def _react(self, fact: Fact) -> None:
        match fact.body:
            case cf.LegAnswered(leg_id=leg_id, role=role) if role == Role.ELDER:
                self._start(fact, leg_id, role)
            case cf.LegJoined(leg_id=leg_id, role=role):
                self._start(fact, leg_id, role)
            case cf.LegEnded(leg_id=leg_id) if leg_id in self._running:
                began, recordings = self._running[leg_id]
                seconds = max(0.0, (fact.at - began).total_seconds())
                self._record(fact, *(RecordingStopped(recording_id=one, expected_seconds=seconds) for one in recordings))
            case _:
                pass

    def _start(self, fact: Fact, leg_id: str, role: str) -> None:
        call = self._calls.find(fact.call_id or "")
        if call is None or leg_id in self._running:
            return
        own = RecordingStarted(recording_id=new_id(), kind="leg", path=f"{call.recording}-{leg_id}.wav", leg_id=leg_id)
        if role != Role.ELDER:
            self._record(fact, own)
            return
        mix = RecordingStarted(recording_id=new_id(), kind="mix", path=f"{call.recording}.wav", leg_id=leg_id)
        self._record(fact, mix, own)

    def _record(self, fact: Fact, *bodies: RecordingStarted | RecordingStopped) -> None:
        self._ledger.record(*bodies, actor="pbx", call_id=fact.call_id, incident_id=fact.incident_id)
