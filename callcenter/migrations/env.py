"""Alembic's environment: runs on a given connection, or on CALLCENTER_DATABASE_URL from the command line."""

import asyncio
from typing import Literal

from alembic import context
from sqlalchemy import Connection, TypeDecorator
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from callcenter.db import UtcDateTime
from callcenter.models import metadata
from callcenter.settings import load_settings


def render(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Our column types as a migration names them: those that may change their form later as what they are today."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    return "db.UtcDateTime()" if isinstance(item, UtcDateTime) else f"sa.{item.impl_instance!r}"


def migrate(connection: Connection) -> None:
    """Run what was asked for on this connection."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite cannot alter a table: Alembic copies it (batch mode), and then needs every constraint's name.
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=render,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect() -> None:
    """Run on a connection of our own."""
    engine = create_async_engine(load_settings().database, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(connect())
