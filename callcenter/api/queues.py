"""Queues over REST: their settings, and who waits in them (B1, B7)."""

from typing import Annotated, Any

from fastapi import Depends, Path, Response
from pydantic import BaseModel, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ControllerDep, ServicesDep, SessionDep, hint, require
from callcenter.api.problems import responses
from callcenter.api.types import Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.clock import Clock
from callcenter.menus.service import check_unused
from callcenter.queues import service
from callcenter.queues.hours import is_open
from callcenter.queues.schemas import CODE_PATTERN, QueueInput, QueueSettings
from callcenter.queues.service import CHANGED
from callcenter.queues.tables import QueueRow

router = idempotency.router("/queues", "queues")

Reader = Annotated[Principal, Depends(require("queues:read"))]
Writer = Annotated[Principal, Depends(require("queues:write"))]
Code = Annotated[str, Path(pattern=CODE_PATTERN, examples=["general"])]


class QueueView(QueueInput):
    """A queue."""

    open: bool = Field(description="Whether its hours say that it is open now.")
    version: int = Field(description="0: the general queue as it is without configuration.")
    updated_at: Moment | None


class CallerView(BaseModel):
    """Somebody who waits."""

    call_id: str
    position: int = Field(description="1 is the next.")
    since: Moment = Field(description="From when her place counts.")
    waited_seconds: float
    expected_wait_seconds: float | None = Field(description="null: nobody serves the queue.")
    priority: float = Field(description="With what her waiting has added.")


async def _view(session: SessionDep, clock: Clock, row: QueueRow) -> QueueView:
    own = {day.date: day for day in await service.own_days(session)}
    values: dict[str, Any] = {field: getattr(row, field) for field in QueueInput.model_fields if field != "closed"}
    return QueueView(
        **values,
        closed={"to": row.closed_to},
        open=is_open(service.queue_of(row), clock.now(), own),
        version=row.version or 0,
        updated_at=row.updated_at,
    )


@router.get("", responses=responses())
async def list_queues(session: SessionDep, services: ServicesDep, _: Reader) -> Page[QueueView]:
    """All queues by code; never more than one page."""
    rows = await service.all_queues(session)
    return Page(items=[await _view(session, services.clock, row) for row in rows], next=None)


@router.post("", status_code=201, responses=responses(409))
async def create_queue(
    body: QueueInput, session: SessionDep, services: ServicesDep, _: Writer, response: Response
) -> QueueView:
    """Make a queue."""
    row = await service.create_queue(session, services.clock, body)
    hint(session, CHANGED)
    tag(response, row.version)
    return await _view(session, services.clock, row)


@router.get("/{code}", responses=responses(404))
async def get_queue(code: Code, session: SessionDep, services: ServicesDep, _: Reader, response: Response) -> QueueView:
    """One queue."""
    row = await service.get_queue(session, code)
    tag(response, row.version or 0)
    return await _view(session, services.clock, row)


@router.put("/{code}", responses=responses(404, 409, 412))
async def change_queue(
    code: Code,
    body: QueueSettings,
    session: SessionDep,
    services: ServicesDep,
    _: Writer,
    response: Response,
    if_match: IfMatch = None,
) -> QueueView:
    """Give a queue other settings; what is left out is as by default. Who waits in it is served by the new ones."""
    check_match((await service.get_queue(session, code)).version or 0, if_match)
    row = await service.change_queue(session, services.clock, code, body)
    hint(session, CHANGED)
    tag(response, row.version)
    return await _view(session, services.clock, row)


@router.delete("/{code}", status_code=204, responses=responses(404, 409, 412))
async def delete_queue(code: Code, session: SessionDep, _: Writer, if_match: IfMatch = None) -> None:
    """Delete a queue to which no live menu leads. Whoever waits in it waits on in the general one."""
    check_match((await service.get_queue(session, code)).version or 0, if_match)
    await check_unused(session, code)
    await service.delete_queue(session, code)
    hint(session, CHANGED)


@router.get("/{code}/callers", responses=responses(404))
async def list_callers(code: Code, session: SessionDep, controller: ControllerDep, _: Reader) -> Page[CallerView]:
    """Everybody who waits in a queue, the next first; never more than one page."""
    row = await service.get_queue(session, code)
    callers = controller.hotline.callers(row.code)
    return Page(items=[CallerView.model_validate(caller, from_attributes=True) for caller in callers], next=None)
