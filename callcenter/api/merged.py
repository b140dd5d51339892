"""Lists of calls and incidents: what the controller holds in memory laid over what the database holds.

The database lags a moment behind and may be away; memory knows what is live. Together they answer at once and
truly, and without the database there is still the live part (A10).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

import structlog
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.api.deps import Services, transaction
from callcenter.errors import Unavailable

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

PATIENCE_SECONDS = 3.0
"""How long a list waits for the database: in an emergency what is live now counts (R6)."""


class HasId(Protocol):
    """Something with a time-sorted id (UUIDv7)."""

    @property
    def id(self) -> str: ...


Thing = TypeVar("Thing", bound=HasId)


async def read(
    request: Request,
    services: Services,
    query: Callable[[AsyncSession], Awaitable[Result]],
    otherwise: Result,
    patience: float | None = None,
) -> Result:
    """What the database says, or ``otherwise`` while it is away or takes longer than ``patience`` seconds
    (`PATIENCE_SECONDS`)."""

    async def ask() -> Result:
        async with transaction(request, services) as session:
            return await query(session)

    asking = asyncio.ensure_future(ask())
    try:
        await asyncio.wait({asking}, timeout=PATIENCE_SECONDS if patience is None else patience)
        if asking.done():
            return asking.result()
    except Unavailable:
        pass
    finally:
        # Giving up may itself take the database's time, so it is not waited for.
        asking.cancel()
    log.warning("answered_without_database")
    return otherwise


def page(
    live: Iterable[Thing], stored: Iterable[Thing], cursor: str | None, limit: int
) -> tuple[list[Thing], str | None]:
    """One page, newest first, and the cursor of the next.

    ``stored``: at most ``limit`` + 1 things older than ``cursor``, newest first; ``live`` ones win over them.
    """
    together = {thing.id: thing for thing in stored}
    together |= {thing.id: thing for thing in live if cursor is None or thing.id < cursor}
    ordered = [together[key] for key in sorted(together, reverse=True)]
    items = ordered[:limit]
    return items, items[-1].id if len(ordered) > limit else None
