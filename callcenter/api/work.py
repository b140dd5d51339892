"""My work: what waits for the one who is signed in, in counts and first items (B4, B5)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from callcenter.accounts.permissions import Principal
from callcenter.api.areas import elders_seen
from callcenter.api.complaints import Complaint
from callcenter.api.deps import ServicesDep, SessionDep, require
from callcenter.api.follow_ups import FollowUp
from callcenter.api.intake import IntakeItem
from callcenter.api.problems import responses
from callcenter.api.types import Moment
from callcenter.api.work_orders import WorkOrder
from callcenter.callbacks.model import State as CallBackState
from callcenter.callbacks.tables import CallBackRow
from callcenter.complaints.model import ComplaintRow
from callcenter.complaints.service import complaints_query
from callcenter.complaints.states import OPEN as COMPLAINT_OPEN
from callcenter.follow_ups.model import FollowUpRow
from callcenter.follow_ups.service import follow_ups_query
from callcenter.follow_ups.states import OPEN as FOLLOW_UP_OPEN
from callcenter.intake.model import IntakeRow
from callcenter.intake.service import intake_query
from callcenter.intake.states import State as IntakeState
from callcenter.voicemail.tables import State as VoicemailState
from callcenter.voicemail.tables import VoicemailRow, voicemails_query
from callcenter.work_orders.model import WorkOrderRow
from callcenter.work_orders.service import orders_query
from callcenter.work_orders.states import State as OrderState

router = APIRouter(prefix="/api/v1/work", tags=["work"])

FIRST = 10
Row = TypeVar("Row")
Item = TypeVar("Item")


class Pile(BaseModel, Generic[Item]):
    """One kind of work. ``count``: all of it; ``late``: of those, past their time; ``items``: the most urgent."""

    count: int
    late: int = Field(description="Past their time; 0 for what has none.")
    items: list[Item]


class WaitingCallBack(BaseModel):
    """Somebody who is to be called back; failed ones were not reached."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    state: str
    number: str
    elder_id: str | None
    queue: str
    since: Moment


class NewVoicemail(BaseModel):
    """A message nobody has dealt with."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    call_id: str
    caller: str
    elder_id: str | None
    elder_name: str
    at: Moment
    seconds: float


class MyWork(BaseModel):
    """What waits. Intake: mine and what nobody has taken; complaints: mine and nobody's; work orders: those I made,
    given back to be corrected or not yet audited; the rest is everybody's."""

    callbacks: Pile[WaitingCallBack]
    follow_ups: Pile[FollowUp]
    work_orders: Pile[WorkOrder]
    intake: Pile[IntakeItem]
    complaints: Pile[Complaint]
    voicemails: Pile[NewVoicemail]


@router.get("/mine", responses=responses())
async def my_work(
    who: Annotated[Principal, Depends(require("intake:read"))], session: SessionDep, services: ServicesDep
) -> MyWork:
    """Everything that waits for me, the most urgent first."""
    now, seen = services.clock.now(), elders_seen(who)
    callbacks = select(CallBackRow).where(
        CallBackRow.state.in_((CallBackState.WAITING, CallBackState.CALLING, CallBackState.FAILED))
    )
    voicemails = voicemails_query().where(VoicemailRow.state == VoicemailState.NEW)
    if seen is not None:
        callbacks = callbacks.where(CallBackRow.elder_id.in_(seen))
        voicemails = voicemails.where(VoicemailRow.elder_id.in_(seen))
    orders = orders_query(who.area).where(
        WorkOrderRow.created_by == who.user, WorkOrderRow.state.in_((OrderState.INTAKE, OrderState.RETURNED))
    )
    intake = intake_query(who.area).where(
        or_(
            IntakeRow.state == IntakeState.NEW,
            (IntakeRow.state == IntakeState.TAKEN) & (IntakeRow.taken_by == who.user),
        )
    )
    complaints = complaints_query(who.area, states=COMPLAINT_OPEN).where(
        or_(ComplaintRow.handler.is_(None), ComplaintRow.handler == who.user)
    )
    follow_ups = follow_ups_query(who.area, states=FOLLOW_UP_OPEN)
    mine_first = case((IntakeRow.taken_by == who.user, 0), else_=1)
    return MyWork(
        callbacks=await _pile(
            session, callbacks, (CallBackRow.since, CallBackRow.id), None, now, WaitingCallBack.model_validate
        ),
        follow_ups=await _pile(
            session,
            follow_ups,
            (FollowUpRow.due_at, FollowUpRow.id),
            FollowUpRow.due_at,
            now,
            lambda row: FollowUp.of(row, now),
        ),
        work_orders=await _pile(
            session, orders, (WorkOrderRow.due_at, WorkOrderRow.id), WorkOrderRow.due_at, now, WorkOrder.of
        ),
        intake=await _pile(session, intake, (mine_first, IntakeRow.at, IntakeRow.id), None, now, IntakeItem.of),
        complaints=await _pile(
            session,
            complaints,
            (ComplaintRow.due_at, ComplaintRow.id),
            ComplaintRow.due_at,
            now,
            lambda row: Complaint.of(row, now),
        ),
        voicemails=await _pile(
            session, voicemails, (VoicemailRow.at, VoicemailRow.id), None, now, NewVoicemail.model_validate
        ),
    )


async def _pile(
    session: AsyncSession,
    query: Select[Row],
    order: tuple[Any, ...],
    due: InstrumentedAttribute[Any] | None,
    now: datetime,
    shown: Callable[[Row], Item],
) -> Pile[Item]:
    late = await _count(session, query.where(due < now)) if due is not None else 0
    rows = await session.scalars(query.order_by(*order).limit(FIRST))
    return Pile(count=await _count(session, query), late=late, items=[shown(row) for row in rows])


async def _count(session: AsyncSession, query: Select[Any]) -> int:
    return await session.scalar(query.with_only_columns(func.count()).order_by(None)) or 0
