"""Devices over REST: register, tie to an elder, test, take out of service (F1, F2)."""

from typing import Annotated

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import Services, ServicesDep, SessionDep, hint, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.devices import service
from callcenter.devices.model import DeviceKind, DeviceRow, DeviceState
from callcenter.devices.service import TEST_MINUTES, DeviceInput, DevicePatch
from callcenter.people.keeper import CHANGED
from callcenter.shapes import Number, Phone, Reference

router = idempotency.router("/devices", "devices")

Reader = Annotated[Principal, Depends(require("devices:read"))]
Writer = Annotated[Principal, Depends(require("devices:write"))]


class Device(BaseModel):
    """A device. ``state`` is the one in force: a test that has run out no longer counts.

    ``battery`` in percent and ``last_seen_at`` are the device's own last word, ``last_test_at`` its last test alarm.
    """

    id: str
    kind: DeviceKind
    serial: str
    number: str | None
    elder_id: str | None
    state: DeviceState
    on_test_until: Moment | None
    heartbeat_seconds: int | None
    last_seen_at: Moment | None
    last_test_at: Moment | None
    battery: int | None
    version: int
    created_at: Moment
    updated_at: Moment


class StateInput(BaseModel):
    """The state to move to."""

    model_config = ConfigDict(extra="forbid")

    state: DeviceState
    test_minutes: Number = Field(TEST_MINUTES, ge=1, le=1440, description="For on_test: it ends by itself after this.")


def shown(row: DeviceRow, services: Services) -> Device:
    """The device as the API shows it."""
    state = service.state_of(row, services.clock.now())
    # Memory is newer than the rows, which are written every few seconds.
    presence = services.controller.presence if services.controller else None
    seen, battery = (presence.last_heard(row.id), presence.battery(row.id)) if presence else (None, None)
    return Device(
        id=row.id,
        kind=DeviceKind(row.kind),
        serial=row.serial,
        number=row.number,
        elder_id=row.elder_id,
        state=state,
        on_test_until=row.on_test_until if state is DeviceState.ON_TEST else None,
        heartbeat_seconds=row.heartbeat_seconds,
        last_seen_at=seen or row.last_seen_at,
        last_test_at=row.last_test_at,
        battery=row.battery if battery is None else battery,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@router.get("", responses=responses())
async def list_devices(
    who: Reader,
    session: SessionDep,
    services: ServicesDep,
    part: PageDep,
    elder_id: Annotated[Reference | None, Query()] = None,
    state: Annotated[DeviceState | None, Query()] = None,
    kind: Annotated[DeviceKind | None, Query()] = None,
    number: Annotated[Phone | None, Query()] = None,
) -> Page[Device]:
    """Find devices, oldest entry first."""
    query = service.devices_query(who, elder_id=elder_id, state=state, kind=kind, number=number)
    rows, following = await fetch_page(session, query, DeviceRow.id, part)
    return Page(items=[shown(row, services) for row in rows], next=following)


@router.post("", status_code=201, responses=responses(409))
async def create_device(
    body: DeviceInput, who: Writer, session: SessionDep, services: ServicesDep, response: Response
) -> Device:
    """Register a device; it goes live through a test."""
    row = await service.create_device(session, services.clock, body, who)
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row, services)


@router.get("/{id}", responses=responses(404))
async def get_device(id: Id, who: Reader, session: SessionDep, services: ServicesDep, response: Response) -> Device:
    """One device."""
    row = await service.get_device(session, id, who)
    tag(response, row.version)
    return shown(row, services)


@router.patch("/{id}", responses=responses(404, 409, 412))
async def change_device(
    id: Id,
    body: DevicePatch,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> Device:
    """Change what is given; the state has its own route."""
    row = await service.get_device(session, id, who)
    check_match(row.version, if_match)
    await service.change_device(session, services.clock, row, body, who)
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row, services)


@router.put("/{id}/state", responses=responses(404, 409))
async def set_state(
    id: Id, body: StateInput, who: Writer, session: SessionDep, services: ServicesDep, response: Response
) -> Device:
    """Move a device to another state; 409 when no such step is allowed."""
    row = await service.get_device(session, id, who)
    service.set_state(services.clock, row, body.state, body.test_minutes)
    await session.flush()
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row, services)


@router.delete("/{id}", status_code=204, responses=responses(404, 409, 412))
async def delete_device(
    id: Id, who: Writer, session: SessionDep, services: ServicesDep, if_match: IfMatch = None
) -> None:
    """Take a device off."""
    row = await service.get_device(session, id, who)
    check_match(row.version, if_match)
    service.delete_device(services.clock, row)
    hint(session, CHANGED)
