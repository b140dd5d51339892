"""A switchboard by hand: `FakePbx` notes what it is asked, `SimulatedSwitchboard` plays Asterisk and the people.

The simulation keeps to the rules of dialplan/*.conf and to nothing else: it knows no legs, calls or incidents of
ours, so what is true in it can be held against what the controller believes.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from callcenter.asterisk_config import COMPANY_SECONDS, LEASE_SECONDS
from callcenter.clock import Clock
from callcenter.errors import PbxRefused, PbxUnavailable
from callcenter.telephony.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelRinging,
    DialFailed,
    HangupReason,
    LiveChannel,
    PbxEvent,
    PhoneStatus,
    RoomJoined,
    RoomLeft,
    SeatCode,
    Snapshot,
    TalkingStarted,
    TalkingStopped,
)
from callcenter.telephony.pbx import Dial

CAUSES = {
    HangupReason.NORMAL: 16,
    HangupReason.BUSY: 17,
    HangupReason.NO_ANSWER: 19,
    HangupReason.REJECTED: 21,
    HangupReason.CANCELLED: 26,
    HangupReason.UNREACHABLE: 27,
    HangupReason.FAILED: 38,
}


@dataclass
class Channel:
    """One channel. ``context`` is where its dialplan is; ``target`` whom it was dialled to."""

    id: str
    target: str
    context: str
    variables: dict[str, str]
    born: float
    ring_seconds: float = 0.0
    ringing: bool = False
    up: bool = False
    room: str | None = None
    claims: str | None = None
    """The dialplan's GROUP(seat) …"""
    claims_auto: str | None = None
    """… and GROUP(auto), of a phone that answered by itself."""
    prompt_ends: float | None = None
    """When the prompt that the dialplan plays to it is over."""
    lease_ends: float | None = None
    volume: int = 1
    listened_to: bool = False
    """Whether Asterisk was asked to tell when it speaks."""
    sends: bool = False
    """Whether audio comes from it."""
    packets: int = 0

    @property
    def role(self) -> str:
        return self.variables.get("CC_ROLE", "elder")

    @property
    def elder(self) -> bool:
        return self.role == "elder"


