"""Tells the facts of the watchdog's own presses from those of people, for whoever turns facts into rows."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.facts import SYNTHETIC
from callcenter.emergency.tables import EmergencyRow
from callcenter.facts import Fact


async def in_earnest(session: AsyncSession, facts: Sequence[Fact]) -> list[Fact]:
    """``facts`` without those of synthetic presses; the incidents' rows must have been written already."""
    incidents = {fact.incident_id for fact in facts if fact.incident_id is not None}
    if not incidents:
        return list(facts)
    rows = select(EmergencyRow.id).where(EmergencyRow.id.in_(incidents), EmergencyRow.origin == SYNTHETIC)
    ours = set(await session.scalars(rows))
    return [fact for fact in facts if fact.incident_id not in ours]
