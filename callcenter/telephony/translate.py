"""AMI messages to typed events: a pure function, the only reader of Asterisk's event headers.

Causes are Q.850 codes (asterisk/causes.h); the reasons of an OriginateResponse are control frame numbers
(pbx_dial_reason in Asterisk's pbx.c, asterisk/frame.h). Tried against Asterisk 22.10.
"""

from collections.abc import Mapping
from typing import Any

from callcenter.telephony.ami_wire import text
from callcenter.telephony.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelRinging,
    DialFailed,
    HangupReason,
    HoldMusic,
    PbxEvent,
    PhoneStatus,
    RoomJoined,
    RoomLeft,
    SeatCode,
    TalkingStarted,
    TalkingStopped,
)

DIAL_PREFIX = "cc-dial/"
"""An originate's ActionID is this and our channel id: where no channel could be made it is the only link."""

CODE_EVENT = "CCCode"
"""The dialplan's ``UserEvent(CCCode,Room: …,Code: …)``."""

INTERNAL_PREFIX = "cc-announce-"
"""Channel ids of the telephony layer's own helpers (prompts played into a room): domains never hear of them."""

_CAUSES = {
    0: HangupReason.NORMAL,
    1: HangupReason.UNREACHABLE,  # unallocated number
    3: HangupReason.UNREACHABLE,  # no route
    16: HangupReason.NORMAL,
    17: HangupReason.BUSY,
    18: HangupReason.NO_ANSWER,
    19: HangupReason.NO_ANSWER,
    20: HangupReason.UNREACHABLE,  # subscriber absent
    21: HangupReason.REJECTED,
    26: HangupReason.CANCELLED,  # answered elsewhere
    27: HangupReason.UNREACHABLE,  # destination out of order
}

_ORIGINATE_REASONS = {
    "0": HangupReason.UNREACHABLE,  # no such endpoint, no contact, unallocated number
    "3": HangupReason.NO_ANSWER,  # AST_CONTROL_RINGING: rang, or was silent, until the time was up
    "5": HangupReason.BUSY,
    "8": HangupReason.FAILED,  # AST_CONTROL_CONGESTION: 503, but 603 as well
}

_CONTACT_GONE = frozenset({"Removed", "Unreachable"})
_CONTACT_HERE = frozenset({"Created", "Reachable", "Updated", "NonQualified"})


def hangup_reason(cause: int) -> HangupReason:
    """Fold a Q.850 cause into our reasons; an unlisted cause is a failure."""
    return _CAUSES.get(cause, HangupReason.FAILED)


def contact_registered(status: str) -> bool | None:
    """Whether a contact of this status can be called; None where the status does not say."""
    if status in _CONTACT_GONE:
        return False
    return True if status in _CONTACT_HERE else None


def translate(message: Mapping[str, Any]) -> PbxEvent | None:
    """One AMI message as one of our events; None for a message that means nothing to the domains."""
    reader = _READERS.get(text(message, "Event"))
    return reader(message) if reader is not None else None


def _channel(message: Mapping[str, Any]) -> str:
    channel_id = text(message, "Uniqueid")
    return "" if channel_id.startswith(INTERNAL_PREFIX) else channel_id


def _newstate(message: Mapping[str, Any]) -> PbxEvent | None:
    channel_id, state = _channel(message), text(message, "ChannelState")
    if not channel_id:
        return None
    if state == "5":
        return ChannelRinging(channel_id)
    return ChannelAnswered(channel_id) if state == "6" else None


def _hangup(message: Mapping[str, Any]) -> PbxEvent | None:
    channel_id, cause_text = _channel(message), text(message, "Cause")
    if not channel_id:
        return None
    # A hang-up is a hang-up even when its cause cannot be read.
    cause = int(cause_text) if cause_text.isascii() and cause_text.isdigit() and len(cause_text) < 4 else -1
    return ChannelHungUp(channel_id, hangup_reason(cause), cause)


def _originate_response(message: Mapping[str, Any]) -> PbxEvent | None:
    action_id = text(message, "ActionID")
    if text(message, "Response") != "Failure" or not action_id.startswith(DIAL_PREFIX):
        return None
    channel_id = action_id.removeprefix(DIAL_PREFIX)
    reason = _ORIGINATE_REASONS.get(text(message, "Reason"), HangupReason.FAILED)
    return DialFailed(channel_id, reason) if channel_id else None


def _joined(message: Mapping[str, Any]) -> PbxEvent | None:
    room, channel_id = text(message, "Conference"), _channel(message)
    return RoomJoined(room, channel_id) if room and channel_id else None


def _left(message: Mapping[str, Any]) -> PbxEvent | None:
    room, channel_id = text(message, "Conference"), _channel(message)
    return RoomLeft(room, channel_id) if room and channel_id else None


def _user_event(message: Mapping[str, Any]) -> PbxEvent | None:
    if text(message, "UserEvent") != CODE_EVENT:
        return None
    room, channel_id, code = text(message, "Room"), _channel(message), text(message, "Code")
    return SeatCode(room, channel_id, code) if room and channel_id and code else None


def _contact_status(message: Mapping[str, Any]) -> PbxEvent | None:
    endpoint = text(message, "EndpointName")
    registered = contact_registered(text(message, "ContactStatus"))
    return PhoneStatus(endpoint, registered) if endpoint and registered is not None else None


def _talking(message: Mapping[str, Any]) -> PbxEvent | None:
    channel_id = _channel(message)
    started = text(message, "Event") == "ChannelTalkingStart"
    return (TalkingStarted if started else TalkingStopped)(channel_id) if channel_id else None


def _music(message: Mapping[str, Any]) -> PbxEvent | None:
    channel_id = _channel(message)
    return HoldMusic(channel_id, text(message, "Event") == "MusicOnHoldStart") if channel_id else None


_READERS = {
    "Newstate": _newstate,
    "Hangup": _hangup,
    "OriginateResponse": _originate_response,
    "ConfbridgeJoin": _joined,
    "ConfbridgeLeave": _left,
    "UserEvent": _user_event,
    "ContactStatus": _contact_status,
    "ChannelTalkingStart": _talking,
    "ChannelTalkingStop": _talking,
    "MusicOnHoldStart": _music,
    "MusicOnHoldStop": _music,
}
