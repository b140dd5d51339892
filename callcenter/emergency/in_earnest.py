"""Tells the facts of the watchdog's own presses, and of drills, from those of people in need."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.facts import SYNTHETIC
from callcenter.emergency.tables import EmergencyRow
from callcenter.facts import Fact

DRILL = "drill"


async def in_earnest(session: AsyncSession, facts: Sequence[Fact], *, drills: bool = True) -> list[Fact]:
    """``facts`` without those of synthetic presses, and of drills unless ``drills``.

    The incidents' rows must have been written already.
    """
    incidents = {fact.incident_id for fact in facts if fact.incident_id is not None}
    if not incidents:
        return list(facts)
    left_out = [SYNTHETIC] if drills else [SYNTHETIC, DRILL]
    rows = select(EmergencyRow.id).where(EmergencyRow.id.in_(incidents), EmergencyRow.origin.in_(left_out))
    ours = set(await session.scalars(rows))
    return [fact for fact in facts if fact.incident_id not in ours]