class SimulatedSwitchboard:
    """Asterisk, the phones and the people. Everything that an act causes is in `events`, in order."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.channels: dict[str, Channel] = {}
        self.registered: set[str] = set()
        self.events: list[PbxEvent] = []
        self.dialled: list[Dial] = []
        """Every INVITE that went out, ever."""
        self.hung_up_by_us: list[str] = []
        self.kicked: list[str] = []
        self.played: list[tuple[str, tuple[str, ...]]] = []
        self.auto_answer: set[str] = set()
        """Targets whose phone answers by itself."""
        self.obedient: set[str] = set()
        """Targets whose phone answers by itself when the INVITE tells it to (Call-Info)."""
        self.busy: set[str] = set()
        """Targets that refuse at once (486)."""
        self.last_ended: dict[str, float] = {}
        """Target → when a channel of it last ended."""
        self.answers_options: dict[str, bool | None] = {}
        self.agents: dict[str, str] = {}
        """What phones call themselves when they register."""
        """Target → what an OPTIONS to it comes to; True where it is not said."""
        self._number = 0
        self._passed_at = 0.0

    # --- people and phones -------------------------------------------------------------------------------

    def phone(self, user: str, registered: bool) -> None:
        """A seat's phone registers or goes away."""
        (self.registered.add if registered else self.registered.discard)(user)
        self.events.append(PhoneStatus(user, registered))

    def call_in(self, line: str) -> Channel:
        """Somebody's INVITE has come in and the dialplan asks the controller (cc-arrive)."""
        self._number += 1
        channel = Channel(
            id=f"1767225600.{self._number}",
            target="trunk",
            context="cc-arrive",
            variables={"CC_LINE": line},
            born=self.clock.monotonic(),
        )
        self.channels[channel.id] = channel
        return channel

    def admitted(self, channel: Channel, variables: dict[str, str]) -> None:
        """The controller answered: cc-emergency goes to the room at once, cc-hotline to its menu."""
        if channel.id not in self.channels:
            return
        channel.variables |= variables
        self._up(channel)
        if channel.variables["CC_LINE"] == "emergency":
            self.to_room(channel)
        else:
            channel.context = "cc-hotline"

    def chosen(self, channel: Channel) -> None:
        """The controller answered a step of the menu: on to where it says, or another key is waited for."""
        if channel.id not in self.channels:
            return
        match channel.variables.get("CC_NEXT", ""):
            case "":
                channel.context = "cc-menu"
            case "cc-room":
                self.to_room(channel)
            case "cc-goodbye":
                self._end(channel, HangupReason.NORMAL)
            case context:
                channel.context = context

    def fall_back(self, channel: Channel) -> None:
        """cc-fallback: the duty desk rings, the controller is not asked."""
        self._leave(channel)
        channel.context = "cc-fallback"
        channel.lease_ends = None
        channel.variables["CC_STAGE"] = "fallback"
        if not channel.up:
            self._up(channel)

    def ring(self, channel: Channel) -> None:
        """The far end says 180."""
        if not channel.up:
            channel.ringing = True
            self.events.append(ChannelRinging(channel.id))

    def pick_up(self, channel: Channel) -> None:
        """The far end answers; its dialplan goes on as far as it can by itself."""
        if channel.up or channel.id not in self.channels:
            return
        self._up(channel)
        match channel.context:
            case "cc-seat" | "cc-overflow":
                self._claim(channel)
            case "cc-accept" | "cc-monitor":
                pass
            case "cc-outbound":
                self.to_room(channel)
            case "cc-callback":
                channel.variables["CC_LINE"] = "emergency"
                self.to_room(channel)
            case "cc-called-back":
                self.to_room(channel)
            case _:
                self._join(channel)

    def press_one(self, channel: Channel) -> None:
        """A phone outside accepts: of our own staff only the first comes in."""
        if channel.context == "cc-accept" and channel.up:
            if channel.variables["CC_ROLE"] in ("duty", "center"):
                self._claim(channel)
            else:
                self._join(channel)

    def refuse(self, channel: Channel, reason: HangupReason) -> None:
        """A dialled phone is busy, rejects, or cannot be reached: both reports come, as from AMI."""
        self._end(channel, reason)
        self.events.append(DialFailed(channel.id, reason))

    def hang_up(self, channel: Channel) -> None:
        """Whoever holds this phone hangs up."""
        if channel.id in self.channels:
            self._end(channel, HangupReason.NORMAL if channel.up else HangupReason.CANCELLED)

    def key(self, channel: Channel, code: str) -> None:
        """An operator keys a code in the room."""
        if channel.room is not None:
            self.events.append(SeatCode(channel.room, channel.id, code))

    def speak(self, channel: Channel) -> None:
        """Somebody speaks into a seat's phone that answered by itself: its voice is listened for."""
        if channel.claims_auto is not None:
            self.events.append(TalkingStarted(channel.id))

    def talk(self, channel: Channel) -> None:
        """Somebody begins to speak on a channel that is listened to."""
        self.events.append(TalkingStarted(channel.id))

    def hush(self, channel: Channel) -> None:
        """… and ends, a second ago."""
        self.events.append(TalkingStopped(channel.id))

    def pass_time(self) -> None:
        """What Asterisk does by itself as time goes by: dials end unanswered, leases run out, audio flows."""
        now = self.clock.monotonic()
        for channel in self.channels.values():
            if channel.sends and channel.up:
                channel.packets += round(50 * (now - self._passed_at))
        self._passed_at = now
        for channel in list(self.channels.values()):
            if channel.prompt_ends is not None and now >= channel.prompt_ends:
                channel.prompt_ends = None
                self._claim(channel) if channel.context == "cc-preempted" else self._end(channel, HangupReason.NORMAL)
                continue
            if not channel.up and channel.target != "trunk" and now - channel.born >= channel.ring_seconds:
                self.refuse(channel, HangupReason.NO_ANSWER)
            elif channel.lease_ends is not None and now >= channel.lease_ends:
                room = channel.room
                self._leave(channel)
                channel.lease_ends = None
                if channel.context == "cc-hold":
                    self._back(channel)
                elif any(other.room == room for other in self.channels.values()):
                    channel.lease_ends = now + COMPANY_SECONDS
                    self._join(channel, room)
                else:
                    self.fall_back(channel)

    # --- the dialplan ------------------------------------------------------------------------------------

    def to_room(self, channel: Channel) -> None:
        """cc-room: the caller's room, under a lease."""
        channel.context = "cc-room"
        channel.lease_ends = self.clock.monotonic() + LEASE_SECONDS
        self._join(channel)

    def _claim(self, channel: Channel) -> None:
        """cc-seat: the first of the staff is in, under a lock; the others are told and let go."""
        room = channel.variables["CC_ROOM"]
        auto = channel.variables.get("CC_AUTO") == "1"
        others = [other for other in self.channels.values() if other is not channel]
        if any(room in (other.claims, other.claims_auto if auto else None) for other in others):
            self._end(channel, HangupReason.NORMAL)
            return
        if auto:
            channel.claims_auto = room
        else:
            channel.claims = room
        channel.context = "cc-leg"
        self._join(channel)

    def _up(self, channel: Channel) -> None:
        channel.up, channel.ringing = True, False
        self.events.append(ChannelAnswered(channel.id))

    def _join(self, channel: Channel, room: str | None = None) -> None:
        channel.room = room or channel.variables["CC_ROOM"]
        self.events.append(RoomJoined(channel.room, channel.id))

    def _leave(self, channel: Channel) -> None:
        if channel.room is not None:
            self.events.append(RoomLeft(channel.room, channel.id))
            channel.room = None

    def _end(self, channel: Channel, reason: HangupReason) -> None:
        self._leave(channel)
        del self.channels[channel.id]
        self.last_ended[channel.target] = self.clock.monotonic()
        self.events.append(ChannelHungUp(channel.id, reason, CAUSES[reason]))
        for spy in list(self.channels.values()):
            if spy.context == "cc-monitor" and spy.variables.get("CC_SPY") == channel.id and spy.up:
                # Music until the controller says where next, or hung up.
                spy.prompt_ends = self.clock.monotonic() + 10

    # --- what the controller asks for --------------------------------------------------------------------

    def dial(self, dial: Dial) -> None:
        """An Originate that was accepted."""
        assert dial.channel_id not in {known.channel_id for known in self.dialled}, "a channel id is used once"
        self.dialled.append(dial)
        user = dial.target.removeprefix("PJSIP/").removesuffix("@trunk")
        seat = dial.context == "cc-seat"
        test_seat = dial.target.startswith("Local/")
        if seat and not test_seat and user not in self.registered:
            self.last_ended[user] = self.clock.monotonic()
            self.events.append(DialFailed(dial.channel_id, HangupReason.UNREACHABLE))
            return
        channel = Channel(
            id=dial.channel_id,
            target=user,
            context=dial.context,
            variables=dict(dial.variables),
            born=self.clock.monotonic(),
            ring_seconds=dial.ring_seconds,
        )
        self.channels[channel.id] = channel
        if test_seat:
            self.pick_up(channel)
        elif user in self.busy:
            self.refuse(channel, HangupReason.BUSY)
        elif user in self.auto_answer or (user in self.obedient and "Call-Info" in dial.headers):
            self.pick_up(channel)

    def end(self, channel_id: str, reason: HangupReason) -> None:
        """A Hangup action."""
        self.hung_up_by_us.append(channel_id)
        channel = self.channels.get(channel_id)
        if channel is not None:
            self._end(channel, reason)
            if not channel.up and channel.target != "trunk":
                self.events.append(DialFailed(channel_id, reason))

    def kick(self, room: str, channel_id: str) -> None:
        """A ConfbridgeKick: the good-bye is played, then the dialplan hangs up."""
        self.kicked.append(channel_id)
        channel = self.channels.get(channel_id)
        if channel is not None and channel.room == room:
            self._end(channel, HangupReason.NORMAL)

    def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """A Setvar: one of our variables, or the lease (``TIMEOUT(absolute)``; 0 lifts it)."""
        channel = self._living(channel_id)
        if name.startswith("CC_"):
            channel.variables[name] = value
            return
        if name == "GROUP(seat)":
            channel.claims = value or None
            return
        if name == "TALK_DETECT(set)":
            channel.listened_to = True
            return
        if name == "VOLUME(RX)":
            channel.volume = int(value)
            return
        assert name == "TIMEOUT(absolute)", name
        channel.lease_ends = self.clock.monotonic() + int(value) if int(value) else None

    def redirect(self, channel_id: str, context: str) -> None:
        """A Redirect: a caller out of the fallback into her room; a seat to another room, or to be told and let go."""
        channel = self._living(channel_id)
        self._leave(channel)
        if context == "cc-room":
            self.to_room(channel)
            return
        if context in ("cc-hold", "cc-monitor"):
            channel.context, channel.prompt_ends = context, None
            channel.lease_ends = self.clock.monotonic() + LEASE_SECONDS if context == "cc-hold" else None
            return
        if context == "cc-back":
            self._back(channel)
            return
        if context == "cc-leg":
            channel.context, channel.prompt_ends = context, None
            self._join(channel)
            return
        if context == "cc-menu":
            channel.context, channel.lease_ends = context, None
            return
        if context == "cc-voicemail-done":
            self._end(channel, HangupReason.NORMAL)
            return
        assert context in ("cc-preempted", "cc-taken"), context
        channel.context = context
        channel.prompt_ends = self.clock.monotonic() + {"cc-preempted": 1.5, "cc-taken": 3.0}[context]
        if context == "cc-preempted":
            channel.claims = None

    def _back(self, channel: Channel) -> None:
        """cc-back: into the room again, the caller under her lease."""
        channel.lease_ends = None
        if channel.elder:
            self.to_room(channel)
        else:
            channel.context = "cc-back"
            self._join(channel)

    def _living(self, channel_id: str) -> Channel:
        channel = self.channels.get(channel_id)
        if channel is None:
            raise PbxRefused("No such channel")
        return channel

    def snapshot(self) -> Snapshot:
        """What is live."""
        now = self.clock.monotonic()
        rooms: dict[str, set[str]] = {}
        for channel in self.channels.values():
            if channel.room is not None:
                rooms.setdefault(channel.room, set()).add(channel.id)
        return Snapshot(
            channels={
                channel.id: LiveChannel(
                    channel_id=channel.id,
                    name=f"PJSIP/{channel.target}-0000",
                    up=channel.up,
                    seconds=int(now - channel.born),
                    bridged=channel.room is not None,
                    variables=dict(channel.variables),
                )
                for channel in self.channels.values()
            },
            rooms={room: frozenset(members) for room, members in rooms.items()},
            phones=frozenset(self.registered),
            agents=dict(self.agents),
        )


