"""The switchboard's verbs as AMI actions on a real Asterisk: the `Pbx` protocol on an `AmiLink`.

What the actions do was read in Asterisk's source and tried on Asterisk 22.10:

* an Originate with ``Async: true`` ignores ``PreDialGoSub`` (manager.c hands it only to the blocking kind), so
  SIP headers are set as ``PJSIP_HEADER(add,…)`` variables, which Asterisk sets before it dials;
* a ``Variable:`` line is split at commas, its quotes, brackets and backslashes are syntax (`quoted`);
* Confbridge actions compare channel names, all others take a Uniqueid for a name;
* Hangup takes a ``/regex/`` for a channel: an id that begins with a slash is refused.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from callcenter.errors import InvalidInput, PbxRefused
from callcenter.telephony import options
from callcenter.telephony.ami import AmiLink
from callcenter.telephony.ami_wire import text
from callcenter.telephony.events import DialFailed, HangupReason, Snapshot
from callcenter.telephony.pbx import Dial
from callcenter.telephony.translate import DIAL_PREFIX, INTERNAL_PREFIX

log = structlog.get_logger(__name__)

ANNOUNCER = "Local/s@cc-announcer/n"
"""A channel of two halves, for prompts: this half runs the dialplan's ``cc-announcer`` …"""
ANNOUNCE_CONTEXT = "cc-announce"
"""… the other this context; one plays CC_PROMPTS, one stands in CC_ROOM (both have both variables)."""

_CAUSES = {
    HangupReason.NORMAL: 16,
    HangupReason.BUSY: 17,
    HangupReason.NO_ANSWER: 19,
    HangupReason.REJECTED: 21,
    HangupReason.CANCELLED: 26,
    HangupReason.UNREACHABLE: 27,
    HangupReason.FAILED: 38,
}
# Asterisk's words for "that channel, or its place in that room, is gone".
_GONE = frozenset(
    {
        "No such channel",
        "No active conferences.",
        "No Conference by that name found.",
        "No Channel by that name found in Conference.",
    }
)
_CHANNEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:;@+-]{0,148}")
_TARGET = re.compile(r"[A-Za-z]\w*/[^\s,]+")
_NUMBER = re.compile(r"[0-9A-Za-z+*#._-]{0,64}")
_VARIABLE = re.compile(r"_{0,2}[A-Za-z]\w*(\([^()\"\\=]*\))?")
_PROMPT = re.compile(r"[A-Za-z0-9_./-]+")
_DIGITS = re.compile(r"[0-9A-Da-d*#]+")
_SYNTAX = re.compile(r'[\\",()\[\]]')
_NAME_BYTES = 120
_ALIVE_SECONDS = 0.5


def quoted(value: str) -> str:
    r"""A value as Asterisk's argument splitter gives it back unchanged: \ " , ( ) [ ] escaped."""
    return _SYNTAX.sub(r"\\\g<0>", value)


