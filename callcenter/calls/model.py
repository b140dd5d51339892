"""A call as pure data: its legs, what is done with it, and the fold of its facts.

Nothing here knows of Asterisk's wire, of time passing or of storage. A fact that is read late or twice moves nothing
back, and an ended call stays ended (R23).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from callcenter.calls import facts as f
from callcenter.calls.leg import LEG_TABLE, STAFF, Leg, LegEvent, LegState, Line, Role, next_state
from callcenter.facts import Body, Fact
from callcenter.telephony.events import HangupReason

__all__ = [
    "LEG_TABLE",
    "STAFF",
    "Call",
    "Leg",
    "LegEvent",
    "LegState",
    "Line",
    "Monitor",
    "Parked",
    "Role",
    "Transfer",
    "evolve",
    "next_state",
    "observe",
    "variables_of",
]


@dataclass(frozen=True, slots=True)
class Parked:
    """A caller in a numbered slot: who put her there, and when."""

    slot: int
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer under way; see `facts.TransferStarted`."""

    to: str
    mode: str
    by: str
    by_leg: str
    leg_id: str


@dataclass(frozen=True, slots=True)
class Monitor:
    """A supervisor on a call: how, on whose leg, and which recording his whisper is; see `facts.CallMonitored`."""

    user: str
    mode: str
    target: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the caller's leg and everybody who was added.

    ``room`` is the ConfBridge it speaks in: its own id, or the room of the open emergency it joined.
    ``recording``: path of the recording without leg suffix and extension, relative to the recordings folder.
    ``returning``: the leg that is dialled to bring her back to whom she had before. ``monitors``: by the
    supervisor's leg.
    """

    id: str
    line: str
    caller: str
    did: str
    room: str
    recording: str
    invited_at: datetime
    incident_id: str | None = None
    elder_id: str | None = None
    elder_name: str = ""
    device_id: str | None = None
    ambiguous: bool = False
    via: str = "controller"
    digit: str = ""
    legs: Mapping[str, Leg] = field(default_factory=dict)
    ended_at: datetime | None = None
    disposition: str = ""
    note: str = ""
    note_revision: int = 0
    parked: Parked | None = None
    transfer: Transfer | None = None
    returning: str = ""
    monitors: Mapping[str, Monitor] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.ended_at is None

    @property
    def kept(self) -> bool:
        """A call of ours to an elder who must be reached: it ends with its emergency, not with its last leg (A8)."""
        return self.via == "callback"

    @property
    def live_legs(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs.values() if leg.live)

    @property
    def elder_legs(self) -> tuple[Leg, ...]:
        """The caller's own legs: how she called, and how she was called back."""
        return tuple(leg for leg in self.legs.values() if leg.role == Role.ELDER)

    @property
    def answered_at(self) -> datetime | None:
        """When the caller's line was first up."""
        times = [leg.answered_at or leg.joined_at for leg in self.elder_legs]
        return min((time for time in times if time), default=None)

    @property
    def human_at(self) -> datetime | None:
        """When the first of our staff was there for sure."""
        times = [leg.accepted_at for leg in self.legs.values() if leg.role in STAFF and leg.accepted_at]
        return min(times, default=None)

    @property
    def staffed(self) -> bool:
        """Whether one of our staff is in the room now, for sure."""
        return any(leg.accepted and leg.role in STAFF for leg in self.legs.values())

    def staffed_without(self, leg_id: str) -> bool:
        """Whether one of our staff stays in the room when that leg leaves."""
        return any(leg.accepted and leg.role in STAFF for leg in self.legs.values() if leg.id != leg_id)

    @property
    def routine(self) -> bool:
        """Whether it gives way to an emergency, and ends when either side leaves."""
        return self.line != Line.EMERGENCY

    @property
    def held(self) -> bool:
        """Whether the caller is on hold."""
        return any(leg.held and leg.live for leg in self.elder_legs)

    @property
    def caller_gone(self) -> bool:
        """Whether no line of the caller's is left. Whom we call is not gone before she was dialled."""
        lines = self.elder_legs
        waits_for_line = self.line == Line.OUTBOUND and not lines and bool(self.live_legs)
        return not waits_for_line and not any(leg.live for leg in lines)

    @property
    def in_hand(self) -> bool:
        """Whether a routine caller is somebody's: with somebody, parked, or somebody was sent for on purpose."""
        others = [leg for leg in self.live_legs if leg.role not in (Role.ELDER, Role.MONITOR)]
        return self.parked is not None or any(leg.accepted or (leg.wish_id and not leg.joined_at) for leg in others)


