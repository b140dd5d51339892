"""Makes work orders of what calls and emergencies say: a disposition, an incident's close (B5, C6)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.emergency.in_earnest import in_earnest
from callcenter.facts import Fact
from callcenter.ids import derived_id
from callcenter.work_orders.service import Draft, WorkOrders
from callcenter.work_orders.states import Kind, Priority, State

DISPOSITIONS: Mapping[str, Kind] = MappingProxyType(
    {
        "work_order": Kind.SERVICE,
        "complaint": Kind.COMPLAINT,
        "enquiry": Kind.ENQUIRY,
        "callback": Kind.CALLBACK,
    }
)
"""Dispositions that leave something to do; the others (answered, wrong number, abandoned) leave none."""


class WorkOrderProjector:
    """Reacts to ``emergency.closed`` and ``call.dispositioned``, by kind: it needs nothing of those domains."""

    def __init__(self, work_orders: WorkOrders) -> None:
        self._orders = work_orders

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """One order for each incident closed and each call whose disposition asks for one, however often told."""
        closed = [fact for fact in facts if fact.kind == "emergency.closed"]
        # A drill leaves nothing to follow up: she was never in need (A6).
        serious = {fact.id for fact in await in_earnest(session, closed, drills=False)} if closed else set()
        for fact in facts:
            if fact.kind == "emergency.closed" and fact.id not in serious:
                continue
            if fact.kind == "emergency.closed" and fact.incident_id is not None:
                await self._from_emergency(session, fact, fact.incident_id, msgspec.to_builtins(fact.body))
            elif fact.kind == "call.dispositioned" and fact.call_id is not None:
                await self._from_call(session, fact, fact.call_id, msgspec.to_builtins(fact.body))

    async def _from_emergency(self, session: AsyncSession, fact: Fact, incident_id: str, data: dict[str, Any]) -> None:
        ended = datetime.fromisoformat(data["closed_at"])
        draft = Draft(
            kind=Kind.EMERGENCY,
            priority=Priority.URGENT,
            summary=data.get("summary") or data["outcome"],
            details=data["outcome"],
            elder_id=data.get("elder_id"),
            call_id=fact.call_id,
            incident_id=incident_id,
            due_at=ended,
        )
        source = f"incident:{incident_id}"
        await self._orders.create(
            session,
            draft,
            fact.actor,
            id=derived_id(fact.at, "work-order", source),
            source=source,
            state=State.DONE,
            service_ended_at=ended,
        )

    async def _from_call(self, session: AsyncSession, fact: Fact, call_id: str, data: dict[str, Any]) -> None:
        kind = DISPOSITIONS.get(data["disposition"])
        if kind is None:
            return
        wanted = data.get("kind", "")
        if wanted in set(Kind) - {Kind.EMERGENCY}:  # an emergency's order comes of its incident
            kind = Kind(wanted)
        draft = Draft(
            kind=kind,
            summary=data.get("summary", ""),
            elder_id=data.get("elder_id"),
            call_id=call_id,
            incident_id=fact.incident_id,
        )
        source = f"disposition:{call_id}"
        await self._orders.create(
            session, draft, fact.actor, id=derived_id(fact.at, "work-order", source), source=source
        )
