"""A whole controller on a simulated switchboard, a journal in memory and a clock that is moved by hand.

Everything is synchronous to the test: each act runs the event loop until nothing moves any more. The controller is
the real one; only Asterisk, the journal's disk and time are played.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from callcenter.calls.model import Call
from callcenter.calls.model import evolve as evolve_call
from callcenter.controller import RECOMPARE_SECONDS, RECONCILE_SECONDS, TICK_SECONDS, Controller
from callcenter.emergency.model import Incident
from callcenter.emergency.model import evolve as evolve_incident
from callcenter.emergency.plan import Plan
from callcenter.errors import CallCenterError
from callcenter.facts import Body, Fact
from callcenter.menus.book import Book as MenuBook
from callcenter.people.directory import Contact, Device, Directory, Elder
from callcenter.queues.model import Book
from callcenter.settings import Settings
from callcenter.telephony.events import PbxConnected, PbxDisconnected, PbxEvent
from callcenter.telephony.fastagi import AgiCall
from tests.support.fake_pbx import Channel, FakePbx, SimulatedSwitchboard
from tests.support.memory import HandClock, MemoryJournal

BodyKind = TypeVar("BodyKind", bound=Body)
Item = TypeVar("Item")

WANG = "13800000001"
"""Grandmother Wang's phone; her pendant calls from `WANG_PENDANT`."""
WANG_PENDANT = "13800000011"
LI = "13800000002"
STRANGER = "13999999999"
DUTY = ("13911110001", "13911110002")
AMBULANCE = "120"
DAUGHTER, SON, GUARDIAN = "13700000001", "13700000002", "13700000003"
DOCTOR, SOCIAL_WORKER, COMMUNITY = "13700000004", "13700000005", "13700000006"

ELDERS = (
    Elder(
        id="elder-wang",
        code="0001",
        name="王秀英",
        phones=(WANG,),
        devices=(Device(id="device-1", kind="pendant", number=WANG_PENDANT),),
        contacts=(
            Contact(role="family", name="女儿", phone=DAUGHTER),
            Contact(role="family", name="儿子", phone=SON),
            Contact(role="guardian", name="侄子", phone=GUARDIAN),
            Contact(role="doctor", name="张医生", phone=DOCTOR),
            Contact(role="social_worker", name="社工", phone=SOCIAL_WORKER),
            Contact(role="community", name="社区", phone=COMMUNITY),
        ),
    ),
    Elder(id="elder-li", code="0002", name="李国强", phones=(LI,)),
)


@dataclass(frozen=True)
class Account:
    """An account that has a phone."""

    user: str
    role: str = "operator"
    auto_answer: bool = False
    phone_word: str = ""


SEATS = (Account("op1"), Account("op2"), Account("op3"), Account("sup1", "supervisor"))


class FakeAgi:
    """A call's question, answered into a dictionary."""

    def __init__(self, args: Sequence[str], headers: dict[str, str]) -> None:
        self.args = tuple(args)
        self.headers = headers
        self.variables: dict[str, str] = {}

    async def set_variables(self, values: dict[str, str]) -> None:
        self.variables |= values


