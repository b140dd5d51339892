"""The screen-pop: who calls and everything an operator wants to know of her, in one answer (B4).

Who it is, her file and contacts, her devices and open emergencies come from memory; what was before comes from the
database in a few indexed queries, and is left out, which is said, while that is away (A10).
"""

from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.areas import sees
from callcenter.api.calls import find_call
from callcenter.api.deps import ControllerDep, Services, ServicesDep, require
from callcenter.api.merged import read
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Call
from callcenter.calls.tables import CallRow
from callcenter.clock import today
from callcenter.complaints.model import ComplaintRow
from callcenter.complaints.states import OPEN as COMPLAINT_OPEN
from callcenter.controller import Controller
from callcenter.db import Base
from callcenter.follow_ups.model import FollowUpRow
from callcenter.follow_ups.states import OPEN as FOLLOW_UP_OPEN
from callcenter.intake.model import IntakeRow
from callcenter.intake.states import OPEN as INTAKE_OPEN
from callcenter.people.directory import Caller, Contact, Device, Directory, Elder
from callcenter.reports.codes import load_codes
from callcenter.work_orders.model import WorkOrderRow
from callcenter.work_orders.states import Kind as OrderKind
from callcenter.work_orders.states import State as OrderState

router = idempotency.router("/calls", "calls", live=True)

Reader = Annotated[Principal, Depends(require("calls:read"))]

Shown = TypeVar("Shown", bound=BaseModel)

PATIENCE = 0.5
"""Seconds for the past: the operator is about to speak."""
MOST = 5
UNFINISHED = frozenset({OrderState.INTAKE, OrderState.AUDITED, OrderState.DISPATCHED, OrderState.RETURNED})
"""States of a work order whose service is still to come; the follow-up of one that is done has a list of its own."""


class ScreenContact(BaseModel):
    """A person around her, in the order in which to be tried."""

    role: str
    name: str
    phone: str

    @classmethod
    def of(cls, contact: Contact) -> "ScreenContact":
        return cls(role=contact.role, name=contact.name, phone=contact.phone)


class ScreenDevice(BaseModel):
    """A device of hers."""

    id: str
    kind: str
    number: str | None
    on_test: bool


class Candidate(BaseModel):
    """One of several whom the number may stand for."""

    id: str
    code: str
    name: str
    area: str | None
    address: str | None


class ScreenElder(Candidate):
    """Her file. ``door_code`` and ``medical_notes`` are null for roles that give no care."""

    age: int | None
    sex: str | None
    birth_date: str | None
    phones: list[str]
    groups: list[str]
    door_code: str | None
    key_holder_name: str | None
    key_holder_phone: str | None
    latitude: float | None
    longitude: float | None
    medical_notes: str | None
    plan: str
    devices: list[ScreenDevice]


class PastCall(BaseModel):
    """A call before this one."""

    id: str
    line: str
    started_at: Moment
    ended_at: Moment | None
    answered: bool = Field(description="A human was there.")
    disposition: str
    note: str


class OrderTitle(BaseModel):
    """What stands in place of a summary that nobody wrote."""

    zh: str
    en: str


class OpenOrder(BaseModel):
    """A work order whose service is still to come.

    ``title``: how the emergency ended that it comes of, where nobody wrote a summary, which is empty then.
    """

    id: str
    number: str
    state: str
    kind: str
    summary: str
    title: OrderTitle | None = None
    due_at: Moment | None


class OpenFollowUp(BaseModel):
    """A follow-up that waits."""

    id: str
    state: str
    work_order_id: str
    due_at: Moment


class OpenComplaint(BaseModel):
    """A complaint that has not ended."""

    id: str
    state: str
    about: str
    text: str
    due_at: Moment


class OpenItem(BaseModel):
    """Something that came in and waits."""

    id: str
    state: str
    channel: str
    kind: str
    text: str
    at: Moment
    taken_by: str | None


class OpenEmergency(BaseModel):
    """An emergency of hers that is open now."""

    id: str
    kind: str
    opened_at: Moment
    answered_by: str
    needs_human: bool


class Past(BaseModel):
    """What the database knows."""

    last_calls: list[PastCall] = []
    open_orders: list[OpenOrder] = []
    open_follow_ups: list[OpenFollowUp] = []
    complaints: list[OpenComplaint] = []
    intake: list[OpenItem] = []


class Screen(Past):
    """Everything on one screen. ``complete`` is false when the database was not heard in time: ask again.

    ``elder`` null: a stranger, or one of ``candidates``. ``relative``: whose phone it is, when she does not call
    herself; ``device_id``: the device that called.
    """

    call_id: str
    caller: str
    line: str
    digit: str
    elder: ScreenElder | None
    relative: ScreenContact | None
    device_id: str | None
    candidates: list[Candidate]
    contacts: list[ScreenContact]
    open_emergencies: list[OpenEmergency]
    note: str
    note_revision: int
    complete: bool


@router.get("/{call_id}/screen", responses=responses(404))
async def screen_pop(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Reader, call_id: Id
) -> Screen:
    """Who calls, her file, contacts, last calls and all that is open of hers; fit to be shown while it rings."""
    call = await find_call(request, services, controller, who, call_id)
    directory = services.directory.directory
    caller = directory.find_caller(call.caller)
    elder = directory.elder(call.elder_id) if call.elder_id else None
    candidates = caller.candidates if caller is not None and elder is None else ()
    note = controller.notes.of(call)

    async def stored(session: AsyncSession) -> Past | None:
        return await _past(session, call)

    past = await read(request, services, stored, None, PATIENCE)
    return Screen(
        **(past or Past()).model_dump(),
        call_id=call.id,
        caller=call.caller,
        line=call.line,
        digit=call.digit,
        elder=_elder(services, who, directory, elder) if elder is not None else None,
        relative=_relative(caller, elder),
        device_id=call.device_id,
        candidates=[_candidate(one) for one in candidates if sees(who, services, one.id)],
        contacts=[ScreenContact.of(contact) for contact in elder.contacts] if elder is not None else [],
        open_emergencies=_emergencies(controller, call, elder),
        note=note.text,
        note_revision=note.revision,
        complete=past is not None,
    )


