"""What terminals, home monitors and fences send: alarms, positions, heartbeats; and the list of alarms (A5, F1, R18).

A source shows who it is by a token or a signature. An alarm is refused only when it says neither what it is nor which
one: an unusable position, clock or battery must not keep a call for help out.
"""

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.alarms.facts import AlarmReceived
from callcenter.alarms.kinds import AlarmKind, AlarmState
from callcenter.alarms.model import AlarmRow
from callcenter.alarms.projector import values_of
from callcenter.alarms.service import Place, Report
from callcenter.alarms.sources import Source
from callcenter.api import idempotency
from callcenter.api.areas import elders_seen, sees
from callcenter.api.deps import ControllerDep, ServicesDep, client_address, require
from callcenter.api.idempotency import Handler
from callcenter.api.merged import page, read
from callcenter.api.problems import responses
from callcenter.api.types import Moment, Page
from callcenter.controller import Controller
from callcenter.errors import Unavailable
from callcenter.people.schemas import Latitude, Longitude
from callcenter.shapes import Instant, Number


class _JsonWhateverItSays(idempotency.LiveIdempotentRoute):
    """Small devices name no content type, or a wrong one; their body is JSON all the same."""

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            headers = [header for header in request.scope["headers"] if header[0] != b"content-type"]
            request.scope["headers"] = [*headers, (b"content-type", b"application/json")]
            return await original(Request(request.scope, request.receive))

        return handle


router = APIRouter(prefix="/api/v1", tags=["alarms"], route_class=_JsonWhateverItSays)

MOST_AT_ONCE = 100

Reader = Annotated[Principal, Depends(require("emergencies:read"))]


async def source(
    request: Request,
    services: ServicesDep,
    _authorization: Annotated[str | None, Header(alias="Authorization", description="Bearer and the token.")] = None,
    _signature: Annotated[str | None, Header(alias="X-Signature", description="sha256= and the hex HMAC-SHA256 of "
                                             "the timestamp, a dot and the body.")] = None,
    _timestamp: Annotated[str | None, Header(alias="X-Timestamp", description="Seconds since 1970.")] = None,
) -> Source:  # fmt: skip
    """Which source sends this; 401 when none we know. Never touches the database (A10)."""
    return services.alarm_sources.sources.who(request.headers, await request.body(), client_address(request))


SourceDep = Annotated[Source, Depends(source)]


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


def _whatever_can_be_used(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """A list with None for what is no such thing: one receiver's nonsense must not keep the others' news out."""
    try:
        return handler(value)
    except ValidationError as error:
        bad = {part["loc"][0] for part in error.errors(include_input=False) if part["loc"]}
        if not isinstance(value, list) or not 0 < len(bad) < len(value):
            raise
        return handler([None if index in bad else one for index, one in enumerate(value)])


Percent = Annotated[Number, Field(ge=0, le=100)]
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]


class PositionInput(BaseModel):
    """Where a device is: WGS-84."""

    model_config = ConfigDict(extra="ignore")

    latitude: Latitude
    longitude: Longitude
    accuracy_m: Annotated[Number | None, WrapValidator(_or_none)] = Field(None, description="Radius, metres.")
    at: Annotated[Instant | None, WrapValidator(_or_none)] = Field(None, description="When the fix was taken.")

    def place(self) -> Place:
        """The same inside."""
        return Place(self.latitude, self.longitude, self.accuracy_m, self.at)


