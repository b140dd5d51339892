"""What Asterisk reports, as typed events: the only form in which domains hear of telephony.

A channel is named everywhere by its *channel id*: Asterisk's Uniqueid. For every channel that we
originate it is the leg id we chose (AMI ``ChannelId``), so an event finds its leg without a lookup
table that a restart could lose.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class HangupReason(StrEnum):
    """Why a channel ended, folded from the Q.850 cause that Asterisk reports."""

    NORMAL = "normal"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNREACHABLE = "unreachable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChannelRinging:
    """The far end of a channel we dialled is ringing (SIP 180/183)."""

    channel_id: str


@dataclass(frozen=True, slots=True)
class ChannelAnswered:
    """The channel is up (SIP 200)."""

    channel_id: str


@dataclass(frozen=True, slots=True)
class ChannelHungUp:
    """The channel is gone. ``cause`` is the Q.850 cause code."""

    channel_id: str
    reason: HangupReason
    cause: int


@dataclass(frozen=True, slots=True)
class DialFailed:
    """An originate ended without an answer; no channel of that id is left (nor perhaps ever was)."""

    channel_id: str
    reason: HangupReason


@dataclass(frozen=True, slots=True)
class RoomJoined:
    """A channel entered a room (ConfBridge)."""

    room: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class RoomLeft:
    """A channel left a room."""

    room: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class SeatCode:
    """An operator keyed a DTMF code in the room, ``code`` as the dialplan names it (e.g. ``add-120``)."""

    room: str
    channel_id: str
    code: str


@dataclass(frozen=True, slots=True)
class TalkingStarted:
    """Somebody speaks on the channel (Asterisk's TALK_DETECT heard more than silence)."""

    channel_id: str


@dataclass(frozen=True, slots=True)
class TalkingStopped:
    """The channel fell silent again."""

    channel_id: str


@dataclass(frozen=True, slots=True)
class HoldMusic:
    """Music (or the prompts in its place) begins to play to a channel, or stops."""

    channel_id: str
    playing: bool


@dataclass(frozen=True, slots=True)
class PhoneStatus:
    """A seat's phone registered or went away. ``endpoint`` is the PJSIP endpoint (the seat's user name)."""

    endpoint: str
    registered: bool


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """One channel in a `Snapshot`. ``variables`` holds our CC_* channel variables.

    ``bridged``: it is connected to somebody, in a room or directly. ``caller``: its caller number as Asterisk
    has it, empty when withheld.
    """

    channel_id: str
    name: str
    up: bool
    seconds: int
    bridged: bool = False
    caller: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is live in Asterisk right now: channels by id, rooms with their members, registered phones.

    ``agents``: what phones call themselves (User-Agent), by endpoint, of those that do.
    """

    channels: dict[str, LiveChannel]
    rooms: dict[str, frozenset[str]]
    phones: frozenset[str]
    agents: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PbxConnected:
    """The AMI link is up and in step; everything missed while it was down is in the snapshot.

    Events that arrived while the snapshot was being taken follow it in the queue; they may repeat
    what it already shows.
    """

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class PbxDisconnected:
    """The AMI link is down; nothing is known of calls until the next `PbxConnected`."""

    reason: str


PbxEvent = (
    ChannelRinging
    | ChannelAnswered
    | ChannelHungUp
    | DialFailed
    | RoomJoined
    | RoomLeft
    | SeatCode
    | TalkingStarted
    | TalkingStopped
    | HoldMusic
    | PhoneStatus
    | PbxConnected
    | PbxDisconnected
)
