"""Which seats exist: from the database, and from disk while that is away (A10).

``seats.json`` is also what the supervisor watches: when it changes, Asterisk's configuration is rendered again.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from callcenter.accounts.model import SeatAccount
from callcenter.accounts.service import CHANGED, seat_accounts
from callcenter.bus import Bus
from callcenter.db import Database

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30.0
DATABASE_SECONDS = 3.0


class SeatsKeeper:
    """Reads the seats, remembers them, tells of changes."""

    def __init__(self, database: Database, bus: Bus, path: Path) -> None:
        self._database = database
        self._bus = bus
        self._path = path

    async def read(self) -> Sequence[SeatAccount] | None:
        """The seats in the database, remembered on disk; None when it does not answer."""
        try:
            async with asyncio.timeout(DATABASE_SECONDS), self._database.transaction() as session:
                seats = await seat_accounts(session)
        except Exception as error:
            log.warning("seats_not_read", problem=type(error).__name__)
            return None
        await asyncio.to_thread(self._remember, seats)
        return seats

    def _remember(self, seats: Sequence[SeatAccount]) -> None:
        # The digest stands for the password: a new one must reach Asterisk too.
        lines = json.dumps(
            [
                {
                    "user": seat.user,
                    "role": seat.role,
                    "auto_answer": seat.auto_answer,
                    "phone_word": seat.phone_word,
                    "digest": hashlib.sha256(seat.sip_ha1.encode()).hexdigest()[:12],
                }
                for seat in seats
            ]
        )
        if self._path.exists() and self._path.read_text("utf-8") == lines:
            return
        temporary = self._path.with_suffix(f".{os.getpid()}")
        temporary.write_text(lines, "utf-8")
        temporary.replace(self._path)

    def last(self) -> Sequence[SeatAccount]:
        """The seats as last read, without their passwords; none when there is no memory of them."""
        try:
            return [
                SeatAccount(seat["user"], seat["role"], "", seat.get("auto_answer", False), seat.get("phone_word", ""))
                for seat in json.loads(self._path.read_text("utf-8"))
            ]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    async def follow(self, tell: Callable[[Sequence[SeatAccount]], None]) -> None:
        """Tell of the seats now, at every change, and now and then in case a hint was lost, until cancelled."""
        async with self._bus.subscribe([CHANGED]) as hints:
            hint = asyncio.ensure_future(anext(hints))
            try:
                while True:
                    seats = await self.read()
                    if seats is not None:
                        tell(seats)
                    await asyncio.wait({hint}, timeout=EVERY_SECONDS)
                    if hint.done():
                        hint = asyncio.ensure_future(anext(hints))
            finally:
                hint.cancel()
