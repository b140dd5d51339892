"""Voicemails being left: from the tone to the end, by key, silence or hanging up (B1, B6).

The message is a part of the call's own recording, which is proven like any other; nothing is recorded twice. What the
controller did not hear because it was dead, or its link to Asterisk, it learns from the spool and from the recording.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.facts import Fact
from callcenter.ids import new_id
from callcenter.ledger import Durable, Ledger
from callcenter.menus.flow import Answer, Go
from callcenter.recordings.audio import read_header
from callcenter.recordings.recorder import mix_path
from callcenter.settings import Settings
from callcenter.telephony.events import PbxEvent, SeatCode, TalkingStarted, TalkingStopped
from callcenter.telephony.pbx import Pbx
from callcenter.voicemail import facts as f
from callcenter.voicemail.tones import forget_tone, read_tones

log = structlog.get_logger(__name__)

WORD = "voicemail"
"""The place of a caller who is to leave a message; ``voicemail:closed`` when it is because of the hour."""
CONTEXT = "cc-voicemail"
DONE_CONTEXT = "cc-voicemail-done"
BEGUN, ENDED = "voicemail-begun", "voicemail-ended"
"""The dialplan's codes."""
INTRO, CLOSED, BUSY = "voicemail-intro", "closed-hours", "all-seats-busy"
SHORTEST_SECONDS = 2.0
SILENCE_SECONDS = 8.0
"""So long after her last word the message is over …"""
NO_WORD_SECONDS = 15.0
"""… and so long after the tone when there was none."""
LOOK_SECONDS = 5.0
"""Between two looks into the spool for tones that nobody heard …"""
HEARD_WITHIN = timedelta(seconds=2)
"""… which the one that is just being heard is not …"""
UNKNOWN_AFTER = timedelta(days=1)
"""… and the one of a call that nobody knows after so long will not be any more."""
LOST = "lost"


@dataclass(slots=True)
class _Message:
    """One that is being left. ``quiet_since``: monotonic; None while she speaks, or may speak as far as we know."""

    begun_at: datetime
    quiet_since: float | None
    heard: bool = False


