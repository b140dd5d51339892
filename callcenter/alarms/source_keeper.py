"""Keeps the sources in memory fresh, and on disk (mode 0600) for a start without the database (A10)."""

import asyncio
import os
from pathlib import Path

import msgspec
import structlog

from callcenter.alarms.source_service import CHANGED, enabled_sources
from callcenter.alarms.sources import Source, Sources
from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.db import Database

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30.0
DATABASE_SECONDS = 5.0


class SourcesKeeper:
    """Reads the sources, remembers them."""

    def __init__(self, database: Database, path: Path, clock: Clock, bus: Bus | None = None) -> None:
        self._database = database
        self._path = path
        self._bus = bus
        self.sources = Sources(clock)

    def restore(self) -> None:
        """Take them from disk, for the start; never fails. Blocks."""
        try:
            self.sources.replace(msgspec.json.decode(self._path.read_bytes(), type=list[Source]))
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError) as error:
            log.error("saved alarm sources cannot be read; alarms wait for the database", problem=type(error).__name__)

    async def refresh(self) -> None:
        """Read them; raises what the database raises, and then those known stay."""
        async with asyncio.timeout(DATABASE_SECONDS), self._database.transaction() as session:
            sources = await enabled_sources(session)
        if sources == self.sources.everybody:
            return
        self.sources.replace(sources)
        await asyncio.to_thread(self._save, sources)

    def _save(self, sources: list[Source]) -> None:
        draft = self._path.with_name(f"{self._path.name}.new")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(sources))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            log.error("alarm sources cannot be saved; a restart would not know them", problem=type(error).__name__)

    async def run(self) -> None:
        """Keep them fresh until cancelled; survives every error of the database."""
        if self._bus is None:
            return
        async with self._bus.subscribe([CHANGED]) as hints:
            hint = asyncio.ensure_future(anext(hints))
            try:
                while True:
                    try:
                        await self.refresh()
                    except Exception as error:
                        log.warning("alarm sources not read; the last ones stay", problem=type(error).__name__)
                    await asyncio.wait({hint}, timeout=EVERY_SECONDS)
                    if hint.done():
                        hint = asyncio.ensure_future(anext(hints))
            finally:
                hint.cancel()
