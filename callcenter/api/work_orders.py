"""Work orders over REST: taken in, audited, dispatched, done; their history (C3–C7, C10)."""

from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.errors import Conflict, NotFound
from callcenter.follow_ups.service import FollowUps, closed_loop
from callcenter.people.service import get_elder, same_version
from callcenter.shapes import Instant, Prose, Reference
from callcenter.work_orders.model import WorkOrderHistoryRow, WorkOrderRow
from callcenter.work_orders.service import Draft, WorkOrders, orders_query
from callcenter.work_orders.states import TRANSITIONS, Kind, Priority, State

router = idempotency.router("/work-orders", "work orders")

Reader = Annotated[Principal, Depends(require("work_orders:read"))]
Writer = Annotated[Principal, Depends(require("work_orders:write"))]


class Desk(NamedTuple):
    """The services of the closed loop, for one request."""

    orders: WorkOrders
    follow_ups: FollowUps


def _desk(services: ServicesDep) -> Desk:
    return Desk(*closed_loop(services.clock, services.settings.follow_up_hours, services.bus))


DeskDep = Annotated[Desk, Depends(_desk)]


class WorkOrder(BaseModel):
    """A work order (工单). ``next``: the states it can go to."""

    id: str
    number: str = Field(description="For people: day and count.", examples=["20260301-0042"])
    state: State
    kind: Kind
    priority: Priority
    elder_id: str | None
    call_id: str | None
    incident_id: str | None
    organisation_id: str | None
    summary: str
    details: str
    wishes: str
    created_by: str
    due_at: Moment | None
    service_started_at: Moment | None
    service_ended_at: Moment | None
    suspected_complaint: bool = Field(description="Heard in the follow-up; closing then needs a reason (C7).")
    next: list[State]
    version: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: WorkOrderRow) -> "WorkOrder":
        values: dict[str, Any] = {name: getattr(row, name) for name in cls.model_fields.keys() - {"next"}}
        return cls(**values, next=sorted(TRANSITIONS[State(row.state)]))


class Step(BaseModel):
    """One step or change of an order: who, when, from, to, why, before and after (C10)."""

    id: str
    at: Moment
    actor: str
    from_state: State | None
    to_state: State
    reason: str
    changes: dict[str, list[Any]] = Field(description="Field to [before, after].")

    @classmethod
    def of(cls, row: WorkOrderHistoryRow) -> "Step":
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class WorkOrderInput(BaseModel):
    """A new order; it begins in intake."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Kind.SERVICE
    summary: Annotated[Prose, Field(min_length=1, examples=["明天上午打扫卫生"])]
    details: Prose = ""
    wishes: Prose = ""
    priority: Priority = Priority.NORMAL
    elder_id: Reference | None = None
    call_id: Reference | None = None
    incident_id: Reference | None = None
    organisation_id: Reference | None = None
    due_at: Instant | None = Field(None, description="In three working days when not given (C1).")


class WorkOrderPatch(BaseModel):
    """A change: only what is given is changed. The state moves by transitions."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Kind.SERVICE
    summary: Annotated[Prose, Field(min_length=1)] = "-"
    details: Prose = ""
    wishes: Prose = ""
    priority: Priority = Priority.NORMAL
    elder_id: Reference | None = None
    organisation_id: Reference | None = None
    due_at: Instant | None = None
    service_started_at: Instant | None = None
    version: int | None = Field(None, ge=1, le=2**31 - 1, description="As read; another version answers 409.")


class TransitionInput(BaseModel):
    """The state to move to. A step that goes back or away needs a reason."""

    model_config = ConfigDict(extra="forbid")

    to: State
    reason: Prose = ""
    service_ended_at: Instant | None = Field(None, description="For the step to done; now when not given.")


async def _find(session: AsyncSession, id: str, who: Principal) -> WorkOrderRow:
    row = await session.scalar(orders_query(who.area, id=id))
    if row is None:
        raise NotFound("no work order has this id")
    return row


