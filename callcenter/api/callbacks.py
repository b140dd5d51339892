"""Call-backs over REST: who is to be called back, when, and what became of it (B1, A10)."""

from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.areas import check, elders_seen, sees
from callcenter.api.deps import ControllerDep, Services, ServicesDep, require
from callcenter.api.merged import page, read
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.callbacks.model import CallBack, State
from callcenter.callbacks.tables import CallBackRow, to_callback
from callcenter.errors import Conflict
from callcenter.shapes import WHOLE, Phone, Reference

router = idempotency.router("/callbacks", "call-backs", live=True)

Reader = Annotated[Principal, Depends(require("calls:read"))]
Actor = Annotated[Principal, Depends(require("calls:act"))]


class AttemptView(BaseModel):
    """One attempt; `reason` is empty while it goes on, `reached` when she and an operator spoke."""

    at: Moment
    call_id: str
    reason: str


class CallBackView(BaseModel):
    """Somebody who keeps her place and is called back."""

    id: str
    number: str = Field(description="What is dialled.")
    caller: str = Field(description="From which number she asked.")
    elder_id: str | None
    elder_name: str
    queue: str
    priority: int
    since: Moment = Field(description="From when her place in the queue counts.")
    asked_at: Moment
    by_caller: bool = Field(description="She asked by key; else somebody of the desk did.")
    state: State
    attempts: list[AttemptView]
    next_at: Moment | None = Field(description="Not before; null when it is over.")
    call_id: str | None = Field(description="Our call to her, of the last attempt.")
    reason: str
    ended_at: Moment | None

    @classmethod
    def of(cls, one: CallBack) -> "CallBackView":
        same = cls.model_fields.keys() - {"attempts", "next_at"}
        attempts = [AttemptView(at=each.at, call_id=each.call_id, reason=each.reason) for each in one.attempts]
        return cls(
            **{name: getattr(one, name) for name in same},
            attempts=attempts,
            next_at=one.next_at if one.open else None,
        )


class CallBackInput(BaseModel):
    """Somebody is to be called back."""

    model_config = ConfigDict(extra="forbid")

    number: Phone
    elder_id: Reference | None = None
    queue: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")] = "general"
    priority: Annotated[int, Field(ge=0, le=9), WHOLE] = 0


def _seen(controller: ControllerDep, services: Services, who: Principal, id: str) -> CallBack:
    one = controller.callbacks.get(id)
    check(who, services, one.elder_id, "call-back")
    return one


@router.get("", responses=responses())
async def list_callbacks(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Reader,
    state: State | None = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[CallBackView]:
    """Call-backs, newest first; `failed` ones are work to be done."""
    query = select(CallBackRow).order_by(CallBackRow.id.desc()).limit(limit + 1)
    seen = elders_seen(who)
    for condition in (
        CallBackRow.state == state.value if state else None,
        CallBackRow.id < cursor if cursor else None,
        CallBackRow.elder_id.in_(seen) if seen is not None else None,
    ):
        if condition is not None:
            query = query.where(condition)

    async def stored(session: AsyncSession) -> list[CallBack]:
        return [to_callback(row) for row in await session.scalars(query)]

    known = {one.id: one for one in controller.callbacks.known()}
    rows = [one for one in await read(request, services, stored, list[CallBack]()) if one.id not in known]
    live = [one for one in known.values() if state in (None, one.state) and sees(who, services, one.elder_id)]
    items, following = page(live, rows, cursor, limit)
    return Page(items=[CallBackView.of(one) for one in items], next=following)


@router.post("", status_code=201, responses=responses(404, 409))
async def ask_for_callback(
    body: CallBackInput, services: ServicesDep, controller: ControllerDep, who: Actor
) -> CallBackView:
    """Have somebody called back when a seat is free. One that is open for the number already is answered instead.

    Only Chinese mobile and landline numbers.
    """
    elder = services.directory.directory.elder(body.elder_id) if body.elder_id else None
    if body.elder_id or who.area is not None:
        check(who, services, body.elder_id if elder is not None else None, "elder")
    known = controller.callbacks.of_number(body.number)
    if known is not None and not sees(who, services, known.elder_id):
        # Answering it would tell whose it is; it is on its way all the same.
        raise Conflict("this number is on the list of call-backs already, on behalf of somebody else")
    one = controller.callbacks.ask(
        body.number,
        queue=body.queue,
        since=services.clock.now(),
        priority=body.priority,
        elder_id=elder.id if elder is not None else None,
        elder_name=elder.name if elder is not None else "",
        actor=who.user,
    )
    return CallBackView.of(one)


@router.get("/{id}", responses=responses(404))
async def get_callback(
    id: Id, request: Request, services: ServicesDep, controller: ControllerDep, who: Reader
) -> CallBackView:
    """One call-back."""

    async def stored(session: AsyncSession) -> CallBack | None:
        row = await session.get(CallBackRow, id)
        return to_callback(row) if row is not None else None

    live = next((one for one in controller.callbacks.known() if one.id == id), None)
    found = live or await read(request, services, stored, None)
    if found is None:
        return CallBackView.of(controller.callbacks.get(id))
    check(who, services, found.elder_id, "call-back")
    return CallBackView.of(found)


@router.delete("/{id}", responses=responses(404, 409))
async def cancel_callback(id: Id, services: ServicesDep, controller: ControllerDep, who: Actor) -> CallBackView:
    """It is not wanted any more."""
    _seen(controller, services, who, id)
    return CallBackView.of(controller.callbacks.cancel(id, who.user))


@router.post("/{id}/now", responses=responses(404, 409))
async def call_back_now(id: Id, services: ServicesDep, controller: ControllerDep, who: Actor) -> CallBackView:
    """Try it as soon as a seat is free, whatever the hour; one that failed is opened again."""
    _seen(controller, services, who, id)
    return CallBackView.of(controller.callbacks.hasten(id, who.user))
