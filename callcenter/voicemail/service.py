"""Voicemails being left: from the tone to the end, by key, silence or hanging up (B1, B6).

The message is a part of the call's own recording, which is proven like any other; nothing is recorded twice.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.facts import Fact
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.menus.flow import Answer, Go
from callcenter.telephony.events import PbxEvent, SeatCode, TalkingStarted, TalkingStopped
from callcenter.telephony.pbx import Pbx
from callcenter.voicemail import facts as f

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


@dataclass(slots=True)
class _Message:
    """One that is being left. ``quiet_since``: monotonic; None while she speaks."""

    begun_at: datetime
    quiet_since: float | None
    heard: bool = False


class Voicemails:
    """Everybody who speaks after the tone."""

    def __init__(self, ledger: Ledger, calls: Calls, pbx: Pbx, clock: Clock) -> None:
        self._ledger = ledger
        self._calls = calls
        self._pbx = pbx
        self._clock = clock
        self._messages: dict[str, _Message] = {}
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
                self._end(call, "hangup")  # a crash came between her hanging up and this
                continue
            if message.quiet_since is None or now - message.quiet_since < patience:
                continue
            self._end(call, "silence")
            for leg in call.elder_legs:
                if leg.live:
                    self._calls.do(self._pbx.redirect(leg.channel_id, DONE_CONTEXT), f"end voicemail {call_id}")

    def _begin(self, call: Call) -> None:
        if call.id not in self._messages:
            self._ledger.record(f.VoicemailBegun(), actor="elder", call_id=call.id)

    def _end(self, call: Call, ended: str) -> None:
        message = self._messages.get(call.id)
        if message is None:
            return
        gone_at = [leg.ended_at for leg in call.elder_legs if leg.ended_at is not None]
        until = max(gone_at) if ended == "hangup" and gone_at else self._clock.now()
        seconds = max(0.0, (until - message.begun_at).total_seconds())
        if ended == "silence" and message.quiet_since is not None:
            seconds = max(0.0, seconds - (self._clock.monotonic() - message.quiet_since))
        nothing = ended == "silence" and not message.heard
        if nothing or seconds < SHORTEST_SECONDS:
            self._ledger.record(f.VoicemailAbandoned(seconds=seconds), actor="elder", call_id=call.id)
            return
        began = call.answered_at or call.invited_at
        self._ledger.record(
            f.VoicemailLeft(
                voicemail_id=new_id(),
                caller=call.caller,
                seconds=round(seconds, 1),
                offset_seconds=round(max(0.0, (message.begun_at - began).total_seconds()), 1),
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
            case f.VoicemailBegun():
                self._messages[call_id] = _Message(fact.at, self._clock.monotonic())
            case f.VoicemailLeft() | f.VoicemailAbandoned() | cf.LineChanged():
                self._messages.pop(call_id, None)
            case _:
                pass

    def _react(self, fact: Fact) -> None:
        if isinstance(fact.body, cf.LegEnded) and fact.body.role == Role.ELDER and fact.call_id in self._messages:
            call = self._calls.find(fact.call_id or "")
            if call is not None:
                self._end(call, "hangup")
