"""The relay brings each fact into the database once, in order, whatever fails in between (A10, R5, R6, R28)."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import LocalBus, Message
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.facts import Body, Fact, Unknown, kind, record
from callcenter.journal import Journal, frame, segment_path
from callcenter.journal_reader import JournalReader
from callcenter.migrations import upgrade_async
from callcenter.relay import RELAYED, Projector, Relay
from callcenter.timeline.model import CursorRow, FactRow, FailureRow
from callcenter.timeline.service import of_call, of_incident
from tests.support.postgres import PostgresServer

LINE = 100
"""Bytes that a fact of these tests takes at least."""
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@kind("test.relayed")
class Relayed(Body, frozen=True):
    number: int
    text: str = ""


def fact(number: int, words: str = "", actor: str = "system") -> Fact:
    return record(Relayed(number=number, text=words), NOW, actor, call_id="call-1", incident_id="incident-1")


class Collector:
    """A projector that writes down what it saw, in the database, and fails where it is told to."""

    def __init__(self, *, bad: frozenset[int] = frozenset(), error: Callable[[], Exception] = ValueError) -> None:
        self.bad = bad
        self.error = error

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        for item in facts:
            assert isinstance(item.body, Relayed)
            await session.execute(text("INSERT INTO seen (number) VALUES (:n)"), {"n": item.body.number})
            if item.body.number in self.bad:
                raise self.error()


class Node:
    """A journal and its relay over one folder."""

    def __init__(self, folder: Path, database: Database, *projectors: Projector, batch: int = 50) -> None:
        self.folder, self.database, self.projectors, self.batch = folder, database, projectors, batch
        self.clock = ManualClock(NOW + timedelta(seconds=60))
        self.bus = LocalBus()
        self.relay = self.new_relay()
        self._written = 0

    def new_relay(self) -> Relay:
        reader = JournalReader(self.folder, self.clock)
        return Relay(
            "node1", reader, self.database, self.projectors, self.bus, self.clock, batch=self.batch, poll_seconds=0.01
        )

    def write(self, *facts: Fact, segment: int = 1) -> None:
        with segment_path(self.folder, segment).open("ab") as file:
            file.write(b"".join(map(frame, facts)))

    def behind(self, relay: Relay | None = None) -> int:
        """Bytes of the journal that are not in the database."""
        return JournalReader(self.folder, self.clock).behind((relay or self.relay).position)

    async def drain(self) -> None:
        while await self.relay.step():
            pass

    async def seen(self) -> list[int]:
        async with self.database.transaction() as session:
            return list(await session.scalars(text("SELECT number FROM seen ORDER BY id")))

    async def stored(self) -> list[int]:
        async with self.database.transaction() as session:
            return [row.data["number"] for row in await session.scalars(select(FactRow).order_by(FactRow.id))]

    async def failures(self) -> list[FailureRow]:
        async with self.database.transaction() as session:
            return list(await session.scalars(select(FailureRow)))


async def prepare(database: Database) -> None:
    """The table that `Collector` writes: numbered, so that order shows, and without a key, so that repeats show."""
    postgres = database.url.startswith("postgresql")
    key = "BIGSERIAL PRIMARY KEY" if postgres else "INTEGER PRIMARY KEY AUTOINCREMENT"
    async with database.transaction() as session:
        await session.execute(text("DROP TABLE IF EXISTS seen"))
        await session.execute(text(f"CREATE TABLE seen (id {key}, number INTEGER NOT NULL CHECK (number < 1000))"))


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the relay tells of its progress by properties
            await asyncio.sleep(0.005)


async def test_given_facts_in_the_journal_then_each_is_stored_and_projected_once_in_order(
    database: Database, tmp_path: Path
) -> None:
    await prepare(database)
    node = Node(tmp_path, database, Collector())
    facts = [fact(n) for n in range(170)]
    node.write(*facts[:120])
    await node.drain()
    node.write(*facts[120:])
    await node.drain()
    assert await node.stored() == await node.seen() == list(range(170))
    assert node.behind() == 0
    assert node.relay.oldest_waiting is None


async def test_given_a_restarted_relay_then_it_goes_on_where_the_database_is(
    database: Database, tmp_path: Path
) -> None:
    await prepare(database)
    node = Node(tmp_path, database, Collector(), batch=10)
    node.write(*(fact(n) for n in range(30)))
    await node.relay.step()
    node.relay = node.new_relay()
    await node.drain()
    assert await node.seen() == list(range(30))


async def test_given_a_new_segment_that_repeats_open_calls_then_nothing_is_projected_twice(
    database: Database, tmp_path: Path
) -> None:
    await prepare(database)
    node = Node(tmp_path, database, Collector())
    first, second, third = fact(1), fact(2), fact(3)
    node.write(first, second)
    node.write(first, second, third, segment=2)
    await node.drain()
    assert await node.seen() == [1, 2, 3]


async def test_given_a_lost_cursor_then_everything_is_read_again_and_nothing_happens_twice(
    database: Database, tmp_path: Path
) -> None:
    await prepare(database)
    node = Node(tmp_path, database, Collector())
    node.write(*(fact(n) for n in range(20)))
    await node.drain()
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM relay_cursors"))
    node.relay = node.new_relay()
    await node.drain()
    assert await node.seen() == list(range(20))


@pytest.mark.parametrize("later", [1, 30])
async def test_r28_given_a_journal_that_lost_an_end_the_database_has_then_what_is_written_there_later_is_carried(
    database: Database, tmp_path: Path, later: int
) -> None:
    """However little or much is written before the relay looks: its place was in what is gone."""
    await prepare(database)
    node = Node(tmp_path, database, Collector())
    node.write(*(fact(number) for number in range(10)))
    await node.drain()
    path = segment_path(tmp_path, 1)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:6]))
    node.write(*(fact(number) for number in range(100, 100 + later)))
    node.relay = node.new_relay()
    await node.drain()
    assert await node.seen() == [*range(10), *range(100, 100 + later)]
    assert node.behind() == 0


async def test_r28_given_a_journal_that_begins_anew_then_it_is_carried_from_its_beginning(
    database: Database, tmp_path: Path
) -> None:
    """The folder was lost; its numbers begin at 1 again, below those the database remembers."""
    await prepare(database)
    node = Node(tmp_path, database, Collector())
    node.write(*(fact(number) for number in range(5)), segment=3)
    await node.drain()
    segment_path(tmp_path, 3).unlink()
    node.write(*(fact(number) for number in range(10, 12)))
    node.relay = node.new_relay()
    await node.drain()
    assert await node.seen() == [0, 1, 2, 3, 4, 10, 11]


async def test_given_two_relays_of_one_node_then_each_fact_is_projected_once(
    postgres_database: Database, tmp_path: Path
) -> None:
    await prepare(postgres_database)
    node = Node(tmp_path, postgres_database, Collector(), batch=5)
    node.write(*(fact(n) for n in range(200)))
    other = node.new_relay()
    async with running(node.relay), running(other):
        await until(lambda: node.behind() == node.behind(other) == 0)
    assert await node.seen() == list(range(200))


@pytest.mark.parametrize("error", [ValueError, KeyError, RuntimeError])
async def test_given_a_fact_that_a_projector_cannot_take_then_it_is_on_record_and_the_rest_goes_on(
    database: Database, tmp_path: Path, error: type[Exception]
) -> None:
    await prepare(database)
    node = Node(tmp_path, database, Collector(bad=frozenset({7, 30}), error=lambda: error("elder 王秀英")))
    node.write(*(fact(n) for n in range(60)))
    await node.drain()
    assert await node.seen() == [n for n in range(60) if n not in (7, 30)]
    assert await node.stored() == list(range(60))
    failures = await node.failures()
    assert [row.projector for row in failures] == ["Collector", "Collector"]
    assert all(row.error.startswith(error.__name__) for row in failures)


async def test_given_a_value_that_the_database_refuses_then_only_that_fact_is_passed_over(
    database: Database, tmp_path: Path
) -> None:
    """A constraint of a domain's table is the fact's fault, not the database being away."""
    await prepare(database)
    node = Node(tmp_path, database, Collector())
    node.write(fact(1), fact(5000), fact(2))
    await node.drain()
    assert await node.seen() == [1, 2]
    assert len(await node.failures()) == 1


async def test_given_a_fact_that_cannot_be_stored_at_all_then_the_rest_goes_on(
    postgres_database: Database, tmp_path: Path
) -> None:
    """PostgreSQL takes no NUL in text."""
    await prepare(postgres_database)
    node = Node(tmp_path, postgres_database, Collector())
    node.write(fact(1), fact(2, actor="op\x001"), fact(3))
    await node.drain()
    assert await node.stored() == await node.seen() == [1, 3]
    assert [row.projector for row in await node.failures()] == ["facts"]


async def test_given_a_fault_that_passes_then_the_fact_is_taken_after_all(database: Database, tmp_path: Path) -> None:
    await prepare(database)
    collector = Collector(bad=frozenset({3}))
    node = Node(tmp_path, database, collector)
    node.write(*(fact(n) for n in range(6)))
    for _ in range(6):
        await node.relay.step()
    collector.bad = frozenset()
    await node.drain()
    assert await node.seen() == list(range(6))
    assert await node.failures() == []


async def test_given_postgres_stopped_and_started_then_the_journal_drains_once_in_order(tmp_path: Path) -> None:
    """R5."""
    with PostgresServer() as server:
        database = Database(server.url)
        await upgrade_async(database.url)
        await prepare(database)
        node = Node(tmp_path, database, Collector(), batch=20)
        async with running(node.relay):
            node.write(*(fact(n) for n in range(50)))
            await until(lambda: node.behind() == 0)
            server.stop()
            node.write(*(fact(n) for n in range(50, 150)))
            await until(lambda: node.relay.problem is not None)
            assert node.behind() > 50 * LINE
            await until(lambda: node.relay.oldest_waiting == NOW)
            server.start()
            await until(lambda: node.behind() == 0)
            await until(lambda: node.relay.problem is None)
        assert await node.seen() == await node.stored() == list(range(150))
        await database.close()


async def test_given_a_locked_database_file_then_the_journal_drains_when_it_is_free(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """R5, R6: another process holds the write lock."""

    def impatient(connection: DBAPIConnection, *_: object) -> None:
        connection.cursor().execute("PRAGMA busy_timeout=50")

    event.listen(sqlite_database.engine.sync_engine, "checkout", impatient)
    await prepare(sqlite_database)
    node = Node(tmp_path, sqlite_database, Collector())
    holder = sqlite3.connect(sqlite_database.url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    async with running(node.relay):
        node.write(*(fact(n) for n in range(10)))
        await until(lambda: node.relay.problem is not None)
        assert node.behind() > 0
        holder.execute("COMMIT")
        holder.close()
        await until(lambda: node.behind() == 0)
    assert await node.seen() == list(range(10))


async def test_given_no_tables_yet_then_nothing_is_lost_until_they_are_there(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """A release started before its migrations: the facts wait."""
    database = Database(postgres.create(f"late_{tmp_path.name[-20:].replace('-', '_')}"))
    node = Node(tmp_path, database, Collector())
    node.write(fact(1), fact(2))
    async with running(node.relay):
        await until(lambda: node.relay.problem is not None)
        await prepare(database)
        await upgrade_async(database.url)
        await until(lambda: node.behind() == 0)
    assert await node.seen() == [1, 2]
    await database.close()


async def test_given_a_live_journal_when_relayed_then_others_are_woken_and_old_segments_go(
    sqlite_database: Database, tmp_path: Path
) -> None:
    await prepare(sqlite_database)
    node = Node(tmp_path, sqlite_database, Collector())
    journal = Journal(tmp_path, node.clock, segment_bytes=2000)
    journal.open()
    async with node.bus.subscribe([RELAYED]) as messages, running(node.relay):
        for n in range(40):
            await journal.append(fact(n))
        assert await asyncio.wait_for(anext(messages), 5) == Message(RELAYED, b"node1")
        await until(lambda: node.behind() == 0)
        node.clock.move_to(datetime.now(UTC) + timedelta(days=31))
        for n in range(40, 60):
            await journal.append(fact(n))
        node.relay.wake()
        await until(lambda: node.behind() == 0)
        await until(lambda: not segment_path(tmp_path, 1).exists())
    await journal.close()
    assert await node.seen() == list(range(60))


async def test_given_a_body_of_a_newer_release_then_it_is_stored_as_it_came(database: Database, tmp_path: Path) -> None:
    await prepare(database)
    node = Node(tmp_path, database)
    strange = Fact(id="x", at=NOW, actor="op1", body=Unknown(data={"kind": "call.teleported@3", "data": {"to": 1}}))
    node.write(strange)
    await node.drain()
    async with database.transaction() as session:
        row = await session.get(FactRow, "x")
        assert row is not None
        assert (row.kind, row.version, row.data, row.at) == ("call.teleported", 3, {"to": 1}, NOW)


async def test_given_relayed_facts_then_the_timeline_reads_them_by_call_and_by_incident_in_pages(
    database: Database, tmp_path: Path
) -> None:
    """A7."""
    await prepare(database)
    node = Node(tmp_path, database)
    facts = [fact(n) for n in range(5)]
    facts.append(record(Relayed(number=9), NOW, "op2", call_id="call-2", incident_id="incident-1"))
    node.write(*facts)
    await node.drain()
    async with database.transaction() as session:
        assert [row.id for row in await of_call(session, "call-1", limit=3)] == [f.id for f in facts[:3]]
        assert [row.id for row in await of_call(session, "call-1", after=facts[2].id)] == [f.id for f in facts[3:5]]
        assert [row.actor for row in await of_incident(session, "incident-1")][-1] == "op2"
        assert await session.scalar(select(func.count()).select_from(CursorRow)) == 1
