"""What an elder is found by: words in a table that one index holds in order, so that nobody else is read (B4).

Every word is looked up by its beginning. What is to be found by its middle is therefore kept from each of its
characters on, what is to be found by its end backwards. The rows follow elders, phones, contacts and devices by
themselves.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, ForeignKey, Index, String, column, delete, event, insert, inspect, select, table
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from callcenter.db import Base

LENGTH = 32
ADDRESS_LENGTH = 12
TEXT, STREET, SOUND, NUMBER, NUMBER_END, IDENTITY_END = ".", "@", "~", ">", "<", "#"
"""How a word begins: what it is part of."""
_MOST_STARTS = 40
_UNITS = frozenset("省市区县镇乡路街巷弄号栋幢室层楼单元，。（）()-－#、")
"""With which no word of an address begins."""
_PIECE = 200

# Bytes in order, whatever the database's own order of letters: a beginning is a range then.
_WORD = String(LENGTH).with_variant(String(LENGTH, collation="C"), "postgresql")


class Kind(IntEnum):
    """What of her a word is; the end of a number comes after the number."""

    CODE = 0
    NAME = 1
    INNER = 2
    SOUND = 3
    PHONE = 4
    PHONE_END = 5
    DEVICE = 6
    DEVICE_END = 7
    CONTACT = 8
    CONTACT_END = 9
    ADDRESS = 10
    IDENTITY = 11


class WordRow(Base):
    """One word of one elder."""

    __tablename__ = "elder_words"
    __audited__ = False
    __table_args__ = (Index("ix_elder_words_word", "word", "kind", "elder_id"), {"sqlite_with_rowid": False})

    elder_id: Mapped[str] = mapped_column(ForeignKey("elders.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(_WORD, primary_key=True)
    kind: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


def plain(text: str) -> str:
    """As words are compared: full-width letters made plain, small letters, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def words_of(elder: Mapping[str, Any], numbers: Iterable[tuple[int, str]]) -> set[tuple[str, int]]:
    """An elder's words with their kinds. ``numbers``: canonical, each with its kind (phone, device, contact)."""
    name, address = plain(elder["name"]), plain(elder["address"] or "")
    found: set[tuple[str, int]] = {(TEXT + plain(elder["code"]), Kind.CODE), (TEXT + name, Kind.NAME)}
    found |= {(TEXT + name[start:], Kind.INNER) for start in range(1, min(len(name), _MOST_STARTS))}
    found |= {(SOUND + sound, Kind.SOUND) for sound in elder["sounds"].split("|") if sound}
    found |= {(STREET + address[start:][:ADDRESS_LENGTH], Kind.ADDRESS) for start in _starts(address)}
    if elder["id_number"]:
        found.add((IDENTITY_END + elder["id_number"][::-1], Kind.IDENTITY))
    for kind, number in numbers:
        found |= {(NUMBER + number, kind), (NUMBER_END + number.lstrip("+")[::-1], kind + 1)}
    return {(word[:LENGTH], kind) for word, kind in found}


def _starts(address: str) -> list[int]:
    """Where a word of an address may begin: at each character, but inside no number and at no unit."""
    starts, before = [], ""
    for place, letter in enumerate(address):
        inside = letter.isascii() and letter.isalnum() and before.isascii() and before.isalnum()
        if not inside and letter not in _UNITS:
            starts.append(place)
        before = letter
    return starts[:_MOST_STARTS]


_ELDERS = table(
    "elders", *(column(name) for name in ("id", "code", "name", "sounds", "address", "id_number", "deleted_at"))
)
_PHONES = table("elder_phones", column("elder_id"), column("number"))
_CONTACTS = table("contacts", column("elder_id"), column("phone"))
_DEVICES = table("devices", column("elder_id"), column("number"), column("deleted_at"))


def rewrite(connection: Connection, elder_ids: Sequence[str]) -> None:
    """Make the words of these elders what they are now; of one who was taken off, none."""
    words: Any = WordRow.__table__
    for start in range(0, len(elder_ids), _PIECE):
        piece = elder_ids[start : start + _PIECE]
        numbers: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for kind, of, number in (
            (Kind.PHONE, _PHONES, _PHONES.c.number),
            (Kind.DEVICE, _DEVICES, _DEVICES.c.number),
            (Kind.CONTACT, _CONTACTS, _CONTACTS.c.phone),
        ):
            asked = select(of.c.elder_id, number).where(of.c.elder_id.in_(piece), number.is_not(None))
            if of is _DEVICES:
                asked = asked.where(_DEVICES.c.deleted_at.is_(None))
            for elder_id, one in connection.execute(asked):
                numbers[elder_id].append((kind, one))
        elders = connection.execute(select(_ELDERS).where(_ELDERS.c.id.in_(piece), _ELDERS.c.deleted_at.is_(None)))
        rows = [
            {"elder_id": elder["id"], "word": word, "kind": kind}
            for elder in elders.mappings()
            for word, kind in words_of(dict(elder), numbers[elder["id"]])
        ]
        connection.execute(delete(words).where(words.c.elder_id.in_(piece)))
        if rows:
            connection.execute(insert(words), rows)


_TOLD_BY: Mapping[str, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        "elders": ("id", frozenset({"code", "name", "address", "id_number", "deleted_at"})),
        "elder_phones": ("elder_id", frozenset({"elder_id", "number"})),
        "contacts": ("elder_id", frozenset({"elder_id", "phone"})),
        "devices": ("elder_id", frozenset({"elder_id", "number", "deleted_at"})),
    }
)
"""By table: which column names the elder, and a change of which columns changes her words."""


@event.listens_for(Session, "after_flush")
def _follow(session: Session, _: UOWTransaction) -> None:
    changed: dict[str, None] = {}
    for row in (*session.new, *session.dirty, *session.deleted):
        told = _TOLD_BY.get(getattr(type(row), "__tablename__", ""))
        if told is None:
            continue
        state: Any = inspect(row)
        whose, columns = told
        if row in session.dirty and not any(state.attrs[name].history.has_changes() for name in columns):
            continue
        changed.update(dict.fromkeys(one for one in (*state.attrs[whose].history.deleted, getattr(row, whose)) if one))
    if changed:
        rewrite(session.connection(), list(changed))
