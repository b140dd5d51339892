"""The schema's history (Alembic). `upgrade` brings a database to the newest schema, empty or old."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

_LOCK = 0x4341_4C4C  # any number that only we use: two processes that start at once migrate one after the other


def config() -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(url: str) -> None:
    """Migrate the database at an async SQLAlchemy URL; for a process without an event loop."""
    asyncio.run(upgrade_async(url))


async def upgrade_async(url: str) -> None:
    """Migrate the database at an async SQLAlchemy URL. Raises what the database raises; then nothing has changed."""
    if url.startswith("sqlite") and (path := url.partition(":///")[2]):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
        if engine.dialect.name == "sqlite":
            # Once and for all: whoever connects later must not need a lock to switch to it.
            async with engine.connect() as connection:
                await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, "heads")
