"""A leg of a call as pure data, and the one table that says how its state moves.

Events from a switchboard come late, twice and out of order (R23): what the table does not hold is no news, and an
ended leg stays ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Line(StrEnum):
    """The number that was called; ``outbound``: an operator called somebody."""

    HOTLINE = "hotline"
    EMERGENCY = "emergency"
    OUTBOUND = "outbound"


class Role(StrEnum):
    """Who a leg is (A2)."""

    ELDER = "elder"
    SEAT = "seat"
    DUTY = "duty"
    AMBULANCE = "120"
    FAMILY = "family"
    DOCTOR = "doctor"
    SOCIAL_WORKER = "social_worker"
    COMMUNITY = "community"
    GUARDIAN = "guardian"
    GROUP_LEADER = "group_leader"
    VILLAGE_CADRE = "village_cadre"
    NUMBER = "number"
    CENTER = "center"
    MONITOR = "monitor"


STAFF = frozenset({Role.SEAT, Role.DUTY, Role.CENTER})
"""Seats, on-call mobiles, the next centre: who answers for us (A1)."""


class LegState(StrEnum):
    """Where a leg is between being dialled and being over."""

    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"
    JOINED = "joined"
    ENDED = "ended"


class LegEvent(StrEnum):
    """What Asterisk can report of a leg."""

    RING = "ring"
    ANSWER = "answer"
    JOIN = "join"
    LEAVE = "leave"
    END = "end"


LEG_TABLE: Mapping[LegState, Mapping[LegEvent, LegState]] = MappingProxyType(
    {
        LegState.DIALING: {
            LegEvent.RING: LegState.RINGING,
            LegEvent.ANSWER: LegState.ANSWERED,
            LegEvent.JOIN: LegState.JOINED,
            LegEvent.END: LegState.ENDED,
        },
        LegState.RINGING: {
            LegEvent.ANSWER: LegState.ANSWERED,
            LegEvent.JOIN: LegState.JOINED,
            LegEvent.END: LegState.ENDED,
        },
        LegState.ANSWERED: {LegEvent.JOIN: LegState.JOINED, LegEvent.END: LegState.ENDED},
        LegState.JOINED: {LegEvent.LEAVE: LegState.ANSWERED, LegEvent.END: LegState.ENDED},
        LegState.ENDED: {},
    }
)


def next_state(state: LegState, event: LegEvent) -> LegState | None:
    """The state after ``event``, or None when it is no news in this state."""
    return LEG_TABLE[state].get(event)


@dataclass(frozen=True, slots=True)
class Leg:
    """One person's connection to a call. Times are aware UTC, None while it has not happened.

    ``channel_id`` is Asterisk's Uniqueid: the leg id itself for every leg that we dialled.
    """

    id: str
    channel_id: str
    role: str
    number: str
    name: str = ""
    request_id: str | None = None
    wish_id: str = ""
    route: str = ""
    auto: bool = False
    state: LegState = LegState.DIALING
    added_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    joined_at: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    cause: int = 0
    held: bool = False
    muted: bool = False

    @property
    def live(self) -> bool:
        return self.state is not LegState.ENDED

    @property
    def in_room(self) -> bool:
        return self.state is LegState.JOINED

    @property
    def accepted(self) -> bool:
        """In the room, and a person for sure: picked up by hand, keyed in, or has shown life (R12, R15)."""
        return self.in_room and self.accepted_at is not None

    @property
    def dialled(self) -> bool:
        """Whether we called this person; else she called us."""
        return self.role != Role.ELDER or self.channel_id == self.id

    @property
    def moved(self) -> bool:
        """Whether the person was on another call already and was brought here with her line (a pre-empted seat)."""
        return self.role != Role.ELDER and self.channel_id != self.id