def variables_of(call: Call, leg: Leg, recordings: Path) -> dict[str, str]:
    """What the dialplan and, after a crash, a snapshot must know of a leg that we bring into a call's room."""
    return {
        "CC_CALL": call.id,
        "CC_ROOM": call.room,
        "CC_LEG": leg.id,
        "CC_ROLE": leg.role,
        "CC_NUMBER": leg.number,
        "CC_REC": str(recordings / call.recording),
        "CC_AUTO": str(int(leg.auto)),
    }


def observe(call: Call, leg_id: str, event: LegEvent, reason: str = "", cause: int = 0) -> list[Body]:
    """What ``event`` on a leg means for its call: no bodies when it is no news."""
    leg = call.legs.get(leg_id)
    if leg is None or not call.open:
        return []
    if next_state(leg.state, event) is None:
        return []
    match event:
        case LegEvent.RING:
            return [f.LegRinging(leg_id=leg_id)]
        case LegEvent.ANSWER:
            return [f.LegAnswered(leg_id=leg_id, role=leg.role)]
        case LegEvent.JOIN:
            return [f.LegJoined(leg_id=leg_id, role=leg.role)]
        case LegEvent.LEAVE:
            return [f.LegLeft(leg_id=leg_id)]
        case _:
            if reason == HangupReason.NORMAL and _declined(leg):
                reason = "not_accepted"
            if reason == HangupReason.UNREACHABLE and leg.role == Role.SEAT and leg.joined_at is not None:
                reason = "dead"  # nobody hung up: a page that goes says so with its last word (Q.850 cause 27)
            return [f.LegEnded(leg_id=leg_id, role=leg.role, reason=reason, cause=cause)]


def _declined(leg: Leg) -> bool:
    """A phone outside picked up, and nobody pressed the key: voicemail, a pocket (R15)."""
    outside = leg.role not in (Role.ELDER, Role.SEAT, Role.MONITOR)
    return outside and leg.dialled and leg.answered_at is not None and leg.joined_at is None


def evolve(call: Call | None, fact: Fact) -> Call | None:
    """The call after a fact: a pure fold, the same live, after a restart and in the database's rows."""
    body = fact.body
    if isinstance(body, f.CallOpened):
        return call or _opened(fact, body)
    if call is None or not call.open:
        return call if call is None else _after_end(call, body)
    match body:
        case f.LineChanged():
            return replace(call, line=body.line, room=body.room, incident_id=fact.incident_id or call.incident_id)
        case f.FellBack():
            return replace(call, via="fallback")
        case f.TakenOver():
            return replace(call, via="controller")
        case f.MenuChosen():
            return replace(call, digit=body.digit)
        case f.ElderMatched():
            return replace(call, elder_id=body.elder_id, elder_name=body.elder_name, ambiguous=False)
        case f.LegAdded():
            leg = Leg(
                id=body.leg_id,
                channel_id=body.channel_id or body.leg_id,
                role=body.role,
                number=body.number,
                name=body.name,
                request_id=body.request_id,
                wish_id=body.wish_id,
                route=body.route,
                auto=body.auto,
                added_at=fact.at,
            )
            return replace(call, legs={**call.legs, leg.id: call.legs.get(leg.id, leg)})
        case f.CallHeld(leg_id=leg_id) | f.CallResumed(leg_id=leg_id):
            return _change(call, leg_id, held=isinstance(body, f.CallHeld))
        case f.CallMuted():
            return _change(call, body.leg_id, muted=body.muted)
        case f.TransferStarted():
            started = Transfer(body.to, body.mode, body.by, body.by_leg, body.leg_id)
            return replace(call, transfer=started, parked=None)
        case f.CallTransferred() | f.TransferFailed():
            return replace(call, transfer=None)
        case f.CallParked():
            return replace(call, parked=Parked(body.slot, body.by, fact.at), transfer=None)
        case f.CallRetrieved():
            return replace(call, parked=None)
        case f.CallReturned():
            return replace(call, parked=None, transfer=None, returning=body.leg_id)
        case f.CallMonitored():
            others = {leg_id: one for leg_id, one in call.monitors.items() if one.user != body.user}
            return replace(
                call, monitors={**others, body.leg_id: Monitor(body.user, body.mode, body.target, body.part)}
            )
        case f.MonitorEnded():
            left = {leg_id: monitor for leg_id, monitor in call.monitors.items() if leg_id != body.leg_id}
            return replace(call, monitors=left)
        case f.LegRinging():
            return _move(call, body.leg_id, LegEvent.RING, ringing_at=fact.at)
        case f.LegAnswered():
            return _move(call, body.leg_id, LegEvent.ANSWER, answered_at=fact.at)
        case f.LegJoined():
            by_hand = {} if _auto(call, body.leg_id) else {"accepted_at": fact.at}
            # Back in the room by whatever way (a hold whose lease ran out): not on hold, and to be heard.
            joined = _move(call, body.leg_id, LegEvent.JOIN, joined_at=fact.at, held=False, muted=False, **by_hand)
            return replace(joined, returning="") if body.leg_id == call.returning else joined
        case f.LegAccepted():
            return _accept(call, body.leg_id, fact.at)
        case f.LegLeft():
            return _move(call, body.leg_id, LegEvent.LEAVE)
        case f.LegEnded():
            return _move(call, body.leg_id, LegEvent.END, ended_at=fact.at, reason=body.reason, cause=body.cause)
        case f.CallEnded():
            return replace(call, ended_at=fact.at)
    return _after_end(call, body)


