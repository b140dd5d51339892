"""Keeps the book of menus in memory fresh, and on disk for a start without the database (A10)."""

import asyncio
from pathlib import Path

import msgspec
import structlog

from callcenter.bus import Bus
from callcenter.db import Database
from callcenter.keeping import DATABASE_SECONDS, follow
from callcenter.menus.book import Book, restore, save
from callcenter.menus.service import CHANGED, read_book

log = structlog.get_logger(__name__)


class MenusKeeper:
    """Reads the menus and remembers them."""

    def __init__(self, database: Database, path: Path, bus: Bus) -> None:
        self._database = database
        self._path = path
        self._bus = bus
        self.book = Book()

    def restore(self) -> None:
        """Take the book from disk, for the start; never fails. Blocks."""
        self.book = restore(self._path)

    async def refresh(self) -> None:
        """Read the book; raises what the database raises, and then the known one stays."""
        async with asyncio.timeout(DATABASE_SECONDS), self._database.transaction() as session:
            book = await read_book(session)
        if _word(book) != _word(self.book):
            self.book = book
            await asyncio.to_thread(self._save, book)

    def _save(self, book: Book) -> None:
        try:
            save(book, self._path)
        except OSError as error:
            log.error("menus cannot be saved; a restart would not know them", problem=type(error).__name__)

    async def run(self) -> None:
        """Keep the book fresh until cancelled; survives every error of the database."""
        await follow(self._bus, CHANGED, self.refresh, "menus")


def _word(book: Book) -> bytes:
    return msgspec.json.encode((book.live, book.earlier))
