"""The schema: what the migrations make is what the tables say, on both databases, forth and back."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.ext.asyncio import create_async_engine

from callcenter.migrations import config, upgrade, upgrade_async
from callcenter.models import metadata
from tests.support.postgres import PostgresServer

Result = TypeVar("Result")
NOW = datetime(2026, 3, 2, tzinfo=UTC)
VERSIONED: dict[str, Any] = {"active": True, "version": 1, "created_at": NOW, "updated_at": NOW}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; the SQLite one in a folder that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/new/empty.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create(f"empty_{token_hex(4)}")


def _on(url: str, act: Callable[[Connection], Result]) -> Result:
    async def run() -> Result:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            result = await connection.run_sync(act)
        await engine.dispose()
        return result

    return asyncio.run(run())


def test_given_an_empty_database_when_migrated_then_nothing_is_left_to_do(url: str) -> None:
    upgrade(url)
    differences = _on(url, lambda connection: compare_metadata(_context(connection), metadata))
    assert differences == []
    upgrade(url)


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})


def test_given_the_newest_schema_when_taken_back_to_nothing_then_forth_again_works(url: str) -> None:
    upgrade(url)

    def back(connection: Connection) -> list[str]:
        made = config()
        made.attributes["connection"] = connection
        command.downgrade(made, "base")
        return inspect(connection).get_table_names()

    assert _on(url, back) == ["alembic_version"]
    upgrade(url)


def test_b4_given_elders_of_an_older_release_when_migrated_then_they_are_found_by_their_words(url: str) -> None:
    upgrade(url)

    def older(connection: Connection) -> None:
        made = config()
        made.attributes["connection"] = connection
        command.downgrade(made, "0017_staff")
        plain = {"name": "单桂英", "code": "SZ-1", "sounds": "|sgy|", "groups": (), "address": "平江路 128 号"}
        rows: list[dict[str, Any]] = [{**plain, "id": "e1"}, {**plain, "id": "e2", "code": "SZ-2", "deleted_at": NOW}]
        for row in rows:
            connection.execute(insert(metadata.tables["elders"]).values(**row, **VERSIONED))

    _on(url, older)
    upgrade(url)
    words = metadata.tables["elder_words"].c
    found = _on(url, lambda connection: set(connection.execute(select(words.elder_id, words.word)).all()))
    assert {(one, word) for one, word in found if word in ("~sgy", ".桂英", "@平江路128号")} == {
        *(("e1", "~sgy"), ("e1", ".桂英"), ("e1", "@平江路128号"))
    }
    assert {one for one, _ in found} == {"e1"}


async def test_given_two_processes_when_both_start_at_once_then_both_find_the_newest_schema(
    postgres: PostgresServer,
) -> None:
    url = postgres.create(f"race_{token_hex(4)}")
    await asyncio.gather(upgrade_async(url), upgrade_async(url))
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        names = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    await engine.dispose()
    assert set(metadata.tables) <= names
