"""Alarm sources in the database: made, changed, given new secrets, disabled (A5, I3). Services never commit."""

import secrets
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.alarms.model import AlarmSourceRow
from callcenter.alarms.sources import Auth, Source, token_digest
from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.ids import new_id
from callcenter.people.service import later, same_version
from callcenter.shapes import Flag, Line, Number, Version

CHANGED = "alarm_sources.changed"
"""Bus topic: a source was written; whoever keeps them in memory reads them again."""

Name = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$", examples=["terminals-suzhou"])]


class SourceInput(BaseModel):
    """A new source. ``auth``: by token, or by a signature over each body. ``area``: of whatever nobody knows of it."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    name: Name
    auth: Auth = Auth.TOKEN
    area: Line | None = None
    enabled: Flag = True


class SourcePatch(BaseModel):
    """A change: only what is given. A source's name and way stay: they are on record with its alarms."""

    model_config = ConfigDict(extra="forbid")

    area: Line | None = None
    enabled: Flag = True
    version: Version | None = None


class RotateInput(BaseModel):
    """A new secret; the old one stays good for a while, so that no terminal goes silent meanwhile."""

    model_config = ConfigDict(extra="forbid")

    keep_old_hours: Number = Field(24, ge=0, le=24 * 90, description="0 when the old one has leaked.")


def sources_query() -> Select[AlarmSourceRow]:
    """All sources."""
    return select(AlarmSourceRow)


async def get_source(session: AsyncSession, id: str) -> AlarmSourceRow:
    """The source of that id, or `NotFound`."""
    row = await session.get(AlarmSourceRow, id)
    if row is None:
        raise NotFound("no alarm source has this id")
    return row


async def create_source(
    session: AsyncSession, clock: Clock, data: SourceInput, secret: str = ""
) -> tuple[AlarmSourceRow, str]:
    """Make a source; returns its secret too, which is shown this once. Raises `Conflict` when the name is taken.

    ``secret``: one that is known already, for demo data; a new one when empty.
    """
    if (await session.execute(select(AlarmSourceRow.id).where(AlarmSourceRow.name == data.name))).first():
        raise Conflict(f"the name {data.name} is taken")
    secret, now = secret or new_secret(), clock.now()
    row = AlarmSourceRow(
        id=new_id(),
        name=data.name,
        auth=data.auth,
        area=data.area,
        enabled=data.enabled,
        secret=_kept(data.auth, secret),
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    return row, secret


def change_source(clock: Clock, row: AlarmSourceRow, patch: SourcePatch) -> None:
    """Change what the patch sets."""
    same_version(row.version, patch.version)
    for field in patch.model_fields_set - {"version"}:
        setattr(row, field, getattr(patch, field))
    row.updated_at = later(clock.now(), row.updated_at)


def rotate_source(clock: Clock, row: AlarmSourceRow, keep_old_hours: float) -> str:
    """Give a source a new secret; returns it, this once."""
    secret, now = new_secret(), clock.now()
    row.previous = row.secret if keep_old_hours > 0 else None
    row.previous_until = now + timedelta(hours=keep_old_hours) if keep_old_hours > 0 else None
    row.secret = _kept(row.auth, secret)
    row.updated_at = later(now, row.updated_at)
    return secret


def new_secret() -> str:
    """256 random bits, with a word in front by which a leaked one is found."""
    return f"ccas_{secrets.token_urlsafe(32)}"


def _kept(auth: str, secret: str) -> str:
    return token_digest(secret) if auth == Auth.TOKEN else secret


async def enabled_sources(session: AsyncSession) -> list[Source]:
    """What the keeper needs of the enabled ones."""
    rows = await session.scalars(sources_query().where(AlarmSourceRow.enabled).order_by(AlarmSourceRow.id))
    return [
        Source(
            id=row.id,
            name=row.name,
            auth=row.auth,
            secret=row.secret,
            area=row.area,
            previous=row.previous,
            previous_until=row.previous_until,
        )
        for row in rows
    ]
