"""Elders over REST: the file an operator reads out, and who may see how much of it (A4, B4, I1)."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.areas import attends
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.devices.model import DeviceKind
from callcenter.errors import Conflict
from callcenter.people import search, service
from callcenter.people.keeper import CHANGED
from callcenter.people.model import ContactRole, ElderRow, Sex
from callcenter.people.schemas import ContactInput, ElderInput, ElderPatch, Group
from callcenter.shapes import Day, Flag, Line, LongLine, Phone, Prose, Reference

router = idempotency.router("/elders", "elders")

Reader = Annotated[Principal, Depends(require("elders:read"))]
Writer = Annotated[Principal, Depends(require("elders:write"))]


class Contact(BaseModel):
    """A person to alert or to add."""

    id: str
    role: str
    name: str
    phone: str


class ElderDevice(BaseModel):
    """A device in the elder's home."""

    id: str
    kind: str
    number: str | None


class Elder(BaseModel):
    """An elder. ``door_code`` and ``medical_notes`` are null for roles that give no care;
    ``id_number`` is masked for those without the right to the whole."""

    id: str
    code: str
    name: str
    phones: list[str]
    pendant: str | None
    contacts: list[Contact]
    devices: list[ElderDevice]
    groups: list[str]
    id_number: str | None
    sex: str | None
    birth_date: date | None
    area: str | None
    address: str | None
    door_code: str | None
    key_holder_name: str | None
    key_holder_phone: str | None
    latitude: float | None
    longitude: float | None
    medical_notes: str | None
    plan_id: str | None
    active: bool
    version: int
    created_at: Moment
    updated_at: Moment


def masked(id_number: str | None) -> str | None:
    """An identity number as GB/T 35273 shows it: region and last four."""
    return f"{id_number[:3]}***********{id_number[-4:]}" if id_number else None


def shown(row: ElderRow, who: Principal) -> Elder:
    """The elder as far as ``who`` may see."""
    care = who.may(Permission.ELDERS_CARE)
    devices = [device for device in row.devices if device.deleted_at is None]
    pendants = [device.number for device in devices if device.kind == DeviceKind.PENDANT]
    return Elder(
        **{
            name: getattr(row, name)
            for name in (
                *("id", "code", "name", "sex", "birth_date", "area", "address", "key_holder_name"),
                *("key_holder_phone", "latitude", "longitude", "plan_id", "active", "version"),
                *("created_at", "updated_at"),
            )
        },
        phones=[phone.number for phone in row.phones],
        pendant=next(iter(pendants), None),
        contacts=[Contact(id=c.id, role=c.role, name=c.name, phone=c.phone) for c in row.contacts],
        devices=[ElderDevice(id=d.id, kind=d.kind, number=d.number) for d in devices],
        groups=list(row.groups),
        id_number=row.id_number if who.may(Permission.ELDERS_IDENTITY) else masked(row.id_number),
        door_code=row.door_code if care else None,
        medical_notes=row.medical_notes if care else None,
    )


@router.get("", responses=responses())
async def list_elders(
    who: Reader,
    session: SessionDep,
    part: PageDep,
    q: Annotated[Line | None, Query(description="Part of name or address, start of code, or a phone number.")] = None,
    text: Annotated[
        Line | None,
        Query(
            alias="query",
            description="What the caller can say: name, pinyin or its initials, a number, its beginning or its end, a "
            "street, a code, the end of the identity number; several words all fit. The surest first, one part only.",
            examples=["cgy"],
        ),
    ] = None,
    area: Annotated[Line | None, Query()] = None,
    group: Annotated[Group | None, Query()] = None,
    plan_id: Annotated[Reference | None, Query()] = None,
    active: Annotated[bool | None, Query()] = None,
) -> Page[Elder]:
    """Find elders: oldest entry first, or with ``query`` the surest first."""
    query = service.elders_query(who, q=q, area=area, group=group, plan_id=plan_id, active=active)
    if text:
        narrowed = any(wanted is not None for wanted in (q, area, group, plan_id, active))
        fitting = await search.ranked(session, who, text, query if narrowed else None)
        return Page(items=[shown(row, who) for row in await session.scalars(fitting.limit(part.limit))], next=None)
    rows, following = await fetch_page(session, query, ElderRow.id, part)
    return Page(items=[shown(row, who) for row in rows], next=following)


