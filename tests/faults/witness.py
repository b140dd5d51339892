"""Who remembers what was told: facts of the live socket, the journal, the database, and the dials that went out."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import websockets
from sqlalchemy import select

from callcenter.calls import facts as cf
from callcenter.db import Database
from callcenter.emergency import facts as ef
from callcenter.facts import Fact
from callcenter.journal import segment_path, segments, unframe
from callcenter.timeline.model import FactRow
from tests.faults.table import Tally
from tests.support.sipp import PATIENCE

if TYPE_CHECKING:
    from tests.faults.center import Center

DRAIN_SECONDS = 60.0
TAIL_SECONDS = 0.5
"""Pages are shown a fact while the disk still writes it; who acts on one (a dial outside, an answer) waits for that."""
LATE_SECONDS = 15.0
"""How long a fact may be on its way into the database."""


class Witness:
    """Listens to one center and compares, at the end, what it was told with what is on record."""

    def __init__(self, center: "Center") -> None:
        self._center = center
        self._seen: dict[str, str] = {}
        self._heard_at: dict[str, float] = {}
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Follow the live socket from now on, however often it breaks."""
        if self._task is None:
            token = (await self._center.api()).token
            self._task = asyncio.create_task(self._listen(token))
        await asyncio.wait_for(self._connected.wait(), 10 * PATIENCE)

    async def _listen(self, token: str) -> None:
        url = f"ws://127.0.0.1:{self._center.settings.http_port}/api/v1/live?token={token}"
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                async with websockets.connect(url, max_queue=None) as live:
                    async for text in live:
                        self._hear(json.loads(text))
            await asyncio.sleep(0.1)

    def _hear(self, message: dict[str, Any]) -> None:
        self._connected.set()
        if "id" in message:
            self._seen[message["id"]] = message["kind"]
            self._heard_at[message["id"]] = time.monotonic()

    def mark(self) -> None:
        """What is in the journal now must be there for ever."""
        self._seen |= {fact.id: fact.kind for fact in self.journal()}

    def killed(self) -> None:
        """Our process dies now: what pages were shown in this very moment was not acknowledged to anybody (R28)."""
        since, kept = time.monotonic() - TAIL_SECONDS, {fact.id for fact in self.journal()}
        for fact in [fact for fact, at in self._heard_at.items() if at > since and fact not in kept]:
            del self._seen[fact], self._heard_at[fact]

    def forget(self) -> None:
        """What was told so far need not be there any more."""
        self._seen.clear()
        self._heard_at.clear()

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def journal(self) -> list[Fact]:
        """Every fact of the journal in order, repeated ones too, save those a new segment begins with."""
        settings = self._center.settings
        return journal_of(self._center.inside(settings.journal_dir) / settings.node)

    def bodies(self, kind: type[Any], incident_id: str | None = None) -> list[Any]:
        """The bodies of all facts of a kind, of one incident or all."""
        return [
            fact.body
            for fact in self.journal()
            if isinstance(fact.body, kind) and incident_id in (None, fact.incident_id)
        ]

    def kinds(self, incident_id: str) -> list[str]:
        """The kinds of all facts of an incident, in order."""
        return [fact.kind for fact in self.journal() if fact.incident_id == incident_id]

    async def stored(self) -> set[str]:
        """Ids of the facts in the database."""
        database = Database(self._center.settings.database)
        try:
            async with database.transaction() as session:
                return set(await session.scalars(select(FactRow.id)))
        finally:
            await database.close()

    async def drained(self) -> bool:
        """Whether the database has everything."""
        relay = await self._center.part("relay")
        return bool(relay["ok"] and relay["lag_facts"] == 0)

    async def audit(self, tally: Tally) -> None:
        """Count facts that are gone and what happened twice; fail if there are any."""
        await self._center.until(self.drained, DRAIN_SECONDS, "the journal to drain")
        # Calls may still be up, so facts go on coming: judged is what was told until now.
        seen, journal = dict(self._seen), self.journal()
        kept = {fact.id: fact.kind for fact in journal}
        deadline = time.monotonic() + LATE_SECONDS * PATIENCE
        while lost := self._missing(seen, kept, await self.stored()):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        repeated = [*twice(journal), *self._dialled_twice(journal)]
        tally.lost += len(lost)
        tally.repeated += len(repeated)
        tally.audited = True
        assert not lost, f"lost: {Counter(lost)}"
        assert not repeated, f"repeated: {Counter(repeated)}"

    def _missing(self, seen: dict[str, str], kept: dict[str, str], stored: set[str]) -> list[str]:
        """Kinds of facts that are not where they must be."""
        kept_by_now = kept.keys() | {fact.id for fact in self.journal()}
        # Facts of desk work (orders, recordings) go into the database at once, not through the journal.
        lost = [kind for fact, kind in seen.items() if fact not in kept_by_now and fact not in stored]
        return lost + [kind for fact, kind in kept.items() if fact not in stored]

    def _dialled_twice(self, journal: Iterable[Fact]) -> list[str]:
        """Dials outside without a fact of their own: a leg is dialled at most once."""
        asked = Counter(fact.body.number for fact in journal if isinstance(fact.body, cf.LegAdded))
        went = Counter(call.number for trunk in self._center.trunks for call in trunk.calls)
        return [f"dial {number}" for number, count in went.items() for _ in range(count - asked[number])]


def journal_of(folder: Any) -> list[Fact]:
    """Every fact of a journal's folder in order; a whole line that cannot be read fails."""
    facts: list[Fact] = []
    known: set[str] = set()
    for number in segments(folder):
        *lines, _torn = segment_path(folder, number).read_bytes().split(b"\n")
        read = [fact for line in lines if (fact := unframe(line)) is not None]
        # A segment begins with copies of what is open still, so that a restart reads one segment only.
        facts += [fact for fact in read if fact.id not in known]
        known |= {fact.id for fact in read}
    return facts


def twice(journal: Iterable[Fact]) -> list[str]:
    """What is on record more than once and can happen only once."""
    things: Counter[tuple[str, str]] = Counter()
    at_once: dict[str, set[str]] = {}
    found: list[str] = []
    for fact in journal:
        things["fact", fact.id] += 1
        match fact.body:
            case cf.CallOpened(channel_id=channel_id):
                things["call.opened", fact.call_id or ""] += 1
                if channel_id:
                    things["call.opened of one line", channel_id] += 1
            case cf.LegAdded(leg_id=leg_id):
                things["leg.added", leg_id] += 1
            case ef.EmergencyOpened(caller=caller, elder_id=elder_id):
                things["emergency.opened", fact.incident_id or ""] += 1
                theirs = at_once.setdefault(elder_id or caller, set())
                if theirs and (elder_id or caller):
                    found.append("emergency.opened of one person")
                theirs.add(fact.incident_id or "")
            case ef.EmergencyAnswered():
                things["emergency.answered", fact.incident_id or ""] += 1
            case ef.EmergencyClosed():
                things["emergency.closed", fact.incident_id or ""] += 1
                for theirs in at_once.values():
                    theirs.discard(fact.incident_id or "")
            case _:
                pass
    return found + [kind for (kind, _), count in things.items() for _ in range(count - 1)]
