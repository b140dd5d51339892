"""Says when each recording starts and stops, from the facts of its call (B6).

The dialplan starts MixMonitor by itself on every channel that is answered; this only keeps the record of it.
The caller's channel has the mix and her own voice, every other leg its own voice. What a supervisor whispers to the
operator is said in the call too, but not to the caller: a recording of its own, in no mix (B6, B7).
"""

from datetime import datetime
from pathlib import PurePosixPath

from callcenter.calls import facts as cf
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Call, Leg, Role
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
        self._replayed: set[str] | None = set()
        """Recordings that the journal tells of, and their legs; None once everything has been taken up."""
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    def _apply(self, fact: Fact) -> None:
        match fact.body:
            case RecordingStarted(leg_id=leg_id, recording_id=recording_id, began_at=began_at) if leg_id is not None:
                self._running.setdefault(leg_id, (began_at or fact.at, []))[1].append(recording_id)
                if self._replayed is not None:
                    self._replayed |= {leg_id, recording_id}
            case RecordingStopped(recording_id=recording_id):
                for leg_id, (_, recordings) in list(self._running.items()):
                    if recording_id in recordings:
                        recordings.remove(recording_id)
                        if not recordings:
                            del self._running[leg_id]
            case _:
                pass

    def _react(self, fact: Fact) -> None:
        call = self._calls.find(fact.call_id or "")
        if call is None or call.via == SYNTHETIC:  # the watchdog looks at its own recording and deletes it
            return
        match fact.body:
            case cf.LegAnswered(leg_id=leg_id) | cf.LegJoined(leg_id=leg_id) if leg_id not in self._running:
                leg = call.legs.get(leg_id)
                if leg is not None and leg.live and _recorded(leg):
                    self._start(call, leg)
                elif leg is not None and leg.live:
                    self._whisper(call, leg, fact.at)
            case cf.CallMonitored(leg_id=leg_id) if (leg := call.legs.get(leg_id)) is not None:
                if leg.role == Role.MONITOR and leg.live:
                    if leg_id in self._running:
                        self._stop(call, leg_id, fact.at)
                    self._whisper(call, leg, fact.at)
            case cf.LegEnded(leg_id=leg_id) if leg_id in self._running:
                self._stop(call, leg_id, fact.at)
            case _:
                pass

    def resume(self) -> None:
        """After a restart: say what a crash left unsaid between a leg's fact and that of its recordings."""
        told, self._replayed = self._replayed or set(), None
        for call in (call for call in self._calls.known() if call.via != SYNTHETIC):
            for leg in call.legs.values():
                if leg.id in self._running and not leg.live:
                    self._stop(call, leg.id, leg.ended_at)
                elif leg.id not in told and leg.id not in self._running and _recorded(leg):
                    self._start(call, leg)
                    if not leg.live:
                        self._stop(call, leg.id, leg.ended_at)
            for leg_id, monitor in call.monitors.items():
                spy = call.legs.get(leg_id)
                if spy is not None and monitor.part not in told and spy.id not in self._running:
                    self._whisper(call, spy, spy.answered_at)
                    if spy.id in self._running and not spy.live:
                        self._stop(call, spy.id, spy.ended_at)

    def _start(self, call: Call, leg: Leg) -> None:
        # The leg's own times, not now: a call that the fallback took is told of long after it was recorded.
        began = (leg.answered_at if leg.role == Role.ELDER else None) or leg.joined_at
        own = RecordingStarted(
            recording_id=new_id(), kind="leg", path=leg_path(call, leg), leg_id=leg.id, began_at=began
        )
        if leg.role != Role.ELDER:
            self._record(call, own)
            return
        mix = RecordingStarted(
            recording_id=new_id(), kind="mix", path=mix_path(call, leg), leg_id=leg.id, began_at=began
        )
        self._record(call, mix, own)

    def _whisper(self, call: Call, leg: Leg, at: datetime | None) -> None:
        """A supervisor's phone is up: what he says to the operator is recorded, if he is to be heard."""
        monitor = call.monitors.get(leg.id)
        if monitor is not None and monitor.part and leg.role == Role.MONITOR and leg.answered_at is not None:
            path = whisper_path(call, monitor.part)
            began = RecordingStarted(
                recording_id=monitor.part, kind="whisper", path=path, leg_id=leg.id, began_at=at or leg.answered_at
            )
            self._record(call, began)

    def _stop(self, call: Call, leg_id: str, at: datetime | None) -> None:
        began, recordings = self._running[leg_id]
        leg = call.legs.get(leg_id)
        unheard = leg is not None and leg.reason == "lost"
        seconds = None if unheard else max(0.0, ((at or began) - began).total_seconds())
        stopped = [RecordingStopped(recording_id=one, expected_seconds=seconds, ended_at=at) for one in recordings]
        self._record(call, *stopped)

    def _record(self, call: Call, *bodies: RecordingStarted | RecordingStopped) -> None:
        self._ledger.record(*bodies, actor="pbx", call_id=call.id, incident_id=call.incident_id)


def leg_path(call: Call, leg: Leg) -> str:
    """Where one person's own voice is recorded; the fallback dialplan knows no leg ids, only the elder."""
    from_fallback = PurePosixPath(call.recording).name.startswith("fallback-") and not leg.dialled
    return f"{call.recording}-{'elder' if from_fallback else leg.id}.wav"


def mix_path(call: Call, leg: Leg) -> str:
    """Where the whole room is recorded on an elder's channel.

    An elder who is called back has a second channel on the same call: its file must not overwrite the first.
    """
    return f"{call.recording}-{leg.id}-mix.wav" if leg.dialled else f"{call.recording}.wav"


def whisper_path(call: Call, part: str) -> str:
    """Where what a supervisor whispers is recorded; ``part``: see `callcenter.calls.facts.CallMonitored`."""
    return f"{call.recording}-whisper-{part}.wav"


def _recorded(leg: Leg) -> bool:
    return leg.joined_at is not None or (leg.role == Role.ELDER and leg.answered_at is not None)