class AlarmInput(BaseModel):
    """An alarm. Whatever else a device sends is ignored; what it sends of the optional fields and cannot be used is
    left out and named in the answer."""

    model_config = ConfigDict(extra="ignore")

    reference: str = Field(
        min_length=1,
        max_length=120,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="The source's own name for this alarm; the same again is a resend.",
        examples=["PD-0001-000017"],
    )
    kind: AlarmKind
    device: Annotated[Name | None, WrapValidator(_or_none)] = Field(
        None,
        description="The device's serial, or the number it calls from.",
        examples=["PD-0001"],
        validation_alias=AliasChoices("device", "serial", "device_serial", "device_number"),
    )
    elder_code: Annotated[Name | None, WrapValidator(_or_none)] = Field(
        None, description="The elder's number in the register.", examples=["SZ-2024-0001"]
    )
    caller: Annotated[Name | None, WrapValidator(_or_none)] = Field(
        None, description="A number to call back.", examples=["13800001001"]
    )
    position: Annotated[PositionInput | None, WrapValidator(_or_none)] = None
    battery: Annotated[Percent | None, WrapValidator(_or_none)] = Field(None, description="Percent.")
    at: Annotated[Instant | None, WrapValidator(_or_none)] = Field(None, description="By the device's clock.")

    def report(self) -> Report:
        """The same inside."""
        return Report(
            reference=self.reference,
            kind=self.kind,
            device=self.device or "",
            elder_code=self.elder_code or "",
            caller=self.caller or "",
            battery=None if self.battery is None else round(self.battery),
            at=self.at,
            place=self.position.place() if self.position else None,
        )

    @property
    def unusable(self) -> list[str]:
        """What was sent and is nothing that could be used."""
        return sorted(name for name in self.model_fields_set if getattr(self, name) is None)


class AlarmAnswer(BaseModel):
    """What became of an alarm."""

    id: str
    state: AlarmState = Field(description="raised (an incident), acknowledged (a test) or noted (a battery).")
    acknowledged: bool = Field(description="A test that went all the way; no human was called.")
    incident_id: str | None
    duplicate: bool = Field(description="It had come before; nothing happened now.")
    ignored: list[str] = Field(description="Fields that could not be used.")


class AlarmPosition(BaseModel):
    """Where the alarm came from."""

    latitude: float
    longitude: float
    accuracy_m: float | None
    at: Moment | None


class AlarmView(BaseModel):
    """One alarm. ``on_test``: its device was being tested; it reached a human all the same, unless it said test."""

    id: str
    source: str
    reference: str
    kind: str
    state: str
    received_at: Moment
    at: Moment | None
    device: str
    device_id: str | None
    elder_id: str | None
    caller: str
    incident_id: str | None
    on_test: bool
    battery: int | None
    position: AlarmPosition | None

    @classmethod
    def of(cls, values: dict[str, Any]) -> "AlarmView":
        position = None
        if values["latitude"] is not None:
            position = AlarmPosition(**{name: values[name] for name in ("latitude", "longitude", "accuracy_m")},
                                     at=values["fix_at"])  # fmt: skip
        return cls(**{name: values[name] for name in cls.model_fields if name != "position"}, position=position)


async def _on_disk(controller: Controller) -> None:
    if not await controller.journal.durable():
        raise Unavailable("this was taken up, but it is not on disk yet; send it again")


@router.post(
    "/alarms",
    status_code=202,
    responses=responses(429) | {200: {"model": AlarmAnswer, "description": "Taken in before."}},
)
async def receive_alarm(body: AlarmInput, by: SourceDep, controller: ControllerDep, response: Response) -> AlarmAnswer:
    """Take an alarm in: 202 when it is new and on disk, 200 when it came before; 503: send it again, it is safe to.

    A device or elder that nobody knows is no reason to refuse it.
    """
    receipt = controller.alarms.receive(by.name, by.area or "", body.report())
    await _on_disk(controller)
    if receipt.duplicate:
        response.status_code = 200
    return AlarmAnswer(
        id=receipt.id,
        state=receipt.state,
        acknowledged=receipt.state is AlarmState.ACKNOWLEDGED,
        incident_id=receipt.incident_id,
        duplicate=receipt.duplicate,
        ignored=body.unusable,
    )


