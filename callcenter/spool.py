"""Takes the calls of the fallback dialplan into the record, once, and those that still wait into a room (A10, R1)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from callcenter.agi import Arrivals
from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import SHANGHAI, Clock
from callcenter.emergency import facts as ef
from callcenter.emergency.model import milliseconds
from callcenter.emergency.service import Emergencies
from callcenter.errors import CallCenterError
from callcenter.facts import Body, record
from callcenter.fallback.intake import SpooledCall, forget, of_channel, read_spool
from callcenter.ledger import Durable, Ledger
from callcenter.routing.hotline import Hotline
from callcenter.settings import Settings
from callcenter.telephony.endpoints import seat_of
from callcenter.telephony.events import LiveChannel, Snapshot
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

EVERY_SECONDS = 0.5
AT_ONCE = 25
"""Calls that are taken in between two looks at the rest of the world, and fetched at a time."""


class SpoolIntake:
    """Reads the spool while the controller runs; calls come there only while it did not."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        journal: Durable,
        calls: Calls,
        emergencies: Emergencies,
        hotline: Hotline,
        arrivals: Arrivals,
        pbx: Pbx,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._ledger = ledger
        self._journal = journal
        self._calls = calls
        self._emergencies = emergencies
        self._hotline = hotline
        self._arrivals = arrivals
        self._pbx = pbx
        self._ringing: set[str] = set()
        """Calls in the fallback that nobody had answered when we last looked."""
        self._taken_in: set[tuple[Path, ...]] = set()
        """The files of what is on record while they are still there."""
        self.caught_up = False
        """Whether those who waited for us have been looked after once."""
        self._found: list[SpooledCall] = []
        """What was read before Asterisk was heard."""
        self._untold: set[str] = set()
        """Channels in the fallback of which nothing was written when we last looked …"""
        self._overdue: set[str] = set()
        """… nor when we had looked before that."""

    async def run(self, asked: asyncio.Event) -> None:
        """Take in what is there, and look again, until cancelled. ``asked``: Asterisk has said which channels live."""
        # Beside the events of hundreds of calls a thread that reads hundreds of files hardly gets its turn.
        with suppress(OSError):
            self._found = await self._read()
        await asked.wait()
        self.resume()
        while True:
            try:
                await self.step()
            except (OSError, CallCenterError) as error:
                log.error("spool_held_up", problem=type(error).__name__)
            except Exception:
                log.exception("spool_failed")
            self.caught_up = True
            await asyncio.sleep(EVERY_SECONDS)

    def resume(self) -> None:
        """After a restart: callers who were on record and not yet fetched when the controller died."""
        self._ringing |= {call.id for call in self._calls.open_calls() if call.via == "fallback"}

    def see(self, snapshot: Snapshot) -> None:
        """A disk that takes no files tells nothing of who is in the fallback: then Asterisk itself is believed."""
        untold = {channel.channel_id for channel in self._untold_in(snapshot)}
        self._untold, self._overdue = untold, self._untold & untold

    def _untold_in(self, snapshot: Snapshot) -> list[LiveChannel]:
        fallen = [one for one in snapshot.channels.values() if one.variables.get("CC_STAGE") == "fallback"]
        calls = ((channel, self._of_line(channel.channel_id)) for channel in fallen)
        return [channel for channel, call in calls if call is None or (call.open and call.via != "fallback")]

    async def step(self) -> None:
        """Take in every spooled call, make that durable, delete the files; then fetch who still waits."""
        found, self._found = self._found or await self._read(), []
        # First all calls of those who are on the line.
        waiting = {item.caller for item in found if item.ended_at is None}
        await self._take_in_all([item for item in found if item.caller in waiting])
        if self._ringing or self._overdue:
            await self._take_over()
        await self._take_in_all([item for item in found if item.caller not in waiting])

    async def _read(self) -> list[SpooledCall]:
        return await asyncio.to_thread(read_spool, self._settings.spool_dir, self._settings.node)

    async def _take_in_all(self, found: Sequence[SpooledCall]) -> None:
        """In small parts: others want the processor too, and no more than one part can be read again after a crash."""
        for start in range(0, len(found), AT_ONCE):
            part = found[start : start + AT_ONCE]
            spooled = [item for item in part if self._take_in_once(item)]
            # The files may only go once the journal is on disk; until then they are read again and change nothing:
            # a caller who is in her room by now would else be handed back to the fallback.
            if spooled and await self._journal.durable():
                try:
                    await asyncio.to_thread(forget, spooled)
                except OSError as error:
                    log.error("spool_held_up", problem=type(error).__name__)
                else:
                    self._taken_in.difference_update(item.files for item in spooled)

    def _take_in_once(self, item: SpooledCall) -> bool:
        """Take a call in unless that is done; False when it cannot be: the others do not wait for it."""
        if item.files not in self._taken_in:
            try:
                self.take_in(item)
            except Exception:
                log.exception("spooled_call_not_taken_in", channel_id=item.uniqueid[:100])
                return False
            self._taken_in.add(item.files)
        return True

    def take_in(self, item: SpooledCall) -> Call:
        """Record a spooled call; doing so again adds nothing."""
        call = self._calls.find(item.call_id) or self._of_line(item.uniqueid) or self._open(item)
        if call.open and call.via not in ("fallback",) and item.ended_at is None:
            self._say(call, item, cf.FellBack())
        if item.ended_at is None:
            self._ringing.add(call.id)
        else:
            self._ringing.discard(call.id)
            self._end(self._calls.get(call.id), item)
        return self._calls.get(call.id)

    def _of_line(self, channel_id: str) -> Call | None:
        """The call that a line is, or was: asked late, we may have opened it, and seen its end, after it fell back."""
        found = self._calls.leg_of_channel(channel_id)
        if found is not None:
            return found[0]
        over = (call for call in self._calls.known() if not call.open)
        return next((call for call in over if any(leg.channel_id == channel_id for leg in call.legs.values())), None)

    def _open(self, item: SpooledCall) -> Call:
        root = f"{self._settings.recordings_dir}/"
        recording = item.recording
        if not recording and not item.known:
            # As the dialplan names it.
            recording = f"{root}{item.started_at.astimezone(SHANGHAI):%Y/%m/%d}/fallback-{item.uniqueid}"
        _, call_id, leg_id, _ = self._arrivals.open(
            line=Line.EMERGENCY if item.line == Line.EMERGENCY else Line.HOTLINE,
            did=item.did,
            raw_caller=item.caller,
            channel_id=item.uniqueid,
            invited_at=item.started_at,
            via="fallback",
            call_id=item.call_id,
            recording=recording.removeprefix(root) if recording.startswith(root) else None,
        )
        call = self._calls.get(call_id)
        self._say(call, item, cf.LegAnswered(leg_id=leg_id, role=Role.ELDER))
        log.warning("fallback_call_taken_in", call_id=call_id)
        return self._calls.get(call_id)

    def _end(self, call: Call, item: SpooledCall) -> None:
        incident = self._emergencies.find(call.incident_id) if call.incident_id else None
        if item.answered_by and incident is not None and incident.human_answer_ms is None:
            waited = milliseconds(item.started_at, item.ended_at or item.started_at) - round(item.talk_seconds * 1000)
            phone = item.answered_by.removeprefix("PJSIP/").rpartition("-")[0] or item.answered_by
            self._say(call, item, ef.EmergencyAnswered(leg_id="", by=seat_of(phone), milliseconds=max(0, waited)))
        for leg in call.elder_legs:
            if leg.live and leg.channel_id == item.uniqueid:
                self._say(call, item, cf.LegEnded(leg_id=leg.id, role=leg.role, reason="normal"))

    def _say(self, call: Call, item: SpooledCall, body: Body) -> None:
        """Record a fact at the time at which it happened: when the call came, or when it ended."""
        ended = isinstance(body, cf.LegEnded)
        at = (item.ended_at if ended else None) or item.started_at
        self._ledger.take_in([record(body, at, "fallback", call_id=call.id, incident_id=call.incident_id)])

    async def _take_over(self) -> None:
        """Bring callers whom the duty desk has not answered yet into their room, where the ladder is."""
        snapshot = await self._pbx.snapshot()
        for channel in self._untold_in(snapshot):
            if channel.channel_id in self._overdue:
                log.error("fallback_call_untold", channel_id=channel.channel_id)
                self.take_in(of_channel(channel, self._settings.node, self._clock.now()))
        self._overdue.clear()
        waiting = sorted(self._ringing)
        done: list[BaseException | None] = []
        for start in range(0, len(waiting), AT_ONCE):
            part = waiting[start : start + AT_ONCE]
            done += await asyncio.gather(*(self._settle(call_id, snapshot) for call_id in part), return_exceptions=True)
        # One that Asterisk refuses keeps no other there; what it did not answer for is looked at again.
        for error in filter(None, done):
            raise error

    async def _settle(self, call_id: str, snapshot: Snapshot) -> None:
        call = self._calls.find(call_id)
        channels = [snapshot.channels.get(leg.channel_id) for leg in call.elder_legs] if call else []
        channel = next((channel for channel in channels if channel is not None), None)
        if call is not None and call.open and channel is not None:
            there = channel.channel_id in snapshot.rooms.get(call.room, ())
            if not there and not channel.bridged:
                await self._fetch(call, channel)
            if there or not channel.bridged:
                self._taken_over(call)
        # Fetched; or over, or talking to the duty desk: its end comes with the next events.
        self._ringing.discard(call_id)

    async def _fetch(self, call: Call, channel: LiveChannel) -> None:
        leg = next(leg for leg in call.elder_legs if leg.channel_id == channel.channel_id)
        told = {"CC_CALL": call.id, "CC_LEG": leg.id, "CC_ROOM": call.room, "CC_LINE": call.line, "CC_STAGE": ""}
        await asyncio.gather(*(self._pbx.set_variable(channel.channel_id, *one) for one in told.items()))
        await self._pbx.redirect(channel.channel_id, "cc-room")

    def _taken_over(self, call: Call) -> None:
        self._ledger.record(cf.TakenOver(), actor="system", call_id=call.id, incident_id=call.incident_id)
        if call.line == Line.HOTLINE:
            self._hotline.enqueue(call.id, call.digit or "0")
        log.warning("fallback_call_taken_over", call_id=call.id)
