"""Holidays over REST: the country's, and the centre's own days (B1)."""

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.problems import responses
from callcenter.api.types import Page
from callcenter.clock import today
from callcenter.queues import service
from callcenter.queues.hours import moved, statutory
from callcenter.queues.model import OwnDay
from callcenter.queues.schemas import OwnDaysInput, SaidInput
from callcenter.queues.service import CHANGED
from callcenter.shapes import Day

router = idempotency.router("/holidays", "queues")

Reader = Annotated[Principal, Depends(require("queues:read"))]
Writer = Annotated[Principal, Depends(require("queues:write"))]


class DayView(BaseModel):
    """A day that is not as its weekday is."""

    date: date
    kind: Literal["open", "closed"] = Field(description="open: worked, with Monday's hours on a weekend.")
    name: str
    own: bool = Field(description="Said by the centre; else by the State Council.")


def _own(day: OwnDay) -> DayView:
    kind: Literal["open", "closed"] = "open" if day.kind == "open" else "closed"
    return DayView(date=date.fromisoformat(day.date), kind=kind, name=day.name, own=True)


def _statutory(year: int) -> list[DayView]:
    """A year's statutory holidays and the weekends that are worked for them; none while they are not published."""
    found: list[DayView] = []
    day = date(year, 1, 1)
    while day.year == year:
        name = statutory(day)
        if name is not None:
            found.append(DayView(date=day, kind="closed", name=name, own=False))
        elif moved(day, {}):
            found.append(DayView(date=day, kind="open", name="", own=False))
        day += timedelta(days=1)
    return found


@router.get("", responses=responses())
async def list_holidays(
    session: SessionDep,
    services: ServicesDep,
    _: Reader,
    year: Annotated[int | None, Query(ge=2004, le=2100, description="This year by default.")] = None,
) -> Page[DayView]:
    """A year's holidays, worked weekends and own days by date; never more than one page."""
    wanted = year or today(services.clock).year
    own = [_own(day) for day in await service.own_days(session)]
    days = {day.date: day for day in (*_statutory(wanted), *own) if day.date.year == wanted}
    return Page(items=[days[at] for at in sorted(days)], next=None)


@router.put("", responses=responses())
async def set_own_days(body: OwnDaysInput, session: SessionDep, services: ServicesDep, _: Writer) -> Page[DayView]:
    """Say all days of one's own, of every year; those left out are as in the calendar again."""
    days = await service.set_own_days(session, services.clock, body)
    hint(session, CHANGED)
    return Page(items=[_own(day) for day in days], next=None)


@router.put("/{date}", responses=responses())
async def set_own_day(date: Day, body: SaidInput, session: SessionDep, services: ServicesDep, _: Writer) -> DayView:
    """Say one day of one's own; all others stay as they are."""
    await service.set_own_day(session, services.clock, date, body)
    hint(session, CHANGED)
    return DayView(date=date, kind=body.kind, name=body.name, own=True)


@router.delete("/{date}", status_code=204, responses=responses())
async def forget_own_day(date: Day, session: SessionDep, _: Writer) -> None:
    """Let a day be as in the calendar again; also when nobody said otherwise."""
    await service.forget_own_day(session, date)
    hint(session, CHANGED)