@router.get("/alarms", responses=responses())
async def list_alarms(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Reader,
    kind: AlarmKind | None = None,
    state: AlarmState | None = None,
    elder_id: Annotated[str | None, Query(max_length=64)] = None,
    device_id: Annotated[str | None, Query(max_length=64)] = None,
    incident_id: Annotated[str | None, Query(max_length=64)] = None,
    since: Annotated[Instant | None, Query(description="Received at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Received before.")] = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[AlarmView]:
    """Alarms, newest first; the latest also while the database is away."""
    wanted = {"kind": kind, "state": state, "elder_id": elder_id, "device_id": device_id, "incident_id": incident_id}
    given = {name: str(value) for name, value in wanted.items() if value is not None}

    def fits(values: dict[str, Any]) -> bool:
        return (
            all(values[name] == value for name, value in given.items())
            and (cursor is None or values["id"] < cursor)
            and (since is None or values["received_at"] >= since)
            and (until is None or values["received_at"] < until)
            and sees(who, services, values["elder_id"])
        )

    query: Select[AlarmRow] = select(AlarmRow).order_by(AlarmRow.id.desc()).limit(limit + 1)
    query = query.where(*(getattr(AlarmRow, name) == value for name, value in given.items()))
    for condition in (
        AlarmRow.received_at >= since if since else None,
        AlarmRow.received_at < until if until else None,
        AlarmRow.id < cursor if cursor else None,
        AlarmRow.elder_id.in_(seen) if (seen := elders_seen(who)) is not None else None,
    ):
        if condition is not None:
            query = query.where(condition)

    async def stored(session: AsyncSession) -> list[AlarmView]:
        return [AlarmView.of(vars(row)) for row in await session.scalars(query)]

    newest_first = (
        values_of(fact, fact.body)
        for fact in reversed(controller.alarms.latest())
        if isinstance(fact.body, AlarmReceived)
    )
    live = [AlarmView.of(values) for values in islice(filter(fits, newest_first), limit + 1)]
    rows = await read(request, services, stored, list[AlarmView]())
    items, following = page(live, rows, cursor, limit)
    return Page(items=items, next=following)


class TerminalPosition(PositionInput):
    """Where one terminal is."""

    device: Name = Field(description="The device's serial, or the number it calls from.", examples=["MT-0004"])
    battery: Annotated[Percent | None, WrapValidator(_or_none)] = Field(None, description="Percent.")


class PositionsInput(BaseModel):
    """Positions, oldest first."""

    model_config = ConfigDict(extra="ignore")

    positions: Annotated[
        list[TerminalPosition | None],
        Field(min_length=1, max_length=MOST_AT_ONCE),
        WrapValidator(_whatever_can_be_used),
    ]


class Refused(BaseModel):
    """What could not be used, by its place in the list, from 0."""

    index: int
    reason: str = Field(
        description="unknown_device, unusable (a field of it), or no_place (0° N 0° E: a receiver without a fix)."
    )


class BatchAnswer(BaseModel):
    """What became of a list."""

    accepted: int
    refused: list[Refused]


@router.post("/positions", responses=responses(429))
async def receive_positions(body: PositionsInput, by: SourceDep, controller: ControllerDep) -> BatchAnswer:  # noqa: ARG001
    """Take positions in; fences are judged at once (A4, A5)."""
    refused = []
    for index, one in enumerate(body.positions):
        reason = "unusable"
        if one is not None:
            battery = None if one.battery is None else round(one.battery)
            reason = controller.alarms.position(one.device, one.place(), battery)
        if reason:
            refused.append(Refused(index=index, reason=reason))
    return BatchAnswer(accepted=len(body.positions) - len(refused), refused=refused)


class Heartbeat(BaseModel):
    """A sign of life."""

    model_config = ConfigDict(extra="ignore")

    device: Name = Field(description="The device's serial, or the number it calls from.", examples=["PD-0001"])
    battery: Annotated[Percent | None, WrapValidator(_or_none)] = Field(None, description="Percent.")


class HeartbeatsInput(BaseModel):
    """Signs of life."""

    model_config = ConfigDict(extra="ignore")

    devices: Annotated[
        list[Heartbeat | None], Field(min_length=1, max_length=MOST_AT_ONCE), WrapValidator(_whatever_can_be_used)
    ]


@router.post("/heartbeats", responses=responses(429))
async def receive_heartbeats(body: HeartbeatsInput, by: SourceDep, controller: ControllerDep) -> BatchAnswer:  # noqa: ARG001
    """Devices let themselves be heard (F1)."""
    refused = []
    for index, one in enumerate(body.devices):
        if one is None:
            refused.append(Refused(index=index, reason="unusable"))
        elif not controller.alarms.heartbeat(one.device, None if one.battery is None else round(one.battery)):
            refused.append(Refused(index=index, reason="unknown_device"))
    return BatchAnswer(accepted=len(body.devices) - len(refused), refused=refused)
