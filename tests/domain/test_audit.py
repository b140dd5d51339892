"""The audit trail: nothing written in an attributed session escapes it, and tampering shows (C10)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.model import AccountRow
from callcenter.audit import trail
from callcenter.audit.model import AuditHeadRow, AuditRow
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.people.model import ElderRow
from callcenter.people.schemas import ContactInput, ElderInput, ElderPatch
from callcenter.people.service import change_elder, create_elder, delete_elder
from tests.support.database import (  # noqa: F401 - pytest finds fixtures by their names here
    migrated,
    migrated_postgres,
    migrated_sqlite,
    postgres_template,
    sqlite_template,
)

CLOCK = ManualClock(datetime(2026, 3, 2, 1, 0, tzinfo=UTC))


@asynccontextmanager
async def attributed(database: Database, actor: str = "sup1") -> AsyncIterator[AsyncSession]:
    async with database.transaction() as session:
        trail.attribute(session, CLOCK, lambda: trail.Origin(actor, "198.51.100.7", "request-1"))
        yield session


async def entries(database: Database) -> list[AuditRow]:
    async with database.transaction() as session:
        return list(await session.scalars(select(AuditRow).order_by(AuditRow.seq)))


async def verified(database: Database) -> trail.Verification:
    async with database.transaction() as session:
        return await trail.verify(session)


async def some_trail(database: Database) -> str:
    """An elder made, changed twice and taken off: her id."""
    async with attributed(database) as session:
        daughter = ContactInput(role="family", name="陈晓燕", phone="13800001101")
        row = await create_elder(session, CLOCK, ElderInput(name="陈桂英", contacts=[daughter], phones=["13800001001"]))
    for door_code in ("1", "2"):
        async with attributed(database, "op1") as session:
            elder = await session.get_one(ElderRow, row.id)
            await change_elder(session, CLOCK, elder, ElderPatch.model_validate({"door_code": door_code}))
    async with attributed(database) as session:
        await delete_elder(session, CLOCK, await session.get_one(ElderRow, row.id))
    return row.id


async def test_given_writes_when_committed_then_each_has_who_where_what_before_and_after(
    migrated: Database,  # noqa: F811
) -> None:
    elder_id = await some_trail(migrated)
    rows = await entries(migrated)
    assert [(row.seq, row.actor, row.action, row.subject) for row in rows] == [
        (1, "sup1", "create", "elders"),
        (2, "sup1", "create", "elder_phones"),
        (3, "sup1", "create", "contacts"),
        (4, "op1", "update", "elders"),
        (5, "op1", "update", "elders"),
        (6, "sup1", "update", "elders"),
    ]
    assert {(row.address, row.request_id) for row in rows} == {("198.51.100.7", "request-1")}
    assert json.loads(rows[0].changes)["name"] == [None, "陈桂英"]
    assert json.loads(rows[3].changes) == {"door_code": [None, "1"]}
    assert json.loads(rows[4].changes) == {"door_code": ["1", "2"]}
    assert json.loads(rows[5].changes) == {"deleted_at": [None, "2026-03-02T01:00:00Z"]}
    assert {row.subject_id for row in rows if row.subject == "elders"} == {elder_id}
    assert await verified(migrated) == trail.Verification(6)


async def test_given_a_failed_request_when_rolled_back_then_no_row_is_left(migrated: Database) -> None:  # noqa: F811
    async def fail() -> None:
        async with attributed(migrated) as session:
            await create_elder(session, CLOCK, ElderInput(name="陈桂英"))
            await session.flush()
            raise RuntimeError("the request failed")

    with pytest.raises(RuntimeError, match="the request failed"):
        await fail()
    assert await entries(migrated) == []
    assert await verified(migrated) == trail.Verification(0)


async def test_given_a_secret_when_written_then_the_trail_shows_only_that_it_changed(
    migrated: Database,  # noqa: F811
) -> None:
    row = AccountRow(
        id="a", user="op9", name="九", role="operator", password_hash="hash-1", active=True,
        created_at=CLOCK.now(), updated_at=CLOCK.now(),
    )  # fmt: skip
    async with attributed(migrated) as session:
        session.add(row)
    async with attributed(migrated) as session:
        account = await session.get_one(AccountRow, "a")
        account.password_hash, account.sip_ha1 = "hash-2", "ha1"
    rows = await entries(migrated)
    assert json.loads(rows[1].changes) == {"password_hash": ["***", "***"], "sip_ha1": [None, "***"]}
    assert "hash-" not in rows[0].changes


async def test_given_a_bulk_statement_when_it_would_escape_the_trail_then_it_is_refused(
    migrated: Database,  # noqa: F811
) -> None:
    statements: list[Any] = [
        update(ElderRow).values(name="x"),
        delete(ElderRow),
        insert(AccountRow).values(id="a"),
        update(ElderRow.__table__).values(name="x"),  # type: ignore[arg-type]
    ]
    for statement in statements:
        with pytest.raises(RuntimeError, match="escape the audit trail"):
            async with attributed(migrated) as session:
                await session.execute(statement)


async def test_given_something_that_writes_no_row_when_noted_then_it_is_in_the_trail(
    migrated: Database,  # noqa: F811
) -> None:
    async with attributed(migrated) as session:
        trail.note(session, "listen", "recordings", "r1", seconds=12)
    (row,) = await entries(migrated)
    assert (row.action, json.loads(row.changes)) == ("listen", {"seconds": [None, 12]})


async def test_given_writers_at_once_when_all_commit_then_the_chain_is_one(migrated: Database) -> None:  # noqa: F811
    async def write(number: int) -> None:
        async with attributed(migrated, f"op{number}") as session:
            await create_elder(session, CLOCK, ElderInput(name=f"老人{number}"))

    await asyncio.gather(*(write(number) for number in range(12)))
    rows = await entries(migrated)
    assert [row.seq for row in rows] == list(range(1, 13))
    assert len({row.actor for row in rows}) == 12
    assert await verified(migrated) == trail.Verification(12)


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries"])
async def test_given_the_trail_when_sql_alters_it_then_the_database_refuses(
    migrated: Database,  # noqa: F811
    statement: str,
) -> None:
    await some_trail(migrated)
    with pytest.raises(DBAPIError, match="append-only"):
        async with migrated.transaction() as session:
            await session.execute(text(statement))
    assert (await verified(migrated)).problem is None


async def _alter_text(session: AsyncSession) -> None:
    await session.execute(update(AuditRow).where(AuditRow.seq == 4).values(changes="{}"))


async def _alter_actor_and_rehash(session: AsyncSession) -> None:
    row = dict((await session.execute(select(AuditRow.__table__).where(AuditRow.seq == 4))).mappings().one())
    row["actor"] = "somebody else"
    changed = {"actor": "somebody else", "digest": trail.digest_of(row)}
    await session.execute(update(AuditRow).where(AuditRow.seq == 4).values(**changed))


async def _take_out(session: AsyncSession) -> None:
    await session.execute(delete(AuditRow).where(AuditRow.seq == 4))


async def _cut_the_end(session: AsyncSession) -> None:
    await session.execute(delete(AuditRow).where(AuditRow.seq >= 5))


async def _rewrite_the_last(session: AsyncSession) -> None:
    row = dict((await session.execute(select(AuditRow.__table__).where(AuditRow.seq == 6))).mappings().one())
    row["actor"] = "somebody else"
    changed = {"actor": "somebody else", "digest": trail.digest_of(row)}
    await session.execute(update(AuditRow).where(AuditRow.seq == 6).values(**changed))


async def _empty(session: AsyncSession) -> None:
    await session.execute(delete(AuditRow))


@pytest.mark.parametrize(
    ("tamper", "first_bad"),
    [
        (_alter_text, 4),
        (_alter_actor_and_rehash, 5),
        (_take_out, 5),
        (_cut_the_end, 5),
        (_rewrite_the_last, 6),
        (_empty, 1),
    ],
)
async def test_given_somebody_with_all_rights_when_they_tamper_then_verification_names_the_place(
    migrated: Database,  # noqa: F811
    tamper: Callable[[AsyncSession], Awaitable[None]],
    first_bad: int,
) -> None:
    await some_trail(migrated)
    triggers = {
        "sqlite": ("DROP TRIGGER audit_entries_no_UPDATE", "DROP TRIGGER audit_entries_no_DELETE"),
        "postgresql": ("SET LOCAL session_replication_role = replica",),
    }[migrated.engine.dialect.name]
    async with migrated.transaction() as session:
        for statement in triggers:
            await session.execute(text(statement))
        await tamper(session)
    found = await verified(migrated)
    assert found.problem is not None
    assert found.seq == first_bad


async def test_given_the_head_is_altered_when_verified_then_it_shows(migrated: Database) -> None:  # noqa: F811
    await some_trail(migrated)
    async with migrated.transaction() as session:
        await session.execute(update(AuditHeadRow).values(digest="0" * 64))
    assert (await verified(migrated)).seq == 6