async def check_elder(session: AsyncSession, elder_id: str | None, who: Principal) -> None:
    """Whoever serves one area writes orders of its elders alone."""
    if elder_id is None:
        if who.area is not None:
            raise Conflict(f"you serve the area {who.area}, so name one of its elders in elder_id")
        return
    try:
        await get_elder(session, elder_id, who)
    except NotFound:
        raise Conflict("no elder has this elder_id") from None


@router.get("", responses=responses())
async def list_work_orders(
    who: Reader,
    session: SessionDep,
    part: PageDep,
    state: Annotated[State | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    number: Annotated[str | None, Query(pattern=r"^[0-9]{8}-[0-9]{1,6}$")] = None,
    elder_id: Annotated[Reference | None, Query()] = None,
    call_id: Annotated[Reference | None, Query()] = None,
    incident_id: Annotated[Reference | None, Query()] = None,
    organisation_id: Annotated[Reference | None, Query()] = None,
    due_before: Annotated[Instant | None, Query()] = None,
) -> Page[WorkOrder]:
    """Work orders, newest first."""
    query = orders_query(
        who.area,
        state=state,
        kind=kind,
        number=number,
        elder_id=elder_id,
        call_id=call_id,
        incident_id=incident_id,
        organisation_id=organisation_id,
    )
    if due_before is not None:
        query = query.where(WorkOrderRow.due_at < due_before)
    rows, following = await fetch_page(session, query, WorkOrderRow.id, part, newest_first=True)
    return Page(items=[WorkOrder.of(row) for row in rows], next=following)


@router.post("", status_code=201, responses=responses(409))
async def create_work_order(
    body: WorkOrderInput, who: Writer, session: SessionDep, desk: DeskDep, response: Response
) -> WorkOrder:
    """Take in a need, from a call or otherwise."""
    await check_elder(session, body.elder_id, who)
    row = await desk.orders.create(session, Draft(**body.model_dump()), who.user)
    tag(response, row.version)
    return WorkOrder.of(row)


@router.get("/{id}", responses=responses(404))
async def get_work_order(id: Id, who: Reader, session: SessionDep, response: Response) -> WorkOrder:
    """One order; the ETag is for `If-Match`."""
    row = await _find(session, id, who)
    tag(response, row.version)
    return WorkOrder.of(row)


@router.get("/{id}/history", responses=responses(404))
async def work_order_history(id: Id, who: Reader, session: SessionDep, desk: DeskDep) -> Page[Step]:
    """Every step and change, oldest first (C10)."""
    row = await _find(session, id, who)
    return Page(items=[Step.of(step) for step in await desk.orders.history(session, row.id)], next=None)


@router.patch("/{id}", responses=responses(404, 409, 412))
async def change_work_order(
    id: Id,
    body: WorkOrderPatch,
    who: Writer,
    session: SessionDep,
    desk: DeskDep,
    response: Response,
    if_match: IfMatch = None,
) -> WorkOrder:
    """Change what is given."""
    row = await _find(session, id, who)
    check_match(row.version, if_match)
    same_version(row.version, body.version)
    values = body.model_dump(include=body.model_fields_set - {"version"})
    if "elder_id" in values:
        await check_elder(session, values["elder_id"], who)
    await desk.orders.change(session, row, values, who.user)
    tag(response, row.version)
    return WorkOrder.of(row)


@router.post("/{id}/transitions", responses=responses(404, 409, 412))
async def move_work_order(
    id: Id,
    body: TransitionInput,
    who: Writer,
    session: SessionDep,
    desk: DeskDep,
    response: Response,
    if_match: IfMatch = None,
) -> WorkOrder:
    """Move an order one step. Done makes its follow-up due; followed up comes of completing that (C7)."""
    row = await _find(session, id, who)
    check_match(row.version, if_match)
    await desk.orders.move(session, row, body.to, who.user, reason=body.reason, service_ended_at=body.service_ended_at)
    tag(response, row.version)
    return WorkOrder.of(row)