def _relative(caller: Caller | None, elder: Elder | None) -> ScreenContact | None:
    if caller is None or caller.contact is None or (elder is not None and caller.contact not in elder.contacts):
        return None
    return ScreenContact.of(caller.contact)


def _candidate(elder: Elder) -> Candidate:
    return Candidate(id=elder.id, code=elder.code, name=elder.name, area=elder.area, address=elder.address)


def _elder(services: Services, who: Principal, directory: Directory, elder: Elder) -> ScreenElder:
    now = services.clock.now()
    known = directory.who(elder, "", today(services.clock))
    care = who.may(Permission.ELDERS_CARE)
    same = ("sex", "birth_date", "key_holder_name", "key_holder_phone", "latitude", "longitude")
    return ScreenElder(
        **_candidate(elder).model_dump(),
        **{name: getattr(elder, name) for name in same},
        age=known.age or None,
        phones=list(elder.phones),
        groups=list(elder.groups),
        door_code=elder.door_code if care else None,
        medical_notes=elder.medical_notes if care else None,
        plan=directory.plan_for(elder).name,
        devices=[_device(device, device.on_test(now)) for device in elder.devices],
    )


def _device(device: Device, on_test: bool) -> ScreenDevice:
    return ScreenDevice(id=device.id, kind=device.kind, number=device.number, on_test=on_test)


def _emergencies(controller: Controller, call: Call, elder: Elder | None) -> list[OpenEmergency]:
    def hers(incident_elder: str | None, incident_caller: str) -> bool:
        return incident_elder == elder.id if elder is not None else bool(call.caller) and incident_caller == call.caller

    return [
        OpenEmergency(
            id=one.id,
            kind=one.kind,
            opened_at=one.opened_at,
            answered_by=one.answered_by,
            needs_human=controller.emergencies.waiting(one.id),
        )
        for one in controller.emergencies.known()
        if one.open and one.origin != SYNTHETIC and hers(one.elder_id, one.caller)
    ]


async def _past(session: AsyncSession, call: Call) -> Past:
    """Five queries by index; columns only, so that no legs or actions are loaded with them."""
    of_person = [CallRow.elder_id == call.elder_id] if call.elder_id else []
    if call.caller and not call.elder_id:
        of_person.append(CallRow.caller == call.caller)
    if not of_person:
        return Past()
    calls = (
        select(CallRow.id, CallRow.line, CallRow.started_at, CallRow.ended_at, CallRow.human_at)
        .add_columns(CallRow.disposition, CallRow.note)
        .where(or_(*of_person), CallRow.id != call.id, CallRow.via != SYNTHETIC)
        .order_by(CallRow.id.desc())
        .limit(MOST)
    )
    past = Past(
        last_calls=[
            PastCall(
                id=row.id,
                line=row.line,
                started_at=row.started_at,
                ended_at=row.ended_at,
                answered=row.human_at is not None,
                disposition=row.disposition,
                note=row.note[:200],
            )
            for row in await session.execute(calls)
        ]
    )
    items = _columns(OpenItem, IntakeRow).where(
        IntakeRow.elder_id == call.elder_id if call.elder_id else IntakeRow.caller == call.caller,
        IntakeRow.state.in_(INTAKE_OPEN),
        or_(IntakeRow.call_id != call.id, IntakeRow.call_id.is_(None)),
    )
    past.intake = await _read(session, OpenItem, items.order_by(IntakeRow.id.desc()))
    if call.elder_id:
        orders = _columns(OpenOrder, WorkOrderRow).where(
            WorkOrderRow.elder_id == call.elder_id, WorkOrderRow.state.in_(UNFINISHED)
        )
        past.open_orders = [
            _titled(one) for one in await _read(session, OpenOrder, orders.order_by(WorkOrderRow.id.desc()))
        ]
        follow_ups = _columns(OpenFollowUp, FollowUpRow).where(
            FollowUpRow.elder_id == call.elder_id, FollowUpRow.state.in_(FOLLOW_UP_OPEN)
        )
        past.open_follow_ups = await _read(session, OpenFollowUp, follow_ups.order_by(FollowUpRow.due_at))
        complaints = _columns(OpenComplaint, ComplaintRow).where(
            ComplaintRow.elder_id == call.elder_id, ComplaintRow.state.in_(COMPLAINT_OPEN)
        )
        past.complaints = await _read(session, OpenComplaint, complaints.order_by(ComplaintRow.due_at))
    return past


def _titled(order: OpenOrder) -> OpenOrder:
    """An emergency that was closed without a word leaves its outcome's code as the summary: nobody reads codes."""
    code = next((one for one in load_codes().outcomes if one.code == order.summary), None)
    if order.kind != OrderKind.EMERGENCY or code is None:
        return order
    return order.model_copy(update={"summary": "", "title": OrderTitle(zh=code.zh, en=code.en)})


def _columns(view: type[BaseModel], table: type[Base]) -> Select[Any]:
    return select(*(getattr(table, name) for name, field in view.model_fields.items() if field.is_required()))


async def _read(session: AsyncSession, view: type[Shown], query: Select[Any]) -> list[Shown]:
    rows = await session.execute(query.limit(MOST))
    return [view.model_validate(dict(row._mapping)) for row in rows]
