"""Keeps the directory in memory fresh, and keeps the last one when the database is gone (A10, R5, R6)."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import structlog

from callcenter.bus import Bus
from callcenter.db import Database
from callcenter.people.directory import Directory
from callcenter.people.loader import assemble, fingerprint, read_rows
from callcenter.people.snapshot_file import restore, save

log = structlog.get_logger(__name__)

CHANGED = "directory.changed"
"""Bus topic: something in the directory was written; read it again."""


class DirectoryKeeper:
    """Holds the present `Directory`.

    ``seconds``: how often it looks without a hint. ``deadline``: seconds one look may take.
    """

    def __init__(
        self, database: Database, path: Path, bus: Bus | None = None, *, seconds: float = 30, deadline: float = 120
    ) -> None:
        self._database = database
        self._path = path
        self._bus = bus
        self._seconds = seconds
        self._deadline = deadline
        self._directory = Directory()
        self._mark: tuple[Any, ...] | None = None
        self._wake = asyncio.Event()
        self.healthy = False
        """True while the last look at the database succeeded."""

    @property
    def directory(self) -> Directory:
        """The newest directory; the object itself never changes."""
        return self._directory

    def restore(self) -> None:
        """Take the directory from disk, for the start; never fails. Blocks, so call it before the loop is busy."""
        self._directory = restore(self._path)
        log.info("directory restored from disk", elders=len(self._directory.elders))

    def wake(self) -> None:
        """Look again soon."""
        self._wake.set()

    async def refresh(self) -> bool:
        """Look at the database and load the directory if it changed; True when it did.

        Raises what the database raises; the directory then stays as it was.
        """
        async with asyncio.timeout(self._deadline), self._database.transaction() as session:
            # The mark is taken first: what changes while the rows are read shows at the next look.
            mark = await fingerprint(session)
            if mark == self._mark:
                self.healthy = True
                return False
            rows = await read_rows(session)
        self._directory = await asyncio.to_thread(assemble, rows)
        self._mark = mark
        self.healthy = True
        log.info("directory loaded", elders=len(self._directory.elders))
        await self._save(self._directory)
        return True

    async def _save(self, directory: Directory) -> None:
        try:
            await asyncio.to_thread(save, directory, self._path)
        except OSError as error:
            log.error("directory cannot be saved; a restart without the database would not know it", error=str(error))

    async def run(self) -> None:
        """Keep the directory fresh until cancelled; survives every error of database and bus."""
        async with asyncio.TaskGroup() as group:
            if self._bus is not None:
                group.create_task(self._listen(self._bus))
            while True:
                self._wake.clear()
                loop = asyncio.get_running_loop()
                started = loop.time()
                try:
                    await self.refresh()
                except Exception as error:
                    self.healthy = False
                    log.warning("directory not refreshed; the last one stays", error=type(error).__name__)
                # A big directory under constant change would be loaded without a pause: rest four times as long.
                await asyncio.sleep(min(self._seconds, 4 * (loop.time() - started)))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds):
                        await self._wake.wait()

    async def _listen(self, bus: Bus) -> None:
        async with bus.subscribe([CHANGED]) as messages:
            async for _ in messages:
                self.wake()
