"""The menus that callers may be in, as one immutable value: in memory, and on disk for a start without a database."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
import structlog

from callcenter.keeping import write_whole
from callcenter.menus.model import BUILT_IN, Menu

log = structlog.get_logger(__name__)

KEPT_VERSIONS = 10
"""So many retired menus are kept for callers who are still in one."""


class Book:
    """The live menu and those it replaced lately."""

    def __init__(self, live: Menu | None = None, earlier: tuple[Menu, ...] = ()) -> None:
        self.live = live or BUILT_IN
        self._menus: Mapping[str, Menu] = MappingProxyType(
            {menu.id: menu for menu in (BUILT_IN, *earlier, *((live,) if live else ()))}
        )

    def menu(self, id: str) -> Menu | None:
        """A menu by id, live or replaced lately; None when it is neither."""
        return self._menus.get(id)

    @property
    def earlier(self) -> tuple[Menu, ...]:
        """Those that are not live."""
        return tuple(menu for menu in self._menus.values() if menu.id not in (BUILT_IN.id, self.live.id))


class _Content(msgspec.Struct):
    live: Menu | None = None
    earlier: tuple[Menu, ...] = ()


class _File(msgspec.Struct):
    book: msgspec.Raw
    sha256: str


def save(book: Book, path: Path) -> None:
    """Write the book; a crash leaves the old file whole. Raises `OSError` when the disk refuses."""
    live = None if book.live.id == BUILT_IN.id else book.live
    body = msgspec.json.encode(_Content(live, book.earlier))
    whole = msgspec.json.encode(_File(msgspec.Raw(body), hashlib.sha256(body).hexdigest()))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, whole)


def restore(path: Path) -> Book:
    """The saved book; one with only the built-in menu when there is none or it is damaged, which is logged."""
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_File)
        body = bytes(stored.book)
        if hashlib.sha256(body).hexdigest() != stored.sha256:
            raise ValueError("its checksum is wrong")
        content = msgspec.json.decode(body, type=_Content)
    except FileNotFoundError:
        return Book()
    except (OSError, ValueError) as error:
        log.error("saved menus cannot be read; the built-in one is used until the database answers", error=str(error))
        return Book()
    return Book(content.live, content.earlier)
