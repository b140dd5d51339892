"""The timeline of a call or an incident, in the order in which things happened (A7), and adding to it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, event, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import FACTS, Bus
from callcenter.facts import Fact, Unknown
from callcenter.timeline.model import FactRow
from callcenter.webhooks.service import enqueue


def row_values(fact: Fact) -> dict[str, Any]:
    """A fact as values of a `FactRow`; a body of a newer release is stored as it came."""
    kind, version, data = fact.kind, fact.body.VERSION, msgspec.to_builtins(fact.body)
    if isinstance(fact.body, Unknown):
        kind, _, number = str(fact.body.data["kind"]).partition("@")
        version, data = int(number), fact.body.data["data"]
    return {
        "id": fact.id,
        "at": fact.at,
        "kind": kind,
        "version": version,
        "actor": fact.actor,
        "call_id": fact.call_id,
        "incident_id": fact.incident_id,
        "data": data,
    }


async def of_call(
    session: AsyncSession, call_id: str, *, after: str | None = None, limit: int = 500
) -> Sequence[FactRow]:
    """Facts of a call by id, from behind the fact ``after``."""
    return await _read(session, FactRow.call_id == call_id, after, limit)


async def of_incident(
    session: AsyncSession, incident_id: str, *, after: str | None = None, limit: int = 500
) -> Sequence[FactRow]:
    """Facts of an incident, those of all its calls included, by id, from behind the fact ``after``."""
    return await _read(session, FactRow.incident_id == incident_id, after, limit)


async def _read(session: AsyncSession, which: ColumnElement[bool], after: str | None, limit: int) -> Sequence[FactRow]:
    query = select(FactRow).where(which).order_by(FactRow.id).limit(limit)
    if after is not None:
        query = query.where(FactRow.id > after)
    return (await session.scalars(query)).all()


async def tell(session: AsyncSession, bus: Bus | None, fact: Fact) -> None:
    """Record a fact that a service brings about in the database, with the change itself.

    Webhooks that want it are queued in the same transaction; it is published once that is committed. For what
    happens outside a controller (work orders, follow-ups): the journal never sees it.
    """
    session.add(FactRow(**row_values(fact)))
    await enqueue(session, fact)
    if bus is None:
        return
    told: list[Fact] = session.info.setdefault("told", [])
    if not told:
        event.listen(session.sync_session, "after_commit", lambda _: _publish(bus, told))
    told.append(fact)


def _publish(bus: Bus, told: list[Fact]) -> None:
    for fact in told:
        bus.publish(FACTS, fact)
    told.clear()
