"""Accounts: made, changed, read out for Asterisk. Services never commit; the caller's transaction does."""

import hashlib

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.model import RESERVED_USERS, AccountRow, SeatAccount
from callcenter.accounts.passwords import Passwords, check_new_password, new_sip_password, sip_ha1
from callcenter.accounts.permissions import Role
from callcenter.accounts.sign_in import end_all
from callcenter.clock import Clock
from callcenter.errors import Conflict, Forbidden, InvalidInput, NotFound
from callcenter.ids import new_id
from callcenter.telephony.endpoints import is_web

CHANGED = "accounts.changed"
"""Bus topic: an account was written; whoever renders Asterisk's configuration reads them again."""


async def create_account(
    session: AsyncSession,
    clock: Clock,
    passwords: Passwords,
    *,
    user: str,
    name: str,
    role: Role,
    password: str,
    area: str | None = None,
    sip_password: str | None = None,
    auto_answer: bool = False,
) -> AccountRow:
    """Make an account, with a seat when it gets a SIP password; raises `Conflict` when the user name is taken."""
    if user in RESERVED_USERS or is_web(user):
        raise InvalidInput(
            f"the user name {user} means something else to a telephone exchange; choose another", reason="user_reserved"
        )
    check_new_password(user, password)
    if (await session.execute(select(AccountRow.id).where(AccountRow.user == user))).first():
        raise Conflict(f"the user name {user} is taken; choose another", reason="user_taken", user=user)
    now = clock.now()
    row = AccountRow(
        id=new_id(),
        user=user,
        name=name,
        role=role,
        area=area,
        password_hash=await passwords.hash(password),
        sip_ha1=sip_ha1(user, sip_password) if sip_password else None,
        auto_answer=auto_answer,
        active=True,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    return row


async def get_account(session: AsyncSession, id: str) -> AccountRow:
    """The account of that id, or `NotFound`."""
    row = await session.get(AccountRow, id)
    if row is None:
        raise NotFound("no account has this id")
    return row


async def account_of(session: AsyncSession, user: str) -> AccountRow:
    """The account of that user name, or `NotFound`."""
    row = (await session.execute(select(AccountRow).where(AccountRow.user == user))).scalar_one_or_none()
    if row is None:
        raise NotFound("no account has this user name")
    return row


async def change_account(
    session: AsyncSession,
    clock: Clock,
    row: AccountRow,
    *,
    name: str | None = None,
    role: Role | None = None,
    area: str | None = None,
    active: bool | None = None,
    auto_answer: bool | None = None,
) -> None:
    """Change what is given. A new role or standing ends the account's sign-ins; the last administrator stays one."""
    weaker = (role is not None and role != Role.ADMIN) or active is False or bool(area)
    if row.role == Role.ADMIN and row.active and not row.area and weaker and await _admins(session) <= 1:
        raise Conflict(
            "this is the last active administrator of all areas; make another one first", reason="last_admin"
        )
    ends = (role is not None and role != row.role) or (area is not None and area != row.area) or active is False
    row.name = name or row.name
    row.role = role or row.role
    row.area = row.area if area is None else area or None
    row.active = row.active if active is None else active
    row.auto_answer = row.auto_answer if auto_answer is None else auto_answer
    row.updated_at = clock.now()
    if ends:
        await end_all(session, row, clock.now())


async def set_password(
    session: AsyncSession, clock: Clock, passwords: Passwords, row: AccountRow, password: str
) -> None:
    """Give an account a new password and end its sign-ins."""
    check_new_password(row.user, password)
    row.password_hash = await passwords.hash(password)
    row.updated_at = clock.now()
    await end_all(session, row, clock.now())


async def change_own_password(
    session: AsyncSession, clock: Clock, passwords: Passwords, user: str, old: str, new: str
) -> None:
    """Change one's own password; raises `Forbidden` when the old one is wrong."""
    row = await account_of(session, user)
    if not await passwords.verify(row.password_hash, old):
        raise Forbidden("the present password is wrong")
    await set_password(session, clock, passwords, row, new)


async def set_own_auto_answer(session: AsyncSession, clock: Clock, user: str, on: bool) -> AccountRow:
    """Say whether one's own seat picks up emergencies by itself; raises `NotFound` for an account without a seat."""
    row = await account_of(session, user)
    if row.sip_ha1 is None:
        raise NotFound(f"{user} has no seat; ask an administrator to give the account one")
    row.auto_answer = on
    row.updated_at = clock.now()
    return row


def set_seat(clock: Clock, row: AccountRow, seat: bool) -> str | None:
    """Give the account a seat with a fresh SIP password, which is returned and stored nowhere; or take the seat."""
    password = new_sip_password() if seat else None
    row.sip_ha1 = sip_ha1(row.user, password) if password else None
    row.updated_at = clock.now()
    return password


async def seat_accounts(session: AsyncSession) -> list[SeatAccount]:
    """All active accounts with a seat, by user name, for Asterisk's configuration and for routing."""
    query = (
        select(AccountRow.user, AccountRow.role, AccountRow.sip_ha1, AccountRow.auto_answer, AccountRow.password_hash)
        .where(AccountRow.active, AccountRow.sip_ha1.is_not(None))
        .order_by(AccountRow.user)
    )
    return [
        SeatAccount(user, role, ha1, auto, _phone_word(password_hash, ha1))
        for user, role, ha1, auto, password_hash in await session.execute(query)
        if ha1
    ]


def _phone_word(*secrets: str) -> str:
    return hashlib.sha256("\n".join(secrets).encode()).hexdigest()[:16]


async def _admins(session: AsyncSession) -> int:
    """How many may make accounts: who is bound to an area may not."""
    query = select(func.count()).select_from(AccountRow)
    query = query.where(AccountRow.role == Role.ADMIN, AccountRow.active, AccountRow.area.is_(None))
    return (await session.execute(query)).scalar_one()
