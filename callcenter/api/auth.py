"""Signing in and out: OAuth2 password grant, rotating refresh tokens, one's own password."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts import service
from callcenter.accounts.permissions import Permission, Role
from callcenter.accounts.sign_in import SignIn, TokenPair
from callcenter.api import idempotency
from callcenter.api.deps import PrincipalDep, ServicesDep, SessionDep, client_address, hint, transaction
from callcenter.api.problems import responses
from callcenter.api.types import Line, UserName

# Tokens must never lie in the table of kept answers: these routes honour no Idempotency-Key.
tokens = APIRouter(prefix="/api/v1/auth", tags=["auth"])
router = idempotency.router("/auth", "auth")


class TokenForm(BaseModel):
    """OAuth2 password grant (RFC 6749 §4.3.2)."""

    grant_type: Literal["password"] = "password"
    username: UserName
    password: Annotated[str, Field(min_length=1, max_length=128, json_schema_extra={"format": "password"})]
    scope: Annotated[str, Field(max_length=200)] = ""


class Tokens(BaseModel):
    """An access token and the refresh token that gets the next one; each refresh token works once."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a type
    expires_in: int = Field(description="Seconds until the access token expires.", examples=[900])


class RefreshInput(BaseModel):
    """A refresh token."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: Annotated[str, Field(min_length=1, max_length=200)]


class TradeInput(RefreshInput):
    """A refresh token, and the one that it is to become."""

    next: Annotated[
        str | None,
        Field(
            pattern="^[A-Za-z0-9_-]{43}$",
            description="256 random bits, base64url. Whoever names it may ask again when the answer was lost.",
        ),
    ] = None


class PasswordInput(BaseModel):
    """One's present and new password."""

    model_config = ConfigDict(extra="forbid")

    old_password: Annotated[str, Field(min_length=1, max_length=128)]
    new_password: Annotated[str, Field(min_length=10, max_length=128, examples=["correct horse battery staple"])]


class Me(BaseModel):
    """Who is signed in."""

    user: Line
    role: Role
    area: str | None
    permissions: list[Permission]


def _sign_in(request: Request, services: ServicesDep) -> SignIn:
    def transactions() -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(request, services)

    return SignIn(
        transactions,
        services.clock,
        services.tokens,
        services.passwords,
        services.throttle,
        services.settings.refresh_hours,
    )


SignInDep = Annotated[SignIn, Depends(_sign_in)]


def _answer(pair: TokenPair) -> Tokens:
    return Tokens(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


@tokens.post("/token", responses=responses(429))
async def token(request: Request, form: Annotated[TokenForm, Form()], sign_in: SignInDep) -> Tokens:
    """Sign in with user name and password."""
    return _answer(await sign_in.with_password(form.username, form.password, client_address(request)))


@tokens.post("/refresh", responses=responses())
async def refresh(body: TradeInput, sign_in: SignInDep) -> Tokens:
    """Trade a refresh token for a new pair; the old one is void, and using it again ends the sign-in.

    Only the same trade, with the same ``next``, may be asked for again, as long as what it gave was not used.
    """
    return _answer(await sign_in.refresh(body.refresh_token, body.next))


@tokens.post("/logout", status_code=204, responses=responses())
async def logout(body: RefreshInput, sign_in: SignInDep) -> None:
    """Sign out: the refresh token and all its descendants are void."""
    await sign_in.sign_out(body.refresh_token)


@router.post("/password", status_code=204, responses=responses(404, 409, 429))
async def change_password(
    body: PasswordInput, request: Request, who: PrincipalDep, session: SessionDep, services: ServicesDep
) -> None:
    """Change one's own password; all sign-ins end when their access tokens expire."""
    # A stolen access token must not help to guess the password.
    services.throttle.begin(who.user, client_address(request))
    await service.change_own_password(
        session, services.clock, services.passwords, who.user, body.old_password, body.new_password
    )
    services.throttle.succeeded(who.user, client_address(request))
    hint(session, service.CHANGED)


@router.get("/me", responses=responses())
async def me(who: PrincipalDep) -> Me:
    """Who is signed in, and what they may do."""
    return Me(user=who.user, role=who.role, area=who.area, permissions=sorted(who.permissions))
