"""Response plans in the database: made, changed, deleted while nobody uses them (A6)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.clock import Clock
from callcenter.emergency.kinds import Kind
from callcenter.emergency.plan import DEFAULT_PLAN, Plan, checked
from callcenter.errors import Conflict, NotFound
from callcenter.ids import new_id
from callcenter.people.model import ElderRow, PlanRow
from callcenter.people.schemas import PlanInput, PlanPatch, StepInput
from callcenter.people.service import later, same_version


def plans_query() -> Select[PlanRow]:
    """All response plans."""
    return select(PlanRow)


async def get_plan(session: AsyncSession, id: str) -> PlanRow:
    """The plan of that id, or `NotFound`."""
    row = await session.get(PlanRow, id)
    if row is None:
        raise NotFound("no response plan has this id")
    return row


async def create_plan(session: AsyncSession, clock: Clock, data: PlanInput, id: str | None = None) -> PlanRow:
    """Make a plan. Raises `InvalidInput` when it cannot be carried out, `Conflict` when its name or area is taken.

    A plan with the id ``default`` takes the place of the built-in default plan.
    """
    row = PlanRow(
        id=id or new_id(),
        name=data.name,
        steps=_steps(data.steps),
        checklist=list(data.checklist),
        checklists=_checklists(data.checklists),
        repeat_every_seconds=data.repeat_every_seconds,
        area=data.area,
        priority=data.priority,
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    await _check(session, row)
    session.add(row)
    await session.flush()
    return row


async def change_plan(session: AsyncSession, clock: Clock, row: PlanRow, patch: PlanPatch) -> None:
    """Change what the patch sets; incidents already open keep the plan they opened with."""
    same_version(row.version, patch.version)
    for field in patch.model_fields_set - {"version", "steps", "checklists"}:
        setattr(row, field, getattr(patch, field))
    if "checklists" in patch.model_fields_set:
        row.checklists = _checklists(patch.checklists)
    if "steps" in patch.model_fields_set:
        row.steps = _steps(patch.steps)
    row.updated_at = later(clock.now(), row.updated_at)
    await _check(session, row)
    await session.flush()


async def put_default(session: AsyncSession, clock: Clock, data: PlanInput) -> PlanRow:
    """Make this the plan of whoever has none of their own and none of their area; raises as `create_plan`."""
    row = await session.get(PlanRow, DEFAULT_PLAN.id)
    if row is None:
        return await create_plan(session, clock, data, DEFAULT_PLAN.id)
    await change_plan(session, clock, row, PlanPatch.model_validate(data.model_dump()))
    return row


async def delete_plan(session: AsyncSession, row: PlanRow) -> None:
    """Delete a plan; raises `Conflict` while elders have it."""
    if (await session.execute(select(ElderRow.id).where(ElderRow.plan_id == row.id).limit(1))).first():
        raise Conflict("elders have this response plan; give them another one first")
    await session.delete(row)


def plan_of(row: PlanRow) -> Plan:
    """The plan as the ladder takes it."""
    return msgspec.convert({column: getattr(row, column) for column in PLAN_COLUMNS}, Plan)


PLAN_COLUMNS = ("id", "name", "steps", "checklist", "repeat_every_seconds", "area", "priority", "checklists")


def _steps(steps: list[StepInput]) -> list[dict[str, Any]]:
    return [
        {"at_seconds": step.at_seconds, "targets": [str(t) for t in step.targets], "accept": str(step.accept)}
        for step in steps
    ]


def _checklists(checklists: Mapping[Kind, Sequence[str]]) -> dict[str, list[str]]:
    return {str(kind): list(sentences) for kind, sentences in checklists.items()}


async def _check(session: AsyncSession, row: PlanRow) -> None:
    checked(plan_of(row))
    with session.no_autoflush:
        query = select(PlanRow.id).where(PlanRow.name == row.name, PlanRow.id != row.id)
        if (await session.execute(query)).first():
            raise Conflict(f"a response plan is already named {row.name}")
        query = select(PlanRow.name).where(PlanRow.area == row.area, PlanRow.area != "", PlanRow.id != row.id)
        if (other := await session.scalar(query)) is not None:
            raise Conflict(f"{row.area} has the response plan {other} already; change that one, or take its area away")
