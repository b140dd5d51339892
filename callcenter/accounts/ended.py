"""Which sign-ins ended lately: what they signed in with is void at once, and not when it would have run out (I3).

Access tokens are checked without the database, so that acts on a call work while it is down (A10): the few that were
issued and ended within their life are kept in memory, read when an account is written and every now and then.
"""

import asyncio
from datetime import timedelta

from sqlalchemy import select

from callcenter.accounts.model import RefreshTokenRow
from callcenter.accounts.service import CHANGED
from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.db import Database
from callcenter.keeping import DATABASE_SECONDS, follow


class EndedKeeper:
    """Reads which sign-ins ended. ``minutes``: how long an access token is good for."""

    def __init__(self, database: Database, bus: Bus, clock: Clock, minutes: float) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._life = timedelta(minutes=minutes)
        self._sessions: frozenset[str] = frozenset()

    def has(self, session: str) -> bool:
        """Whether the sign-in of that id ended."""
        return session in self._sessions

    async def refresh(self) -> None:
        """Read them; raises what the database raises, and then the known ones stay."""
        since = self._clock.now() - self._life
        query = select(RefreshTokenRow.family).where(RefreshTokenRow.revoked_at > since).distinct()
        async with asyncio.timeout(DATABASE_SECONDS), self._database.transaction() as session:
            self._sessions = frozenset(await session.scalars(query))

    async def run(self) -> None:
        """Keep them until cancelled; survives every error of the database."""
        await follow(self._bus, CHANGED, self.refresh, "ended sign-ins")