class Voicemails:
    """Everybody who speaks after the tone."""

    def __init__(
        self, settings: Settings, ledger: Ledger, journal: Durable, calls: Calls, pbx: Pbx, clock: Clock
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._journal = journal
        self._calls = calls
        self._pbx = pbx
        self._clock = clock
        self._messages: dict[str, _Message] = {}
        self._told: set[str] = set()
        """Calls whose message is on record, while its tone may still be in the spool."""
        ledger.on_apply(self._apply)
        ledger.on_react(self._react)

    def step(self, call: Call, word: str, keys: str) -> Answer | None:
        """A caller is to leave a message: the menu sends her to the dialplan's voicemail."""
        why = {"voicemail:closed": (CLOSED,), "voicemail:busy": (BUSY,)}.get(word, ())
        return Go(CONTEXT, (*why, INTRO))

    def hear(self, event: PbxEvent) -> bool:
        """Take in an event; True when it was for nobody else."""
        match event:
            case SeatCode(code=code, channel_id=channel) if code in (BEGUN, ENDED):
                found = self._calls.leg_of_channel(channel)
                if found is not None and found[0].open:
                    self._begin(found[0]) if code == BEGUN else self._end(found[0], "key")
                return True
            case TalkingStarted(channel_id):
                if (message := self._of_channel(channel_id)) is not None:
                    message.heard, message.quiet_since = True, None
            case TalkingStopped(channel_id):
                if (message := self._of_channel(channel_id)) is not None:
                    message.quiet_since = self._clock.monotonic()
            case _:
                pass
        return False

    def tick(self, now: float) -> None:
        """End messages after which there is only silence; ``now`` in monotonic seconds."""
        for call_id, message in list(self._messages.items()):
            patience = SILENCE_SECONDS if message.heard else NO_WORD_SECONDS
            call = self._calls.find(call_id)
            if call is None:
                del self._messages[call_id]
                continue
            if not call.open:
                if not _unheard(call):
                    self._end(call, "hangup")  # a crash came between her hanging up and this
                continue
            if message.quiet_since is None or now - message.quiet_since < patience:
                continue
            self._end(call, "silence")
            for leg in call.elder_legs:
                if leg.live:
                    self._calls.do(self._pbx.redirect(leg.channel_id, DONE_CONTEXT), f"end voicemail {call_id}")

    # --- what was not heard --------------------------------------------------------------------------------

    def resume(self) -> None:
        """In step with Asterisk, at the start or again: whether she spoke meanwhile, or speaks now, is not known.

        So she is taken to: a message too many is better than one that is lost or cut off.
        """
        for message in self._messages.values():
            message.heard, message.quiet_since = True, None

    async def run(self) -> None:
        """Look into the spool now and then, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("voicemails_not_looked_for")
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Take in, once, what was said while nobody listened."""
        now = self._clock.now()
        tones = await asyncio.to_thread(read_tones, self._settings.spool_dir)
        for call_id, begun_at in tones.items():
            call = self._calls.find(call_id)
            if call is None:
                if now - begun_at > UNKNOWN_AFTER:
                    log.error("voicemail_of_nobody", call_id=call_id)
                    self._told.add(call_id)
            elif not call.routine:
                self._told.add(call_id)  # 9: she is spoken with
            elif call_id not in self._messages and call_id not in self._told and now - begun_at > HEARD_WITHIN:
                log.warning("voicemail_found", call_id=call_id)
                self._ledger.record(f.VoicemailBegun(begun_at=begun_at), actor="elder", call_id=call_id)
        for call_id in list(self._messages):
            call = self._calls.find(call_id)
            if call is not None and not call.open and _unheard(call):
                self._end(call, "hangup", await asyncio.to_thread(self._recorded, call))
        # Only when that is on disk; and what is told and still here must not be taken for news.
        told = self._told & tones.keys()
        if told and await self._journal.durable():
            self._told -= {one for one in told if await asyncio.to_thread(forget_tone, self._settings.spool_dir, one)}
        self._told = {one for one in self._told if one in told or self._calls.find(one) is not None}

    def _recorded(self, call: Call) -> float | None:
        """How many seconds of audio the call's recording holds; None when that cannot be read."""
        for leg in call.elder_legs:
            path = self._settings.recordings_dir / mix_path(call, leg)
            try:
                header = read_header(path)
                if header is not None:
                    return (path.stat().st_size - header.data_at) / header.bytes_per_second
            except OSError as error:
                log.warning("voicemail_unmeasured", call_id=call.id, problem=type(error).__name__)
        return None

    # --- what is said of it --------------------------------------------------------------------------------

    def _begin(self, call: Call) -> None:
        if call.id not in self._messages:
            self._ledger.record(f.VoicemailBegun(), actor="elder", call_id=call.id)

    def _end(self, call: Call, ended: str, recorded: float | None = None) -> None:
        """``recorded``: seconds of audio there are, where that alone tells when she hung up."""
        message = self._messages.get(call.id)
        if message is None:
            return
        gone_at = [leg.ended_at for leg in call.elder_legs if leg.ended_at is not None]
        until = max(gone_at) if ended == "hangup" and gone_at else self._clock.now()
        seconds = max(0.0, (until - message.begun_at).total_seconds())
        offset = max(0.0, (message.begun_at - _recorded_from(call)).total_seconds())
        if recorded is not None:
            seconds = max(0.0, min(seconds, recorded - offset))
        if ended == "silence" and message.quiet_since is not None:
            seconds = max(0.0, seconds - (self._clock.monotonic() - message.quiet_since))
        nothing = ended == "silence" and not message.heard
        if nothing or seconds < SHORTEST_SECONDS:
            self._ledger.record(f.VoicemailAbandoned(seconds=seconds), actor="elder", call_id=call.id)
            return
        self._ledger.record(
            f.VoicemailLeft(
                voicemail_id=new_id(),
                caller=call.caller,
                seconds=round(seconds, 1),
                offset_seconds=round(offset, 1),
                ended=ended,
                elder_id=call.elder_id,
                elder_name=call.elder_name,
            ),
            actor="elder",
            call_id=call.id,
        )

    def _of_channel(self, channel_id: str) -> _Message | None:
        found = self._calls.leg_of_channel(channel_id) if self._messages else None
        return self._messages.get(found[0].id) if found is not None else None

    def _apply(self, fact: Fact) -> None:
        call_id = fact.call_id or ""
        match fact.body:
            case f.VoicemailBegun(begun_at=None):
                self._messages[call_id] = _Message(fact.at, self._clock.monotonic())
            case f.VoicemailBegun(begun_at=begun_at) if begun_at is not None:
                self._messages[call_id] = _Message(begun_at, None, heard=True)
            case f.VoicemailLeft() | f.VoicemailAbandoned():
                self._messages.pop(call_id, None)
                self._told.add(call_id)
            case cf.LineChanged():
                self._messages.pop(call_id, None)
            case _:
                pass

    def _react(self, fact: Fact) -> None:
        if isinstance(fact.body, cf.LegEnded) and fact.body.role == Role.ELDER and fact.call_id in self._messages:
            call = self._calls.find(fact.call_id or "")
            if call is not None and not _unheard(call):
                self._end(call, "hangup")


def _unheard(call: Call) -> bool:
    """Whether her line ended while we did not listen: when, only the recording tells."""
    return any(leg.reason == LOST for leg in call.elder_legs)


def _recorded_from(call: Call) -> datetime:
    """When her recording began: as soon as the call was opened, and never later than we knew of her answered line."""
    if call.via == "adopted":
        return call.invited_at
    return min((leg.added_at for leg in call.elder_legs if leg.added_at is not None), default=call.invited_at)
