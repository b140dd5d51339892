"""What comes in without a human of ours: from terminals and apps, and from the public form (B5, HB 6.2, R22)."""

from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.api import idempotency
from callcenter.api.alarms import Name, SourceDep
from callcenter.api.deps import Services, ServicesDep, SessionDep, client_address
from callcenter.api.intake import IntakeDep
from callcenter.api.problems import responses
from callcenter.errors import InvalidInput
from callcenter.intake.limits import Limit, check_kept
from callcenter.intake.service import Intake
from callcenter.intake.service import Request as Received
from callcenter.intake.states import Channel, Kind
from callcenter.people.directory import Directory, Elder
from callcenter.phone import normalise
from callcenter.shapes import Flag, Instant, Line, PersonPhone

router = idempotency.router("", "intake")

Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]


class Taken(BaseModel):
    """What became of a request. ``duplicate``: it had come before."""

    id: str
    duplicate: bool


class TerminalRequest(BaseModel):
    """A need sent by a terminal or an app; whatever else it sends is ignored."""

    model_config = ConfigDict(extra="ignore")

    reference: str = Field(
        min_length=1,
        max_length=120,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="The source's own name for it; the same again is a resend.",
        examples=["APP-20260301-17"],
    )
    text: Text = Field(examples=["想预约周三的理发"])
    kind: Kind = Kind.SERVICE
    channel: Channel = Field(Channel.TERMINAL, description="terminal or app")
    device: Name | None = Field(
        None,
        description="The device's serial, or the number it calls from.",
        validation_alias=AliasChoices("device", "serial", "device_serial", "device_number"),
    )
    elder_code: Name | None = None
    caller: Name | None = Field(None, description="A number to call back.")
    contact: Name | None = None
    at: Instant | None = None


@router.post(
    "/requests",
    status_code=201,
    responses=responses(429) | {200: {"model": Taken, "description": "Taken in before."}},
)
async def receive_request(
    body: TerminalRequest,
    by: SourceDep,
    services: ServicesDep,
    session: SessionDep,
    intake: IntakeDep,
    response: Response,
) -> Taken:
    """Take a need in from a terminal or an app, which shows who it is as alarm sources do: 201, or 200 when it came
    before. Not for emergencies: those are alarms."""
    channel = body.channel if body.channel in (Channel.TERMINAL, Channel.APP) else Channel.TERMINAL
    directory = services.directory.directory
    elder = _elder(directory, body)
    if by.area is not None and elder is not None and elder.area != by.area:
        elder = None  # a source of one area says nothing about another's people
    number = normalise(body.caller) or (elder.number_of(None) if elder is not None else "")
    received = Received(
        channel=channel,
        kind=body.kind,
        text=body.text,
        elder_id=elder.id if elder is not None else None,
        caller=number[:32],
        contact=body.contact or (elder.name if elder is not None else ""),
        at=min(body.at, services.clock.now()) if body.at is not None else None,
        source=f"{by.name}:{body.reference}",
    )
    row, new = await intake.receive(session, received, f"source:{by.name}")
    if not new:
        response.status_code = 200
    return Taken(id=row.id, duplicate=not new)


def _elder(directory: Directory, body: TerminalRequest) -> Elder | None:
    if body.elder_code and (elder := directory.elder_of_code(body.elder_code)) is not None:
        return elder
    if body.device and (found := directory.device(body.device)) is not None:
        return found[0]
    caller = directory.find_caller(body.caller) if body.caller else None
    return caller.elder if caller is not None else None


class PublicRequest(BaseModel):
    """The public form. ``consent`` must be given; ``website`` is a trap for programs and stays empty."""

    model_config = ConfigDict(extra="forbid")

    name: Line = Field(examples=["陈晓燕"])
    phone: PersonPhone
    text: Text = Field(examples=["想了解上门助浴的价格"])
    kind: Kind = Kind.OTHER
    elder: Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = Field(
        "", description="For whom, when it is somebody else."
    )
    address: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = ""
    consent: Flag
    website: str = Field("", max_length=2000)


class Accepted(BaseModel):
    """It is with the desk. ``reference``: to be named when asking about it."""

    reference: str


def limit(request: Request, services: ServicesDep) -> None:
    """Count a stranger's request; raises `TooManyAttempts`."""
    kept: Limit = request.app.state.public_limit
    kept.begin(client_address(request), services.clock.monotonic())


async def accept(session: AsyncSession, services: Services, body: PublicRequest, address: str) -> str:
    """Put a public request into the list; answers its reference. Raises `InvalidInput` without consent, and
    `TooManyAttempts` when so much is stored of ``address`` or of everybody already.

    What fell into the trap is answered alike and kept nowhere.
    """
    if not body.consent:
        raise InvalidInput("the consent must be given: without it we may not keep this", field="consent")
    if body.website:
        return "000000"
    caller = services.directory.directory.find_caller(body.phone)
    elder = caller.elder if caller is not None else None
    about = [f"老人：{body.elder}"] if body.elder.strip() else []
    about += [f"地址：{body.address}"] if body.address.strip() else []
    now = services.clock.now()
    await check_kept(session, address, now)
    received = Received(
        channel=Channel.WEB,
        kind=body.kind,
        text="\n".join([body.text, *about]),
        elder_id=elder.id if elder is not None else None,
        caller=body.phone[:32],
        contact=body.name,
        consent_at=now,
    )
    row, _ = await Intake(services.clock, services.bus).receive(session, received, "web")
    return row.id[-6:].upper()


@router.post("/public/requests", status_code=201, responses=responses(429), dependencies=[Depends(limit)])
async def receive_public_request(
    request: Request, body: PublicRequest, services: ServicesDep, session: SessionDep
) -> Accepted:
    """A request from anybody, without a token; at most ten in ten minutes from one address. The page is /request."""
    return Accepted(reference=await accept(session, services, body, client_address(request)))
