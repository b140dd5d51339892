"""Accounts over REST: who may sign in, with which role, at which seat (I3)."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from callcenter.accounts import service
from callcenter.accounts.model import AccountRow
from callcenter.accounts.passwords import new_sip_password
from callcenter.accounts.permissions import Role
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.shapes import Flag, Line, UserName

router = idempotency.router("/accounts", "accounts")

READER = [Depends(require("accounts:read"))]
WRITER = [Depends(require("accounts:write"))]

NewPassword = Annotated[str, Field(min_length=10, max_length=128, examples=["correct horse battery staple"])]


class AccountInput(BaseModel):
    """A new account. ``seat``: it also gets a phone, whose password is answered once.
    ``auto_answer``: that phone picks up an emergency by itself."""

    model_config = ConfigDict(extra="forbid")

    user: UserName
    name: Line
    role: Role
    password: NewPassword
    area: Line | None = None
    seat: Flag = False
    auto_answer: Flag = False


class AccountPatch(BaseModel):
    """A change: only what is given. ``seat`` true makes a new SIP password, false takes the phone away.
    A new role, area, standing or password ends the account's sign-ins. ``area`` "" serves every area."""

    model_config = ConfigDict(extra="forbid")

    name: Line | None = None
    role: Role | None = None
    area: Annotated[Line, Field(min_length=0)] | None = None
    active: Flag | None = None
    seat: Flag | None = None
    auto_answer: Flag | None = None
    password: NewPassword | None = None


class Account(BaseModel):
    """An account, without its secrets. ``seat``: it has a phone."""

    id: str
    user: str
    name: str
    role: Role
    area: str | None
    active: bool
    seat: bool
    auto_answer: bool
    version: int
    created_at: Moment
    updated_at: Moment


class AccountWithSecret(Account):
    """An account and, this once, its fresh SIP password."""

    sip_password: str | None


def shown(row: AccountRow) -> Account:
    """The account as the API shows it."""
    return Account(
        id=row.id,
        user=row.user,
        name=row.name,
        role=Role(row.role),
        area=row.area,
        active=row.active,
        seat=row.sip_ha1 is not None,
        auto_answer=row.auto_answer,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@router.get("", dependencies=READER, responses=responses())
async def list_accounts(
    session: SessionDep, part: PageDep, role: Annotated[Role | None, Query()] = None
) -> Page[Account]:
    """All accounts, oldest first."""
    query = select(AccountRow) if role is None else select(AccountRow).where(AccountRow.role == role)
    rows, following = await fetch_page(session, query, AccountRow.id, part)
    return Page(items=[shown(row) for row in rows], next=following)


@router.post("", status_code=201, dependencies=WRITER, responses=responses(409))
async def create_account(
    body: AccountInput, session: SessionDep, services: ServicesDep, request: Request, response: Response
) -> AccountWithSecret:
    """Make an account."""
    password = new_sip_password() if body.seat else None
    row = await service.create_account(
        session,
        services.clock,
        services.passwords,
        user=body.user,
        name=body.name,
        role=body.role,
        password=body.password,
        area=body.area,
        sip_password=password,
        auto_answer=body.auto_answer,
    )
    await session.flush()
    return _with_secret(row, password, request, response, session)


@router.get("/{id}", dependencies=READER, responses=responses(404))
async def get_account(id: Id, session: SessionDep, response: Response) -> Account:
    """One account."""
    row = await service.get_account(session, id)
    tag(response, row.version)
    return shown(row)


@router.patch("/{id}", dependencies=WRITER, responses=responses(404, 409, 412))
async def change_account(
    id: Id,
    body: AccountPatch,
    session: SessionDep,
    services: ServicesDep,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> AccountWithSecret:
    """Change what is given."""
    row = await service.get_account(session, id)
    check_match(row.version, if_match)
    await service.change_account(
        session,
        services.clock,
        row,
        name=body.name,
        role=body.role,
        area=body.area,
        active=body.active,
        auto_answer=body.auto_answer,
    )
    if body.password is not None:
        await service.set_password(session, services.clock, services.passwords, row, body.password)
    password = service.set_seat(services.clock, row, body.seat) if body.seat is not None else None
    await session.flush()
    return _with_secret(row, password, request, response, session)


def _with_secret(
    row: AccountRow, password: str | None, request: Request, response: Response, session: SessionDep
) -> AccountWithSecret:
    # A kept answer would keep the password readable for a day.
    request.state.answer_is_secret = password is not None
    hint(session, service.CHANGED)
    tag(response, row.version)
    return AccountWithSecret(**shown(row).model_dump(), sip_password=password)
