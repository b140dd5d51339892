"""Keeps the book of queues, skills and days in memory fresh, and on disk for a start without the database (A10)."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from callcenter.bus import Bus
from callcenter.db import Database
from callcenter.keeping import DATABASE_SECONDS, follow, write_whole
from callcenter.queues.model import Book, OwnDay, Queue, Skills
from callcenter.queues.service import CHANGED, read_book

log = structlog.get_logger(__name__)


class _Content(msgspec.Struct):
    queues: list[Queue] = []
    skills: list[Skills] = []
    days: list[OwnDay] = []


class BookKeeper:
    """Reads the book, remembers it, tells of changes."""

    def __init__(self, database: Database, path: Path, bus: Bus) -> None:
        self._database = database
        self._path = path
        self._bus = bus
        self._kept = b""
        self.book = Book()

    def restore(self) -> None:
        """Take the book from disk, for the start; never fails. Blocks."""
        try:
            raw = self._path.read_bytes()
            content = msgspec.json.decode(raw, type=_Content)
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError) as error:
            log.error("saved queues cannot be read; all callers wait in one queue", problem=type(error).__name__)
            return
        self._kept = raw
        self.book = Book(content.queues, content.skills, content.days)

    async def refresh(self) -> bool:
        """Read the book; True when it changed. Raises what the database raises, and then the known one stays."""
        async with asyncio.timeout(DATABASE_SECONDS), self._database.transaction() as session:
            book = await read_book(session)
        content = _Content([*book.queues.values()], [*book.skills.values()], [*book.days.values()])
        raw = msgspec.json.encode(content)
        if raw == self._kept:
            return False
        self.book, self._kept = book, raw
        await asyncio.to_thread(self._save, raw)
        return True

    def _save(self, raw: bytes) -> None:
        try:
            write_whole(self._path, raw)
        except OSError as error:
            log.error("queues cannot be saved; a restart would not know them", problem=type(error).__name__)

    async def follow(self, tell: Callable[[Book], None]) -> None:
        """Keep the book fresh and tell of every change until cancelled; survives every error of the database."""

        async def look() -> None:
            if await self.refresh():
                tell(self.book)

        await follow(self._bus, CHANGED, look, "queues")
