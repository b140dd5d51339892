"""Keeps the sources in memory fresh, and on disk (mode 0600) for a start without the database (A10)."""

import asyncio
from pathlib import Path

import msgspec
import structlog

from callcenter.alarms.source_service import CHANGED, enabled_sources
from callcenter.alarms.sources import Source, Sources
from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.db import Database
from callcenter.keeping import DATABASE_SECONDS, follow, write_whole

log = structlog.get_logger(__name__)


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
        try:
            write_whole(self._path, msgspec.json.encode(sources))
        except OSError as error:
            log.error("alarm sources cannot be saved; a restart would not know them", problem=type(error).__name__)

    async def run(self) -> None:
        """Keep them fresh until cancelled; survives every error of the database."""
        if self._bus is None:
            return
        await follow(self._bus, CHANGED, self.refresh, "alarm sources")
