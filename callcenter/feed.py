"""The feed: every fact that this process hears of, in the order in which it does; what live sockets read (A10, B6).

A ring in memory and one place in it a reader, so that a reader costs nothing and a slow one holds up nobody. Facts of
the controller come here straight from its ledger, those of desk work and of the worker over the bus. What the bus
may have lost (Redis was away, the worker died between commit and word) is looked up in the database.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import msgspec
import structlog
from sqlalchemy import select

from callcenter.bus import FACTS, MISSED, Bus, Gap
from callcenter.db import Database
from callcenter.errors import Unavailable
from callcenter.facts import Fact
from callcenter.ids import earlier, new_id
from callcenter.journal import START, Position
from callcenter.journal_reader import JournalReader
from callcenter.timeline.model import CursorRow, FactRow

log = structlog.get_logger(__name__)

SIZE = 10_000
"""Facts kept; some three minutes of a very busy centre."""

OVERLAP_SECONDS = 20.0
"""Ids are minted before their transaction commits, so the order of ids is the order of arrival only so far: no request
lasts longer."""

SHARE_SECONDS = 1.0
"""After a restart all pages come back at once: what one asked the database answers the others, too …"""
BUCKET_SECONDS = 10
"""… who ask from about the same moment."""

HEAL_SECONDS = 600.0
HEAL_MOST = 500
PAGE = 500
AT_A_TIME = 16
"""Readers woken in one turn of the event loop: hundreds at once would keep the next caller waiting (A1)."""

BEHIND_SECONDS = 5.0
LOOK_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Entry:
    """One place of the feed.

    ``what``: a fact, or None for a word of the feed itself, whose ``text`` is there from the start. ``text``: the
    message as JSON, made once for all readers. ``told``: whether readers of a kind are told of it.
    """

    seq: int
    what: Fact | FactRow | None
    text: str | None = None
    told: dict[tuple[str, str | None], bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """What journal and database hold behind some id, oldest first, and where in the feed to read on after it.

    ``whole``: nothing can be missing.
    """

    facts: list[Entry]
    place: int
    whole: bool


class Feed:
    """One process's feed; used from its event loop only.

    ``server``: this process's own name, new at every start. ``journal``: the node's name and its journal.
    ``behind``: seconds by which the database is behind it. ``size``: how many facts are kept.
    """

    def __init__(
        self,
        database: Database,
        *,
        journal: tuple[str, JournalReader] | None = None,
        behind: Callable[[], float] = lambda: 0.0,
        size: int = SIZE,
    ) -> None:
        self.server = new_id()
        self.seq = 0
        """That of the last entry; they are numbered from 1."""
        self.behind_seconds = 0.0
        """What readers were last told; 0 while the record keeps up."""
        self._database = database
        self._journal = journal
        self._behind = behind
        self._ring: list[Entry | None] = [None] * size
        self._size = size
        self._places: dict[str, int] = {}
        self._first_live = 1
        """What comes before was there at the start: in the journal's order, without the facts of desk work."""
        self._horizon = ""
        """The latest id that is no longer kept."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._rousing: deque[asyncio.Future[None]] = deque()
        self._asked: dict[tuple[str, int], asyncio.Task[Stored]] = {}
        self._roused_for = 0

    # --- writing -------------------------------------------------------------------------------------------

    def recall(self, facts: Iterable[Fact]) -> None:
        """What the journal held before the start."""
        for fact in deque(facts, self._size):
            self.take(fact)
        self._first_live = self.seq + 1

    def take(self, fact: Fact | FactRow) -> None:
        """Take in a fact, unless it is known."""
        if fact.id not in self._places:
            self._append(fact, None)
            self._places[fact.id] = self.seq

    def say(self, **message: object) -> None:
        """A word of the feed itself to all readers."""
        self._append(None, msgspec.json.encode(message | {"seq": self.seq + 1}).decode())

    def _append(self, what: Fact | FactRow | None, text: str | None) -> None:
        self.seq += 1
        place = self.seq % self._size
        gone = self._ring[place]
        if gone is not None and gone.what is not None:
            self._places.pop(gone.what.id, None)
            self._horizon = max(self._horizon, gone.what.id)
        self._ring[place] = Entry(self.seq, what, text)
        if not self._rousing:
            self._begin_to_rouse()

    def _begin_to_rouse(self) -> None:
        if self._waiting:
            self._rousing, self._waiting = self._waiting, deque()
            self._roused_for = self.seq
            asyncio.get_running_loop().call_soon(self._rouse)

    def _rouse(self) -> None:
        for _ in range(min(AT_A_TIME, len(self._rousing))):
            reader = self._rousing.popleft()
            if not reader.done():
                reader.set_result(None)
        if self._rousing:
            asyncio.get_running_loop().call_soon(self._rouse)
        elif self.seq > self._roused_for:  # who waits by now may have begun to before the latest entry came
            self._begin_to_rouse()

    # --- reading -------------------------------------------------------------------------------------------

    async def beyond(self, seq: int) -> None:
        """Wait until there is an entry behind this one."""
        while self.seq <= seq:
            reader: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(reader)
            await reader

    def following(self, seq: int, most: int = 100) -> list[Entry] | None:
        """The entries behind one, at most so many; None when the oldest of them is no longer kept."""
        if seq < self.seq - self._size:
            return None
        return [entry for n in range(seq + 1, min(self.seq, seq + most) + 1) if (entry := self._ring[n % self._size])]

    def place_of(self, after: str | None, seq: int | None, server: str | None) -> int | None:
        """Where to read on, without a gap and without a repetition; None where this process cannot know.

        ``after``: the last fact that was told; ``seq``, ``server``: the last message's and its process.
        """
        place = seq if server == self.server else None
        if place is None and (known := self._places.get(after or "")) is not None and known >= self._first_live:
            place = known
        return place if place is not None and self.seq - self._size <= place <= self.seq else None

    async def stored(self, after: str, most: int) -> Stored:
        """What is known behind a fact that another process told, by id, from some 20 to 30 s before it.

        These are told again: a transaction may have committed later than one whose id is younger. More than
        ``most`` facts are not told at all. The entries have no place in the feed: their ``seq`` is 0.
        """
        which = (earlier(after, OVERLAP_SECONDS, BUCKET_SECONDS), most)
        asked = self._asked.get(which)
        if asked is None:
            asked = self._asked[which] = asyncio.create_task(self._look_up(*which))
            asyncio.get_running_loop().call_later(SHARE_SECONDS, self._asked.pop, which, None)
        return await asyncio.shield(asked)

    async def _look_up(self, since: str, most: int) -> Stored:
        place = max(self._first_live - 1, self.seq - self._size)
        entries = [self._ring[known % self._size] for known in self._places.values() if known <= place]
        found: dict[str, Fact | FactRow] = {
            entry.what.id: entry.what for entry in entries if entry and entry.what and entry.what.id > since
        }

        def add(facts: Iterable[Fact | FactRow]) -> None:
            for fact in facts:
                if fact.id > since and self._places.get(fact.id, 0) <= place:
                    found.setdefault(fact.id, fact)

        whole = True
        try:
            add(await self._waiting_in_journal(most))  # before the database: what waits may move there meanwhile
            async for rows in self._pages(since):
                add(rows)
                if len(found) > most:
                    return Stored([], place, False)
        except Exception as error:
            log.warning("not_looked_up", problem=type(error).__name__)  # the database is away: not all is told
            whole = False
        return Stored([Entry(0, found[fact_id]) for fact_id in sorted(found)][-most:], place, whole)

    async def _waiting_in_journal(self, most: int) -> list[Fact]:
        """What the relay has still to carry; raises `Unavailable` when it is more than ``most``."""
        if self._journal is None:
            return []
        node, reader = self._journal
        async with self._database.transaction() as session:
            row = await session.get(CursorRow, node)
            place = START if row is None else Position(row.segment, row.offset)
        found, _ = await asyncio.to_thread(reader.read, place, most + 1)
        if len(found) > most:
            raise Unavailable("too much waits in the journal")
        return [fact for fact, _ in found]

    async def _pages(self, since: str) -> AsyncIterator[list[FactRow]]:
        while True:
            async with self._database.transaction() as session:
                query = select(FactRow).where(FactRow.id > since).order_by(FactRow.id).limit(PAGE)
                rows = list(await session.scalars(query))
            yield rows
            if len(rows) < PAGE:
                return
            since = rows[-1].id
            await asyncio.sleep(0)

    # --- the bus, and what it lost ---------------------------------------------------------------------------

    async def listen(self, bus: Bus) -> None:
        """Take in what comes over the bus, for ever."""
        async with bus.subscribe([FACTS, MISSED]) as messages:
            async for message in messages:
                if isinstance(message, Gap) or message.topic == MISSED:
                    await self._heal()
                    continue
                try:
                    self.take(message.fact())
                except msgspec.DecodeError:
                    continue

    async def _heal(self) -> None:
        """Take in from the database what the bus may have lost, or say that something may be missing."""
        since = max(earlier(self.server, BEHIND_SECONDS), earlier(new_id(), HEAL_SECONDS))
        sound = since >= self._horizon
        since = max(since, self._horizon)
        lost: list[FactRow] = []
        try:
            async for rows in self._pages(since):
                lost += [row for row in rows if row.id not in self._places]
                if len(lost) > HEAL_MOST:
                    break
        except Exception as error:
            log.warning("not_looked_up", problem=type(error).__name__)
            sound = False
        if len(lost) > HEAL_MOST or not sound:
            self.say(kind="gap")
        for row in lost[:HEAL_MOST]:
            self.take(row)

    async def watch(self) -> None:
        """Tell readers when the record falls behind the calls, how far, and when it has caught up; for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Compare once."""
        seconds = round(self._behind(), 1)
        if seconds > BEHIND_SECONDS and abs(seconds - self.behind_seconds) >= BEHIND_SECONDS:
            self.behind_seconds = seconds
        elif self.behind_seconds and seconds <= 1:
            self.behind_seconds = 0.0
        else:
            return
        self.say(kind="behind", seconds=self.behind_seconds)
