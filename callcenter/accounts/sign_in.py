"""Signing in, staying signed in, signing out: passwords, rotating refresh tokens with reuse detection
(RFC 6749 §4.3 and §6, RFC 9700 §4.14)."""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.model import AccountRow, RefreshTokenRow
from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.accounts.throttle import Throttle
from callcenter.accounts.tokens import Tokens
from callcenter.audit import trail
from callcenter.clock import Clock
from callcenter.errors import NotAuthenticated
from callcenter.ids import new_id

_WRONG = "user name or password is wrong"
_NO_REFRESH = "the refresh token is not valid any more; sign in again"

Transactions = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class TokenPair(msgspec.Struct, frozen=True):
    """What a sign-in yields. ``expires_in``: seconds until the access token expires."""

    access_token: str
    refresh_token: str
    expires_in: int


class SignIn:
    """The three acts. They open their own transactions: what a refusal reveals must be stored although it fails."""

    def __init__(
        self,
        transactions: Transactions,
        clock: Clock,
        tokens: Tokens,
        passwords: Passwords,
        throttle: Throttle,
        refresh_hours: float,
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._tokens = tokens
        self._passwords = passwords
        self._throttle = throttle
        self._life = timedelta(hours=refresh_hours)

    async def with_password(self, user: str, password: str, address: str) -> TokenPair:
        """Sign in; raises `NotAuthenticated` or `TooManyAttempts`. Every try leaves a trace."""
        self._throttle.begin(user, address)
        async with self._transactions() as session:
            account = await _by_user(session, user)
        # Outside the transaction: hashing takes long and must not hold a connection.
        right = await self._passwords.verify(account.password_hash if account else None, password)
        async with self._transactions() as session:
            # Read again: somebody may have switched the account off in the meantime.
            account = await _by_user(session, user) if right else None
            trail.note(session, "sign_in" if account else "sign_in_refused", "accounts", user)
            pair = await self._issue(session, account, new_id()) if account else None
        if pair is None:
            raise NotAuthenticated(_WRONG)
        self._throttle.succeeded(user, address)
        return pair

    async def refresh(self, token: str, successor: str | None = None) -> TokenPair:
        """Trade a refresh token for a new pair. A token that comes twice was stolen: its whole family ends.

        ``successor``: the new one, of the client's own making. A trade that comes again with the same was lost on
        its way back, on a page that was reloaded or in a network that was cut, and is answered again: only who began
        it knows the successor.
        """
        async with self._transactions() as session:
            now = self._clock.now()
            row = await session.get(RefreshTokenRow, _digest(token))
            if row is None:
                raise NotAuthenticated(_NO_REFRESH)
            taken = await session.execute(
                update(RefreshTokenRow)
                .where(RefreshTokenRow.digest == row.digest)
                .where(RefreshTokenRow.used_at.is_(None), RefreshTokenRow.revoked_at.is_(None))
                .where(RefreshTokenRow.expires_at > now)
                .values(used_at=now)
            )
            account = await session.get(AccountRow, row.account_id)
            pair = None
            began = await session.get(RefreshTokenRow, _digest(successor)) if successor else None
            if account is not None and account.active:
                if taken.rowcount == 1 and began is None:  # type: ignore[attr-defined]
                    pair = await self._issue(session, account, row.family, successor)
                elif successor and began is not None and began is not row and _waits(began, row.family, now):
                    pair = self._pair(account, row.family, successor)
            if pair is None and row.used_at is not None and row.revoked_at is None:
                await _end_family(session, row.family, now)
                trail.note(session, "refresh_token_reused", "accounts", account.user if account else "")
        if pair is None:
            raise NotAuthenticated(_NO_REFRESH)
        return pair

    async def sign_out(self, token: str) -> None:
        """End the sign-in that the refresh token belongs to; an unknown token is no error."""
        async with self._transactions() as session:
            row = await session.get(RefreshTokenRow, _digest(token))
            if row is not None:
                await _end_family(session, row.family, self._clock.now())

    async def _issue(
        self, session: AsyncSession, account: AccountRow, family: str, refresh: str | None = None
    ) -> TokenPair:
        now = self._clock.now()
        refresh = refresh or secrets.token_urlsafe(32)
        session.add(
            RefreshTokenRow(
                digest=_digest(refresh),
                family=family,
                account_id=account.id,
                issued_at=now,
                expires_at=now + self._life,
            )
        )
        return self._pair(account, family, refresh)

    def _pair(self, account: AccountRow, family: str, refresh: str) -> TokenPair:
        who = Principal(account.user, Role(account.role), account.area, family)
        return TokenPair(self._tokens.issue(who), refresh, self._tokens.seconds)


async def end_all(session: AsyncSession, account: AccountRow, now: datetime) -> None:
    """End every sign-in of an account: its password, role or standing has changed."""
    await session.execute(
        update(RefreshTokenRow)
        .where(RefreshTokenRow.account_id == account.id, RefreshTokenRow.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def forget(session: AsyncSession, now: datetime) -> None:
    """Delete refresh tokens that expired more than a day ago; for the worker's timer."""
    await session.execute(delete(RefreshTokenRow).where(RefreshTokenRow.expires_at < now - timedelta(days=1)))


async def _by_user(session: AsyncSession, user: str) -> AccountRow | None:
    query = select(AccountRow).where(AccountRow.user == user, AccountRow.active)
    return (await session.execute(query)).scalar_one_or_none()


def _waits(began: RefreshTokenRow, family: str, now: datetime) -> bool:
    """Whether this is what a token of the family became, and nobody has used it yet."""
    return began.family == family and began.used_at is None and began.revoked_at is None and began.expires_at > now


async def _end_family(session: AsyncSession, family: str, now: datetime) -> None:
    await session.execute(
        update(RefreshTokenRow)
        .where(RefreshTokenRow.family == family, RefreshTokenRow.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