@router.post("", status_code=201, responses=responses(409))
async def create_elder(
    body: ElderInput, who: Writer, session: SessionDep, services: ServicesDep, response: Response
) -> Elder:
    """Register an elder."""
    row = await service.create_elder(session, services.clock, body, who)
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row, who)


class QuickElderInput(BaseModel):
    """A caller whom nobody knows, with what can be asked in a call. ``force``: made although somebody is alike."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    name: Line = Field(examples=["陈桂英"])
    phone: Phone | None = None
    sex: Sex | None = None
    birth_date: Day | None = None
    area: Line | None = Field(None, description="One's own when the account is bound to one.")
    address: LongLine | None = None
    medical_notes: Prose | None = None
    family_name: Line | None = Field(None, description="Whom to tell; with family_phone.")
    family_phone: Phone | None = None
    force: Flag = False


class DuplicateElder(Conflict):
    """Somebody alike is there; ``extra["candidates"]`` says who."""

    code = "duplicate_elder"


@router.post("/quick", status_code=201, responses=responses(409))
async def quick_create(
    body: QuickElderInput,
    who: Annotated[Principal, Depends(require("elders:register"))],
    session: SessionDep,
    services: ServicesDep,
    response: Response,
) -> Elder:
    """Register a caller at the desk. With the same number, or the same name and day of birth, as somebody there: 409
    ``duplicate_elder`` with ``candidates`` (id, code, name, birth_date, address, phones), unless ``force``."""
    phones = [body.phone] if body.phone else []
    if not body.force:
        alike = await search.duplicates(session, who, name=body.name, phones=phones, birth_date=body.birth_date)
        if alike:
            raise DuplicateElder(
                "somebody alike is registered: choose from candidates, or send force if it is another person",
                candidates=[_candidate(row) for row in alike],
            )
    family = []
    if body.family_phone:
        name = body.family_name or "家属"
        family.append(ContactInput(role=ContactRole.FAMILY, name=name, phone=body.family_phone))
    plain = body.model_dump(include={"name", "sex", "birth_date", "address", "medical_notes"})
    data = ElderInput(**plain, area=body.area or who.area, phones=phones, contacts=family)
    row = await service.create_elder(session, services.clock, data, who)
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row, who)


def _candidate(row: ElderRow) -> dict[str, object]:
    return {
        "id": row.id,
        "code": row.code,
        "name": row.name,
        "birth_date": row.birth_date.isoformat() if row.birth_date else None,
        "address": row.address,
        "phones": [phone.number for phone in row.phones],
    }


@router.get("/{id}", responses=responses(404))
async def get_elder(id: Id, who: Reader, session: SessionDep, services: ServicesDep, response: Response) -> Elder:
    """One elder; the ETag is for `If-Match`."""
    row = await service.get_elder(session, id, None if attends(who, services, id) else who)
    tag(response, row.version)
    return shown(row, who)


@router.patch("/{id}", responses=responses(404, 409, 412))
async def change_elder(
    id: Id,
    body: ElderPatch,
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> Elder:
    """Change what is given."""
    row = await service.get_elder(session, id, who)
    check_match(row.version, if_match)
    await service.change_elder(session, services.clock, row, body, who)
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row, who)


@router.delete("/{id}", status_code=204, responses=responses(404, 409, 412))
async def delete_elder(
    id: Id, who: Writer, session: SessionDep, services: ServicesDep, if_match: IfMatch = None
) -> None:
    """Take an elder off: hidden everywhere, kept for the record."""
    row = await service.get_elder(session, id, who)
    check_match(row.version, if_match)
    await service.delete_elder(session, services.clock, row)
    hint(session, CHANGED)
