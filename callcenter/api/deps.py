"""What every route may ask for: the services, who asks, and one transaction a request."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, cast

import structlog
from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Permission, Principal
from callcenter.accounts.secrets import secrets_dir, signing_key
from callcenter.accounts.throttle import Throttle
from callcenter.accounts.tokens import Tokens
from callcenter.alarms.source_keeper import SourcesKeeper
from callcenter.api.problems import database_error
from callcenter.audit import trail
from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.errors import NotAuthenticated, PbxUnavailable
from callcenter.feed import Feed
from callcenter.journal import Journal
from callcenter.metrics import Metrics
from callcenter.people.keeper import DirectoryKeeper
from callcenter.queues.model import Book
from callcenter.reports.board import Board
from callcenter.settings import Settings
from callcenter.worker_link import WorkerLink

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything the routes work with, put together once in the composition root.

    A new field needs a default of None, so that an api without that part still starts.
    """

    settings: Settings
    clock: Clock
    database: Database
    tokens: Tokens
    passwords: Passwords
    throttle: Throttle
    directory: DirectoryKeeper
    alarm_sources: SourcesKeeper
    bus: Bus | None = None
    controller: Controller | None = None
    journal: Journal | None = None
    record: WorkerLink | None = None
    metrics: Metrics | None = None
    board: Board | None = None
    queues: Callable[[], Book] = Book
    feed: Feed | None = None


def build_services(
    settings: Settings,
    clock: Clock,
    database: Database,
    bus: Bus | None = None,
    ended: Callable[[str], bool] = lambda _: False,
) -> Services:
    """The services with their usual parts; change some with `dataclasses.replace`. ``ended``: of `Tokens`."""
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        tokens=Tokens(signing_key(settings), clock, settings.token_minutes, ended),
        passwords=Passwords(),
        throttle=Throttle(clock),
        directory=DirectoryKeeper(database, settings.data / "directory.json", bus),
        alarm_sources=SourcesKeeper(database, secrets_dir(settings) / "alarm-sources.json", clock, bus),
        bus=bus,
    )


def services_of(request: Request) -> Services:
    """The services of the application that answers this request."""
    return cast(Services, request.app.state.services)


ServicesDep = Annotated[Services, Depends(services_of)]

_bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", refreshUrl="/api/v1/auth/refresh", auto_error=False)


async def principal(
    request: Request, services: ServicesDep, token: Annotated[str | None, Depends(_bearer)]
) -> Principal:
    """Who asks, by the bearer token; raises `NotAuthenticated`. Never touches the database (A10)."""
    if token is None:
        raise NotAuthenticated("a bearer token is needed; sign in at /api/v1/auth/token")
    who = services.tokens.read(token)
    request.state.principal = who
    structlog.contextvars.bind_contextvars(user=who.user)
    return who


PrincipalDep = Annotated[Principal, Depends(principal)]


def require(permission: str) -> Callable[[Principal], Principal]:
    """A dependency: ``who: Annotated[Principal, Depends(require("elders:write"))]``.

    Answers who asks when their role holds the permission, else 403. An unknown permission fails at import.
    """
    wanted = Permission(permission)

    def check(who: PrincipalDep) -> Principal:
        who.check(wanted)
        return who

    check.permission = wanted  # type: ignore[attr-defined]  # the tests read the role matrix off the routes
    return check


def client_address(request: Request) -> str:
    """The peer's address, for the trail and for throttling."""
    return request.client.host if request.client else "unknown"


def origin(request: Request) -> trail.Origin:
    """Who writes, for the audit trail."""
    who: Principal | None = getattr(request.state, "principal", None)
    return trail.Origin(who.user if who else "anonymous", client_address(request), request.state.request_id)


@asynccontextmanager
async def transaction(request: Request, services: Services) -> AsyncIterator[AsyncSession]:
    """One audited transaction; commits on leaving. Raises `Unavailable` or `Conflict` for the database's errors."""
    try:
        async with services.database.transaction() as session:
            trail.attribute(session, services.clock, lambda: origin(request))
            yield session
            topics = cast("set[str]", session.info.get("hints", set()))
    except Exception as error:
        known = database_error(error)
        if known is None:
            raise
        log.warning("database error", error=type(error).__name__)
        raise known from error
    for topic in topics if services.bus else ():
        services.bus.publish(topic, b"")  # type: ignore[union-attr]


def hint(session: AsyncSession, topic: str) -> None:
    """Publish a hint on the bus once this session has committed."""
    session.info.setdefault("hints", set()).add(topic)


async def _session(request: Request, services: ServicesDep) -> AsyncIterator[AsyncSession]:
    held: AsyncSession | None = getattr(request.state, "session", None)
    if held is not None:  # the idempotency guard opened it, and commits it together with the stored answer
        yield held
        return
    async with transaction(request, services) as session:
        yield session


# "function": the commit is done before the answer goes out, so that nobody is told of what failed to be stored.
SessionDep = Annotated[AsyncSession, Depends(_session, scope="function")]


def controller_of(services: ServicesDep) -> Controller:
    """The controller that owns the calls; raises `PbxUnavailable` where this process has none."""
    if services.controller is None:
        raise PbxUnavailable("the controller does not run in this process; ask the one that owns the calls")
    return services.controller


ControllerDep = Annotated[Controller, Depends(controller_of)]
