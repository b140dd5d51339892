"""Databases as the product has them, made by the real migrations: `migrated` gives SQLite and PostgreSQL in turn.

A conftest takes the fixtures in by importing them; `postgres`, a running server, may be its own.
"""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from secrets import token_hex

import pytest
from sqlalchemy import insert, text

from callcenter.audit.model import GENESIS, AuditHeadRow
from callcenter.db import Database
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
    """URL of one migrated database, which every test finds empty."""
    url = postgres.create(f"migrated_{token_hex(4)}")
    upgrade(url)
    return url


@pytest.fixture
async def migrated_sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "migrated.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/migrated.db")
    yield database
    await database.close()


@pytest.fixture
async def migrated_postgres(postgres_template: str) -> AsyncIterator[Database]:
    database = Database(postgres_template)
    yield database
    try:
        await _empty(database)
    finally:
        await database.close()


# Without the triggers that keep the trail append-only, and the foreign keys' order; in one question, not one a table.
_EMPTY = """
DO $$ DECLARE found text; BEGIN
  FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('DELETE FROM %I', found);
  END LOOP;
END $$
"""


async def _empty(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text(_EMPTY))
        await session.execute(insert(AuditHeadRow).values(id=1, seq=0, digest=GENESIS))


@pytest.fixture(params=["sqlite", "postgres"])
def migrated(request: pytest.FixtureRequest) -> Database:
    """One test on both databases."""
    made: Database = request.getfixturevalue(f"migrated_{request.param}")
    return made