class AsteriskPbx:
    """The `Pbx` protocol on one Asterisk.

    ``digit_gap``: seconds of silence between digits; Asterisk itself sounds each for 0.1 s, and answers
    no other action on this link meanwhile.
    """

    def __init__(self, link: AmiLink, *, digit_gap: float = 0.08) -> None:
        self._link = link
        self._digit_gap = digit_gap

    async def originate(self, dial: Dial) -> None:
        """See `Pbx.originate`.

        A refusal is both raised and emitted as `DialFailed`, so that who only follows events misses
        nothing. After `PbxUnavailable` the leg may exist: events or the next snapshot tell.
        """
        channel_id = _channel_id(dial.channel_id)
        fields = _originate_fields(
            _matching(_TARGET, "target", dial.target),
            channel_id,
            dial.context,
            dial.ring_seconds,
            _variables(dial),
        )
        caller = _caller_id(dial.caller_name, dial.caller_number)
        if caller:
            fields["CallerID"] = caller
        memory = self._link.memory
        memory.dialling(channel_id)
        try:
            await self._link.action("Originate", fields, action_id=DIAL_PREFIX + channel_id)
        except PbxRefused:
            memory.dial_refused(channel_id)
            self._link.emit(DialFailed(channel_id, HangupReason.FAILED))
            raise

    async def hangup(self, channel_id: str, reason: HangupReason = HangupReason.NORMAL) -> None:
        """See `Pbx.hangup`; the Q.850 cause 26 makes Asterisk add the SIP Reason "Call completed elsewhere"."""
        fields = {"Channel": _channel_id(channel_id), "Cause": str(_CAUSES[reason])}
        self._link.memory.ending(channel_id, reason)
        await self._unless_gone("Hangup", fields)

    async def redirect(self, channel_id: str, context: str, extension: str = "s") -> None:
        """See `Pbx.redirect`."""
        fields = {"Channel": _channel_id(channel_id), "Context": context, "Exten": extension, "Priority": "1"}
        await self._link.action("Redirect", fields)

    async def kick(self, room: str, channel_id: str) -> None:
        """See `Pbx.kick`; one who has left already is fine."""
        await self._to_member("ConfbridgeKick", room, channel_id)

    async def mute(self, room: str, channel_id: str, muted: bool) -> None:
        """See `Pbx.mute`; one who has left already is fine."""
        await self._to_member("ConfbridgeMute" if muted else "ConfbridgeUnmute", room, channel_id)

    async def play(self, room: str, prompts: Sequence[str]) -> None:
        """See `Pbx.play`. The helper channels' ids begin with ``cc-announce-``; no events tell of them."""
        names = [_matching(_PROMPT, "prompts", prompt) for prompt in prompts]
        if not names:
            raise InvalidInput("There must be a prompt to play.", field="prompts")
        first = INTERNAL_PREFIX + uuid.uuid4().hex
        variables = [f"CC_ROOM={quoted(room)}", f"CC_PROMPTS={'&'.join(names)}"]
        fields = _originate_fields(ANNOUNCER, first, ANNOUNCE_CONTEXT, 5, variables)
        await self._link.action("Originate", {**fields, "OtherChannelId": f"{first}-2"})

    async def record(self, channel_id: str, path: str, options: str = "") -> None:
        """See `Pbx.record`. A comma would begin MixMonitor's next argument, a shell command: refused."""
        for name, value in (("path", path), ("options", options)):
            if "," in value:
                raise InvalidInput(f"{name} must not hold a comma.", field=name)
        fields = {"Channel": _channel_id(channel_id), "File": path, "Options": options}
        await self._link.action("MixMonitor", fields)

    async def dtmf(self, channel_id: str, digits: str) -> None:
        """See `Pbx.dtmf`."""
        channel = _channel_id(channel_id)
        for position, digit in enumerate(_matching(_DIGITS, "digits", digits)):
            if position and self._digit_gap:
                await asyncio.sleep(self._digit_gap)
            await self._link.action("PlayDTMF", {"Channel": channel, "Digit": digit})

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """See `Pbx.set_variable`."""
        variable = _matching(_VARIABLE, "name", name)
        await self._link.action("Setvar", {"Channel": _channel_id(channel_id), "Variable": variable, "Value": value})

    async def rtp_received(self, channel_id: str) -> int | None:
        """See `Pbx.rtp_received`."""
        fields = {"Channel": _channel_id(channel_id), "Variable": "CHANNEL(rtcp,rxcount)"}
        try:
            value = text(await self._link.action("Getvar", fields), "Value")
        except PbxRefused:
            return None  # no such channel, or not a SIP one
        return int(value) if value.isascii() and value.isdigit() else None

    async def answers(self, endpoint: str) -> bool | None:
        """See `Pbx.answers`."""
        contact = self._link.memory.contact_of(endpoint)
        address = options.address_of(contact) if contact is not None else None
        return await options.answers(address, _ALIVE_SECONDS) if address is not None else None

    async def snapshot(self) -> Snapshot:
        """See `Pbx.snapshot`."""
        return await self._link.snapshot()

    async def _unless_gone(self, action: str, fields: Mapping[str, str]) -> bool:
        try:
            await self._link.action(action, fields)
        except PbxRefused as refusal:
            if refusal.extra.get("reply") not in _GONE:
                raise
            log.debug("pbx.gone_already", action=action)
            return False
        return True

    async def _to_member(self, action: str, room: str, channel_id: str) -> None:
        channel_id = _channel_id(channel_id)
        name = self._link.memory.name_of(channel_id)
        if name and await self._unless_gone(action, {"Conference": room, "Channel": name}):
            return
        # The name is unknown or has changed (a transfer renames channels): ask who is in the room.
        current = await self._member_name(room, channel_id)
        if current and current != name:
            await self._unless_gone(action, {"Conference": room, "Channel": current})

    async def _member_name(self, room: str, channel_id: str) -> str | None:
        try:
            members: Sequence[Mapping[str, Any]] = await self._link.list_action("ConfbridgeList", {"Conference": room})
        except PbxRefused as refusal:
            if refusal.extra.get("reply") in _GONE:
                return None
            raise
        return next((text(item, "Channel") for item in members if text(item, "Uniqueid") == channel_id), None)


def _originate_fields(
    target: str, channel_id: str, context: str, ring_seconds: int, variables: Sequence[str]
) -> dict[str, str | Sequence[str]]:
    return {
        "Channel": target,
        "ChannelId": channel_id,
        "Context": context,
        "Exten": "s",
        "Priority": "1",
        "Timeout": str(ring_seconds * 1000),
        "Async": "true",
        "Variable": variables,
    }


def _variables(dial: Dial) -> list[str]:
    pairs = dict(dial.variables)
    for header, value in dial.headers.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", header):
            raise InvalidInput("A SIP header's name is letters, digits and '-'.", field="headers")
        pairs[f"PJSIP_HEADER(add,{header})"] = value
    return [f"{_matching(_VARIABLE, 'variables', name)}={quoted(value)}" for name, value in pairs.items()]


def _caller_id(name: str, number: str) -> str:
    """Asterisk's ``"name" <number>``; what is its syntax is left out of a name, which an emergency can spare.

    Asterisk copies the line into 256 bytes: a longer name would cut off the number.
    """
    number = _matching(_NUMBER, "caller_number", number)
    if not name and not number:
        return ""
    plain = re.sub(r'["\\<>]', " ", name).encode()[:_NAME_BYTES].decode(errors="ignore").strip()
    return f'"{plain}" <{number}>'


def _channel_id(value: str) -> str:
    return _matching(_CHANNEL_ID, "channel_id", value)


def _matching(pattern: re.Pattern[str], field: str, value: str) -> str:
    if not pattern.fullmatch(value):
        raise InvalidInput(f"{field} has characters that Asterisk would take for syntax, or is empty.", field=field)
    return value
