"""Response plans over REST (预案, A6)."""

from fastapi import Depends, Response
from pydantic import BaseModel

from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.people import plans
from callcenter.people.keeper import CHANGED
from callcenter.people.model import PlanRow
from callcenter.people.schemas import PlanInput, PlanPatch, StepInput

router = idempotency.router("/response-plans", "response plans")

READER = [Depends(require("plans:read"))]
WRITER = [Depends(require("plans:write"))]


class ResponsePlan(BaseModel):
    """A response plan."""

    id: str
    name: str
    steps: list[StepInput]
    checklist: list[str]
    checklists: dict[str, list[str]]
    repeat_every_seconds: float
    area: str
    priority: int
    version: int
    created_at: Moment
    updated_at: Moment


def shown(row: PlanRow) -> ResponsePlan:
    """The plan as the API shows it."""
    return ResponsePlan(
        id=row.id,
        name=row.name,
        steps=[StepInput(**step) for step in row.steps],
        checklist=row.checklist,
        checklists=row.checklists,
        repeat_every_seconds=row.repeat_every_seconds,
        area=row.area,
        priority=row.priority,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@router.get("", dependencies=READER, responses=responses())
async def list_plans(session: SessionDep, part: PageDep) -> Page[ResponsePlan]:
    """All response plans, oldest first."""
    rows, following = await fetch_page(session, plans.plans_query(), PlanRow.id, part)
    return Page(items=[shown(row) for row in rows], next=following)


@router.post("", status_code=201, dependencies=WRITER, responses=responses(409))
async def create_plan(body: PlanInput, session: SessionDep, services: ServicesDep, response: Response) -> ResponsePlan:
    """Make a response plan."""
    row = await plans.create_plan(session, services.clock, body)
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row)


@router.put("/default", dependencies=WRITER, responses=responses(404, 409, 412))
async def put_default_plan(
    body: PlanInput, session: SessionDep, services: ServicesDep, response: Response, if_match: IfMatch = None
) -> ResponsePlan:
    """The plan of whoever has none of their own and none of their area; deleted, the built-in one serves again."""
    if if_match is not None:
        check_match((await plans.get_plan(session, DEFAULT_PLAN.id)).version, if_match)
    row = await plans.put_default(session, services.clock, body)
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row)


@router.get("/{id}", dependencies=READER, responses=responses(404))
async def get_plan(id: Id, session: SessionDep, response: Response) -> ResponsePlan:
    """One response plan."""
    row = await plans.get_plan(session, id)
    tag(response, row.version)
    return shown(row)


@router.patch("/{id}", dependencies=WRITER, responses=responses(404, 409, 412))
async def change_plan(
    id: Id,
    body: PlanPatch,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> ResponsePlan:
    """Change what is given; incidents already open keep the plan they opened with."""
    row = await plans.get_plan(session, id)
    check_match(row.version, if_match)
    await plans.change_plan(session, services.clock, row, body)
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row)


@router.delete("/{id}", status_code=204, dependencies=WRITER, responses=responses(404, 409, 412))
async def delete_plan(id: Id, session: SessionDep, if_match: IfMatch = None) -> None:
    """Delete a plan that no elder has."""
    row = await plans.get_plan(session, id)
    check_match(row.version, if_match)
    await plans.delete_plan(session, row)
    hint(session, CHANGED)
