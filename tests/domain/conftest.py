"""Databases for domain tests: SQLite and PostgreSQL, both real, empty at the start of each test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from callcenter.db import Database
from callcenter.models import metadata
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        asyncio.run(create_tables(server.url))
        yield server


async def create_tables(url: str) -> None:
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await database.close()


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path}/test.db"
    await create_tables(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
async def postgres_database(postgres: PostgresServer) -> AsyncIterator[Database]:
    database = Database(postgres.url)
    async with database.engine.begin() as connection:
        # Far quicker than TRUNCATE, which makes a new file for every table.
        emptying = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))
        await connection.execute(text(f"DO $$ BEGIN {emptying}; END $$"))
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """One test on both databases."""
    made: Database = request.getfixturevalue(f"{request.param}_database")
    return made