def _after_end(call: Call, body: Body) -> Call:
    """What may still be said of a call that is over: its disposition, whose it was, and a note."""
    if isinstance(body, f.CallNoted):
        newer = body.revision > call.note_revision
        return replace(call, note=body.text, note_revision=body.revision) if newer else call
    if isinstance(body, f.CallDispositioned):
        return replace(call, disposition=body.disposition, elder_id=body.elder_id or call.elder_id)
    if isinstance(body, f.ElderMatched):
        return replace(call, elder_id=body.elder_id, elder_name=body.elder_name, ambiguous=False)
    return call


def _opened(fact: Fact, body: f.CallOpened) -> Call:
    leg = Leg(
        id=body.leg_id,
        channel_id=body.channel_id,
        role=Role.ELDER,
        number=body.caller,
        name=body.elder_name,
        added_at=fact.at,
    )
    legs = {leg.id: leg} if body.leg_id else {}
    return Call(
        id=fact.call_id or "",
        line=body.line,
        caller=body.caller,
        did=body.did,
        room=body.room,
        recording=body.recording,
        invited_at=body.invited_at,
        incident_id=fact.incident_id,
        elder_id=body.elder_id,
        elder_name=body.elder_name,
        device_id=body.device_id,
        ambiguous=body.ambiguous,
        via=body.via,
        legs=legs,
    )


def _auto(call: Call, leg_id: str) -> bool:
    leg = call.legs.get(leg_id)
    return leg is not None and leg.auto


def _change(call: Call, leg_id: str, **changes: bool) -> Call:
    leg = call.legs.get(leg_id)
    if leg is None or not leg.live:
        return call
    return replace(call, legs={**call.legs, leg_id: replace(leg, **changes)})  # type: ignore[arg-type]


def _accept(call: Call, leg_id: str, at: datetime) -> Call:
    leg = call.legs.get(leg_id)
    if leg is None or not leg.live or leg.accepted_at is not None:
        return call
    return replace(call, legs={**call.legs, leg_id: replace(leg, accepted_at=at)})


def _move(call: Call, leg_id: str, event: LegEvent, **changes: object) -> Call:
    """The one place where a leg's state changes; a fact that is read twice or late moves nothing back (R23)."""
    leg = call.legs.get(leg_id)
    state = next_state(leg.state, event) if leg is not None else None
    if leg is None or state is None:
        return call
    kept = {
        name: value
        for name, value in changes.items()
        # The first time a thing happened is the time that counts.
        if not name.endswith("_at") or getattr(leg, name) is None
    }
    return replace(call, legs={**call.legs, leg_id: replace(leg, state=state, **kept)})  # type: ignore[arg-type]