class World:
    """One node, its phones and its people."""

    def __init__(
        self,
        folder: Path,
        *,
        seats: Sequence[Account] = SEATS,
        duty: Sequence[str] = DUTY,
        plans: Sequence[Plan] = (),
        elders: Sequence[Elder] = ELDERS,
        trunk2: str = "",
        line_dropped: float = 0,
        book: Book | None = None,
    ) -> None:
        self.settings = Settings(
            data=folder, duty_numbers=tuple(duty), trunk2_uri=trunk2, line_dropped_seconds=line_dropped, _env_file=None
        )
        self.accounts = seats
        self.directory = Directory(elders, plans)
        self.book = book or Book()
        """The hotline's queues and what the seats know."""
        self.menus = MenuBook()
        self.clock = HandClock()
        self.board = SimulatedSwitchboard(self.clock)
        self.pbx = FakePbx(self.board)
        self.journal = MemoryJournal()
        self.runner = asyncio.Runner()
        self.linked = False
        self.up = False
        self.shuffle: Callable[[list[PbxEvent]], list[PbxEvent]] = list
        """What the way from Asterisk to us does to the events of one act."""
        self._compare_at = 0.0
        self.start()

    # --- the controller's life ---------------------------------------------------------------------------

    def start(self) -> None:
        """A new controller on what the journal holds; it is in step at once."""
        self.run(self._start)

    def _start(self) -> None:
        self.controller = Controller(
            self.settings,
            self.clock,
            self.journal,
            lambda: self.directory,
            "",
            queues=lambda: self.book,
            menus=lambda: self.menus,
            pbx=self.pbx,
            live=lambda: self.linked,
        )
        self.controller.recover(self.journal.facts(), self.accounts)
        self.controller.routing.skilled(self.book.skills)
        self.up = True
        self._connect()

    def crash(self, lost: int = 0) -> None:
        """kill -9: what was in flight is gone, and up to ``lost`` facts of the last act with it."""
        self.runner.run(self._cancel_everything())
        self.up = self.linked = False
        self.board.events.clear()
        self.journal.crash(lost)
        self.pbx = FakePbx(self.board)

    async def _cancel_everything(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def lose_link(self) -> None:
        """The AMI connection breaks; what happens now is not heard."""
        self.run(self._disconnect)

    def _disconnect(self) -> None:
        self.linked, self.pbx.down = False, True
        self.controller.hear(PbxDisconnected("cut"))

    def regain_link(self) -> None:
        """The AMI connection is back, with a snapshot."""
        self.run(self._connect)

    def _connect(self) -> None:
        self.linked, self.pbx.down = True, False
        self.board.events.clear()
        self.controller.hear(PbxConnected(self.board.snapshot()))
        self._compare_at = self.clock.monotonic() + RECOMPARE_SECONDS

    def close(self) -> None:
        """End the event loop."""
        self.runner.run(self._cancel_everything())
        self.runner.close()

    # --- running -----------------------------------------------------------------------------------------

    def run(self, act: Callable[[], object]) -> None:
        """Do something in the event loop and let everything that follows from it happen."""
        self.runner.run(self._run(act))

    def run_result(self, act: Callable[[], Item]) -> Item:
        """As `run`, with what it returns."""
        results: list[Item] = []
        self.run(lambda: results.append(act()))
        return results[0]

    async def _run(self, act: Callable[[], object]) -> None:
        if self.journal.flushed < len(self.journal.lines):
            self.journal.flush()
        act()
        await self._settle()

    async def _settle(self) -> None:
        quiet = turns = 0
        while quiet < 4:
            before = len(self.journal.lines), len(self.pbx.asked), self.pbx.readings
            delivered = self._deliver()
            await asyncio.sleep(0)
            moved = delivered or before != (len(self.journal.lines), len(self.pbx.asked), self.pbx.readings)
            quiet = 0 if moved else quiet + 1
            turns += 1
            assert turns < 500, "the controller does not come to rest"

    def _deliver(self) -> bool:
        events, self.board.events = self.board.events, []
        if not self.linked:
            return False
        for event in self.shuffle(events):
            self.controller.hear(event)
        return bool(events)

    def _each(self, items: Iterable[Item], act: Callable[[Item], None]) -> None:
        """Do something with each in one moment, before anybody hears of the first."""

        def all_of_them() -> None:
            for item in items:
                act(item)

        self.run(all_of_them)

    def wait(self, seconds: float, step: float = TICK_SECONDS) -> None:
        """Let time pass, pulse by pulse."""
        self.runner.run(self._wait(seconds, step))

    async def _wait(self, seconds: float, step: float) -> None:
        self.journal.flush()
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end - 1e-9:
            self.clock.pass_time(min(step, end - self.clock.monotonic()))
            self.board.pass_time()
            await self._settle()
            if self.up:
                self.controller.beat()
                if self.linked and self.clock.monotonic() >= self._compare_at:
                    self._compare_at = self.clock.monotonic() + RECONCILE_SECONDS
                    await self.controller.compare()
                await self._settle()

    def compare(self) -> None:
        """The regular comparison with what is live, now."""
        self.runner.run(self._compare())

    async def _compare(self) -> None:
        await self.controller.compare()
        await self._settle()

    # --- people ------------------------------------------------------------------------------------------

    def register(self, *users: str) -> None:
        """Phones of seats come on."""
        self._each(users, lambda user: self.board.phone(user, True))

    def unregister(self, *users: str) -> None:
        """Phones of seats go off."""
        self._each(users, lambda user: self.board.phone(user, False))

    def pause(self, user: str) -> None:
        self.run(lambda: self.controller.routing.declare(user, "paused", "午休", user))

    def ready(self, user: str) -> None:
        self.run(lambda: self.controller.routing.declare(user, "ready", "", user))

    def press(self, number: str, *, admitted: bool = True) -> Channel:
        """Somebody calls the emergency line; answered and in her room when the controller is there.

        ``admitted``: False is the moment before she is in her room.
        """
        return self._call_in("emergency", number, admitted=admitted)

    def hotline(self, number: str, digit: str = "0") -> Channel:
        """Somebody calls the hotline and chooses from the menu (an empty digit: still listening)."""
        channel = self._call_in("hotline", number)
        if digit and channel.id in self.board.channels:
            self.choose(channel, digit)
        return channel

    def _call_in(self, line: str, number: str, *, admitted: bool = True) -> Channel:
        channel = self.board.call_in(line)
        agi = FakeAgi(
            (line, "95120", f"{self.clock.now().timestamp():.6f}"), {"callerid": number, "uniqueid": channel.id}
        )
        if not self.up:
            self.run(lambda: self.board.fall_back(channel))
            return channel

        async def arrive() -> None:
            self.journal.flush()
            await self.controller.arrivals.arrive(cast(AgiCall, agi))
            if admitted:
                self.board.admitted(channel, agi.variables)
            await self._settle()

        self.runner.run(arrive())
        return channel

    def choose(self, channel: Channel, digit: str) -> None:
        """The caller presses a key in the menu, or wherever else she is asked for one (empty: none in time)."""

        async def choose() -> None:
            self.journal.flush()
            try:
                for keys in [digit] if channel.variables.get("CC_NODE") else ["", digit]:
                    word = channel.variables.get("CC_NODE", "")
                    agi = FakeAgi((channel.variables["CC_CALL"], word, keys), {})
                    await self.controller.ways.flow.menu(cast(AgiCall, agi))
                    channel.variables |= agi.variables
            except CallCenterError:
                self.board.fall_back(channel)
            else:
                self.board.chosen(channel)
            await self._settle()

        self.runner.run(choose())

    def answer(self, *channels: Channel) -> None:
        """Phones are picked up, all in the same moment."""
        self._each(channels, self.board.pick_up)

    def accept(self, *channels: Channel) -> None:
        """Phones outside are picked up, and key 1 is pressed."""
        self.answer(*channels)
        self._each(channels, self.board.press_one)

    def hang_up(self, channel: Channel) -> None:
        self.run(lambda: self.board.hang_up(channel))

    def ringing(self, target: str) -> Channel:
        """The channel on which a phone rings now; ``target`` a seat's user or a number."""
        found = self.all_ringing(target)
        assert found, f"{target} does not ring; ringing: {sorted(c.target for c in self.all_ringing())}"
        return found[-1]

    def all_ringing(self, target: str = "") -> list[Channel]:
        """Channels that were dialled and are not answered yet."""
        return [
            channel
            for channel in self.board.channels.values()
            if not channel.up and channel.target != "trunk" and channel.target.startswith(target)
        ]

    def rings(self, target: str) -> bool:
        return bool(self.all_ringing(target))

    def dialled(self, target: str) -> int:
        """How many INVITEs ever went to a seat or number."""
        return sum(dial.target.removeprefix("PJSIP/").removesuffix("@trunk") == target for dial in self.board.dialled)

    # --- what is known -----------------------------------------------------------------------------------

    def incident(self) -> Incident:
        """The latest incident."""
        return self.controller.emergencies.known()[-1]

    def call_of(self, channel: Channel) -> Call:
        return self.controller.calls.get(channel.variables["CC_CALL"])

    def bodies(self, kind: type[BodyKind]) -> list[BodyKind]:
        """Every fact of a kind that the journal holds, in order."""
        return [fact.body for fact in self.journal.facts() if isinstance(fact.body, kind)]

    def request(self, role: str, number: str | None = None, request_id: str | None = None) -> str:
        """An operator asks for help for the latest incident; returns the leg's id."""
        legs: list[str] = []
        self.run(
            lambda: legs.append(
                self.controller.emergencies.request_help(
                    self.incident().id, role, number, actor="op1", request_id=request_id
                ).id
            )
        )
        return legs[0]

    def close_incident(self, outcome: str = "送医", incident_id: str | None = None) -> None:
        self.run(lambda: self.controller.emergencies.close(incident_id or self.incident().id, outcome, "", actor="op1"))


def folded(facts: Iterable[Fact]) -> tuple[dict[str, Call], dict[str, Incident]]:
    """Every call and incident that facts tell of, by nothing but the pure folds."""
    calls: dict[str, Call] = {}
    incidents: dict[str, Incident] = {}
    for fact in facts:
        call = evolve_call(calls.get(fact.call_id or ""), fact) if fact.call_id else None
        if call is not None:
            calls[call.id] = call
        incident = evolve_incident(incidents.get(fact.incident_id or ""), fact) if fact.incident_id else None
        if incident is not None:
            incidents[incident.id] = incident
    return calls, incidents