@dataclass
class FakePbx:
    """The `Pbx` protocol on a simulated switchboard; notes every verb in `asked`.

    ``down``: every verb raises `PbxUnavailable`. ``refuses``: verbs that raise `PbxRefused`. ``held``: verbs that
    wait until `release`; what they were asked has then not yet reached the switchboard.
    """

    board: SimulatedSwitchboard
    down: bool = False
    refuses: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    asked: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    readings: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let every held verb go on."""
        self.held.clear()
        self._released.set()

    def of(self, verb: str) -> list[tuple[object, ...]]:
        """The arguments of every time a verb was asked."""
        return [arguments for name, arguments in self.asked if name == verb]

    async def _ask(self, verb: str, *arguments: object, act: Callable[[], None] | None = None) -> None:
        self.asked.append((verb, arguments))
        if verb in self.held:
            await self._released.wait()
        if self.down:
            raise PbxUnavailable("the link to Asterisk is down")
        if verb in self.refuses:
            raise PbxRefused(f"{verb} refused")
        if act is not None:
            act()

    async def originate(self, dial: Dial) -> None:
        await self._ask("originate", dial, act=lambda: self.board.dial(dial))

    async def hangup(self, channel_id: str, reason: HangupReason = HangupReason.NORMAL) -> None:
        await self._ask("hangup", channel_id, reason, act=lambda: self.board.end(channel_id, reason))

    async def redirect(self, channel_id: str, context: str, extension: str = "s") -> None:
        await self._ask(
            "redirect", channel_id, context, extension, act=lambda: self.board.redirect(channel_id, context)
        )

    async def kick(self, room: str, channel_id: str) -> None:
        await self._ask("kick", room, channel_id, act=lambda: self.board.kick(room, channel_id))

    async def mute(self, room: str, channel_id: str, muted: bool) -> None:
        await self._ask("mute", room, channel_id, muted)

    async def play(self, room: str, prompts: Sequence[str]) -> None:
        await self._ask("play", room, tuple(prompts), act=lambda: self.board.played.append((room, tuple(prompts))))

    async def record(self, channel_id: str, path: str, options: str = "") -> None:
        await self._ask("record", channel_id, path, options)

    async def dtmf(self, channel_id: str, digits: str) -> None:
        await self._ask("dtmf", channel_id, digits)

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        await self._ask(
            "set_variable", channel_id, name, value, act=lambda: self.board.set_variable(channel_id, name, value)
        )

    async def snapshot(self) -> Snapshot:
        seen = self.board.snapshot()
        await self._ask("snapshot")
        return seen

    async def rtp_received(self, channel_id: str) -> int | None:
        self.readings += 1  # too many to note
        if self.down:
            raise PbxUnavailable("the link to Asterisk is down")
        channel = self.board.channels.get(channel_id)
        return channel.packets if channel is not None else None

    async def answers(self, endpoint: str) -> bool | None:
        await self._ask("answers", endpoint)
        return self.board.answers_options.get(endpoint, True)
