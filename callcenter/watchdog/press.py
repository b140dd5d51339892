"""The synthetic press: Asterisk calls its own emergency number, and hears its own voice back from the test seat.

INVITE over UDP to its own SIP port, digest, the trunk's dialplan, FastAGI, incident, room, recording, ladder, the test
seat and back: each press is measured on the caller's side (A1, R27).
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as ef
from callcenter.emergency.service import Emergencies
from callcenter.errors import CallCenterError, Conflict
from callcenter.facts import Fact
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.telephony.events import ChannelAnswered, ChannelHungUp, DialFailed, PbxEvent, SeatCode
from callcenter.telephony.pbx import Dial, Pbx
from callcenter.watchdog import facts as f

log = structlog.get_logger(__name__)

ACTOR = "watchdog"
ENDPOINT = "synthetic"
"""The PJSIP endpoint that calls (asterisk/pjsip.conf.j2)."""
CONTEXT = "cc-synthetic"
FIRST_SECONDS = 30.0
"""After a start: long enough for phones to register and for whoever waited to be served."""
RETRY_SECONDS = 30.0
"""After a press that was skipped or failed, the next is tried sooner: a flaw should not last a quarter of an hour."""
PATIENCE_SECONDS = 20.0
END_SECONDS = 5.0
WAV_HEADER = 44
TONES = {"1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "4": (770, 1209), "5": (770, 1336),
         "6": (770, 1477), "7": (852, 1209), "8": (852, 1336), "9": (852, 1477)}  # fmt: skip
"""The two frequencies of each key, in Hz (ITU-T Q.23)."""


class Stage(StrEnum):
    """How far a press came."""

    CALLED = "called"
    ANSWERED = "answered"
    HUMAN = "human"
    HEARD = "heard"


@dataclass(slots=True)
class _Press:
    """One press under way; milliseconds from its INVITE, None while it has not happened."""

    id: str
    channel_id: str
    keys: str
    began: float
    done: asyncio.Event
    ended: asyncio.Event
    call_id: str = ""
    incident_id: str = ""
    system_ms: int | None = None
    human_ms: int | None = None
    heard_ms: int | None = None
    cut: str = ""

    @property
    def stage(self) -> Stage:
        if self.heard_ms is not None:
            return Stage.HEARD
        if self.human_ms is not None:
            return Stage.HUMAN
        return Stage.CALLED if self.system_ms is None else Stage.ANSWERED


Result = f.PressDone | f.PressFailed | f.PressSkipped


class SyntheticPress:
    """Presses by the clock, one at a time, and never while somebody waits for a human."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        emergencies: Emergencies,
        pbx: Pbx,
        clock: Clock,
        *,
        number: str,
        every_seconds: float,
        recordings: Path,
        ready: Callable[[], bool],
    ) -> None:
        """``number``: the emergency number. ``every_seconds``: 0 is never. ``ready``: Asterisk is in reach."""
        self._ledger = ledger
        self._calls = calls
        self._emergencies = emergencies
        self._pbx = pbx
        self._clock = clock
        self._number = number
        self._recordings = recordings
        self._ready = ready
        self._press: _Press | None = None
        self._due = clock.monotonic() + FIRST_SECONDS
        self._tried = clock.monotonic()
        self._skipping = False
        self.every_seconds = every_seconds
        self.last: f.PressDone | f.PressFailed | None = None
        """How the last one went; None before the first. A skipped one tells nothing and is not kept here."""
        self._last_fact: list[Fact] = []
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    @property
    def age(self) -> float:
        """Seconds since a press was last tried, or skipped for good reason; since the start before the first."""
        return self._clock.monotonic() - self._tried

    def carried(self) -> Iterable[Fact]:
        """The facts that a new journal segment must begin with."""
        return self._last_fact

    @property
    def good(self) -> bool:
        """Whether the last one went through; True before the first."""
        return not isinstance(self.last, f.PressFailed)

    async def run(self) -> None:
        """Press when one is due, until cancelled; clear away what an earlier life left."""
        while True:
            await asyncio.sleep(1.0)
            await self.step()

    async def step(self) -> None:
        """Press if one is due. Not while Asterisk is away: that is said by others, a press could only repeat it."""
        if not self._ready():
            return
        self.tidy()
        if self.every_seconds and self._clock.monotonic() >= self._due and self._press is None:
            await self.press()

    async def press(self) -> Result:
        """Press now and say what became of it, within half a minute. Raises `Conflict` while one is under way."""
        if self._press is not None:
            raise Conflict("a synthetic press is under way; its result follows within half a minute")
        self._tried = self._clock.monotonic()
        self._due = self._tried + RETRY_SECONDS  # whatever goes wrong now is not tried again every second
        if self._emergencies.waiting_count:
            return self._over(f.PressSkipped(why="emergency"))
        keys = "".join(secrets.SystemRandom().sample(sorted(TONES), 4))
        press = _Press(new_id(), new_id(), keys, self._clock.monotonic(), asyncio.Event(), asyncio.Event())
        self._press = press
        try:
            return self._over(await self._measure(press))
        finally:
            self._press = None

    def hear(self, event: PbxEvent) -> bool:
        """Take in an event of the calling side; True when it was one."""
        press = self._press
        if press is None or getattr(event, "channel_id", "") != press.channel_id:
            return False
        passed = round((self._clock.monotonic() - press.began) * 1000)
        match event:
            case ChannelAnswered() if press.system_ms is None:
                press.system_ms = passed
            case SeatCode(code=code) if press.keys in code and press.heard_ms is None:
                press.heard_ms = passed
                press.done.set()
            case ChannelHungUp(reason=reason) | DialFailed(reason=reason):
                press.cut = press.cut or reason.value
                press.done.set()
            case _:
                pass
        return True

    def _apply(self, fact: Fact) -> None:
        if isinstance(fact.body, f.PressDone | f.PressFailed):  # a restart does not make a failed one good
            self.last, self._last_fact = fact.body, [fact]

    def _react(self, fact: Fact) -> None:
        press = self._press
        if press is None:
            return
        match fact.body:
            case cf.CallOpened(via=via) if via == SYNTHETIC and not press.call_id:
                press.call_id, press.incident_id = fact.call_id or "", fact.incident_id or ""
            case ef.EmergencyAnswered(milliseconds=milliseconds) if fact.incident_id == press.incident_id:
                press.human_ms = milliseconds
            case cf.CallEnded() if fact.call_id == press.call_id:
                press.ended.set()
            case _:
                pass

    async def _measure(self, press: _Press) -> Result:
        tones = ",".join(f"{low}+{high}/80,0/80" for low, high in (TONES[key] for key in press.keys))
        why = ""
        try:
            await self._pbx.originate(
                Dial(
                    channel_id=press.channel_id,
                    target=f"PJSIP/{self._number}@{ENDPOINT}",
                    context=CONTEXT,
                    ring_seconds=10,
                    variables={"CC_TONES": tones},
                )
            )
            async with asyncio.timeout(PATIENCE_SECONDS):
                await press.done.wait()
            why = press.cut
        except TimeoutError:
            why = "nothing came"
        except CallCenterError as error:
            why = error.code
        finally:
            await self._end(press)
        recorded = await self._recorded(press, patience=END_SECONDS if press.stage is Stage.HEARD else 0.0)
        if press.system_ms is None or press.human_ms is None or press.heard_ms is None:
            return f.PressFailed(stage=press.stage.value, why=why or "no test seat", press_id=press.id)
        return f.PressDone(
            system_ms=press.system_ms,
            human_ms=press.human_ms,
            heard_ms=press.heard_ms,
            recorded=recorded,
            press_id=press.id,
        )

    async def _end(self, press: _Press) -> None:
        """Close its incident, end its call, wait until nothing of it is left."""
        with contextlib.suppress(CallCenterError):
            await self._pbx.hangup(press.channel_id)
        self._close(press.incident_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                if press.call_id:
                    await press.ended.wait()

    def tidy(self) -> None:
        """Close what an earlier life left in the middle of a press, and presses that came too late."""
        for incident in self._emergencies.known():
            ours = self._press is not None and incident.id == self._press.incident_id
            if incident.open and incident.origin == SYNTHETIC and not ours:
                self._close(incident.id)

    def _close(self, incident_id: str) -> None:
        incident = self._emergencies.find(incident_id)
        if incident is not None and incident.open:
            self._emergencies.close(incident.id, SYNTHETIC, "", actor=ACTOR)

    async def _recorded(self, press: _Press, patience: float) -> bool:
        """Whether Asterisk wrote its recording; it is deleted, since nobody was there."""
        call = self._calls.find(press.call_id)
        if call is None:
            return False
        mix = self._recordings / f"{call.recording}.wav"
        found = await asyncio.to_thread(_written, mix, patience)
        await asyncio.to_thread(_delete, mix)
        return found

    def _over(self, result: Result) -> Result:
        skipped = isinstance(result, f.PressSkipped)
        if not (skipped and self._skipping):  # a long emergency is one reason, not one every half minute
            self._ledger.record(result, actor=ACTOR)
        self._skipping = skipped
        self._tried = self._clock.monotonic()
        went = isinstance(result, f.PressDone)
        self._due = self._tried + (self.every_seconds if went else min(self.every_seconds, RETRY_SECONDS))
        log.info("synthetic_press", result=result.KIND)
        return result


def _written(path: Path, patience: float) -> bool:
    """Whether there is sound in the file, more than its header, within so many seconds."""
    deadline = time.monotonic() + patience
    while not (found := path.exists() and path.stat().st_size > WAV_HEADER) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _delete(mix: Path) -> None:
    """The mix and everybody's own voice: names that begin alike."""
    with contextlib.suppress(OSError):
        for path in mix.parent.glob(f"{mix.stem}*.wav"):
            path.unlink(missing_ok=True)
