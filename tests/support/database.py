"""Databases as the product has them, made by the real migrations: `migrated` gives SQLite and PostgreSQL in turn.

A conftest takes the fixtures in by importing them; `postgres`, a running server, may be its own.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from callcenter.db import Database
from callcenter.ids import new_id
from callcenter.migrations import upgrade
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    upgrade(postgres.create("template_migrated"))
    return "template_migrated"


@pytest.fixture
async def migrated_sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "migrated.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/migrated.db")
    yield database
    await database.close()


@pytest.fixture
async def migrated_postgres(postgres: PostgresServer, postgres_template: str) -> AsyncIterator[Database]:
    name = f"t{new_id().replace('-', '')}"
    await _command(postgres, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    database = Database(postgres.url_of(name))
    yield database
    await database.close()
    await _command(postgres, f"DROP DATABASE {name} WITH (FORCE)")


async def _command(postgres: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgres"])
def migrated(request: pytest.FixtureRequest) -> Database:
    """One test on both databases."""
    made: Database = request.getfixturevalue(f"migrated_{request.param}")
    return made


async def until(condition: object, seconds: float = 5) -> None:
    """Wait until ``condition()`` is true; fails after the deadline."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
