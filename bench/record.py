"""What our controller believes and what Asterisk has, side by side: is anybody forgotten, is anybody a ghost?

The controller's memory is the fold of its journal, so the journal as it lies on disk tells what it believes.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from bench.rig import Rig
from callcenter.calls import facts as cf
from callcenter.calls.model import Call, evolve
from callcenter.clock import SystemClock
from callcenter.errors import Unavailable
from callcenter.journal import START
from callcenter.journal_reader import JournalReader

YOUNG_SECONDS = 1.0
"""What is younger may still be on its way from one to the other."""
SECOND_LOOK_SECONDS = 0.2


class Record:
    """The calls of one instance's journal."""

    def __init__(self, rig: Rig) -> None:
        self._reader = JournalReader(rig.settings.journal_dir / rig.settings.node, SystemClock())
        self._position = START
        self._known: set[str] = set()
        self.calls: dict[str, Call] = {}
        self.opened: Counter[str] = Counter()
        """How often a call was opened, by caller; call-backs of ours do not count."""
        self.fell_back: set[str] = set()
        """Calls that the dialplan's fallback answered, or took over."""
        self.taken_over: set[str] = set()
        """Those of them that the controller fetched into a room."""

    def look(self) -> Self:
        """Read what is new."""
        while True:
            found, self._position = self._reader.read(self._position, 500)
            for fact, _ in found:
                call = evolve(self.calls.get(fact.call_id or ""), fact) if fact.id not in self._known else None
                self._known.add(fact.id)
                if call is None:
                    continue
                self.calls[call.id] = call
                match fact.body:
                    case cf.CallOpened(via=via, caller=caller) if via != "callback":
                        self.opened[caller] += 1
                        self.fell_back |= {call.id} if via == "fallback" else set()
                    case cf.FellBack():
                        self.fell_back.add(call.id)
                    case cf.TakenOver():
                        self.taken_over.add(call.id)
                    case _:
                        pass
            if not found:
                return self

    @property
    def open(self) -> list[Call]:
        """Calls that are up."""
        return [call for call in self.calls.values() if call.open]

    def channels(self) -> dict[str, float]:
        """Channels of legs that live → when (seconds of the machine's clock) they were added."""
        legs = [leg for call in self.open for leg in call.live_legs]
        return {leg.channel_id: leg.added_at.timestamp() if leg.added_at else 0.0 for leg in legs}


@dataclass(frozen=True, slots=True)
class Differences:
    """``ghosts``: on record and not in Asterisk; ``missing``: in Asterisk and not on record."""

    ghosts: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.ghosts or self.missing)


def differences(
    before: Mapping[str, float], live: Mapping[str, float], after: Mapping[str, float], now: float
) -> Differences:
    """What differs for sure. Channel → since when, as recorded before and after ``live`` was read, at ``now``.

    What the record had at one of the two moments is no difference, nor is what is younger than `YOUNG_SECONDS`.
    """
    old = {channel for channel, since in before.items() if now - since >= YOUNG_SECONDS}
    here = {channel for channel, since in live.items() if now - since >= YOUNG_SECONDS}
    return Differences(
        ghosts=frozenset((old & after.keys()) - live.keys()), missing=frozenset(here - before.keys() - after.keys())
    )


class Switchboard:
    """Asks Asterisk over a connection of its own which lines are up."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def log_in(self, secret: str) -> None:
        """As the controller does, but without its events."""
        await self._reader.readline()
        answer = await self._ask(f"Login\r\nUsername: callcenter\r\nSecret: {secret}\r\nEvents: off")
        if answer.get("Response") != "Success":
            raise Unavailable("Asterisk did not let the benchmark look")

    async def channels(self, now: float) -> dict[str, float]:
        """Elders' lines and whatever else the controller must know → since when, to the second.

        What the fallback itself dials (the duty desk) is nobody the controller has to know: those channels have
        Asterisk's own kind of id, epoch and number.
        """
        found: dict[str, float] = {}
        await self._ask("CoreShowChannels")
        while (event := await self._block()).get("Event") != "CoreShowChannelsComplete":
            channel, name = event.get("Uniqueid", ""), event.get("Channel", "")
            own_kind = channel.partition(".")[0].isdigit()
            if name.startswith("PJSIP/") and (name.startswith("PJSIP/trunk-") or not own_kind):
                hours, minutes, seconds = map(int, event["Duration"].split(":"))
                found[channel] = now - (hours * 60 + minutes) * 60 - seconds
        return found

    async def _ask(self, action: str) -> dict[str, str]:
        self._writer.write(f"Action: {action}\r\n\r\n".encode())
        while "Response" not in (block := await self._block()):
            pass
        return block

    async def _block(self) -> dict[str, str]:
        block = (await self._reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
        return dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)

    async def compare(self, record: Record, now: float) -> Differences:
        """What differs; what does so at the first look gets a second one, for news may be on its way."""
        before = record.look().channels()
        live = await self.channels(now)
        found = differences(before, live, record.look().channels(), now)
        if found:
            await asyncio.sleep(SECOND_LOOK_SECONDS)
            found = differences(before, live, record.look().channels(), now)
        return found


@contextlib.asynccontextmanager
async def switchboard(rig: Rig) -> AsyncIterator[Switchboard]:
    """A connection to the rig's Asterisk."""
    reader, writer = await asyncio.open_connection(rig.settings.control_bind, rig.settings.ami_port)
    try:
        found = Switchboard(reader, writer)
        await found.log_in(rig.ami_secret)
        yield found
    finally:
        writer.close()


def repeated(opened: Mapping[str, int], callers: Iterable[str]) -> tuple[int, int]:
    """How many of these callers have no call on record, and how many more than one."""
    counts = [opened.get(caller, 0) for caller in callers]
    return counts.count(0), sum(count > 1 for count in counts)
