"""Finding an elder at the desk by whatever the caller can say: name, pinyin, a number, a street, a code (A4, B4).

Each word is a few ranges of one index (`callcenter.people.words`): what is read is what is found, however many elders
there are.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callcenter.accounts.permissions import Permission, Principal
from callcenter.devices.model import DeviceRow
from callcenter.people import words as w
from callcenter.people.model import ElderPhoneRow, ElderRow
from callcenter.people.service import elders_query
from callcenter.people.words import Kind, WordRow, plain
from callcenter.phone import normalise

MOST_WORDS = 4
MOST_FITTING = 2000
"""Of a single word that fits so many, more are not looked at: nobody reads on so far, and the surest are among them."""
_FEWEST_DIGITS = 4
_LAST = "\U0010ffff"
_SEPARATED = re.compile(r"[0-9+() .-]+")
_TAIL = re.compile(r"[0-9]{3,17}[0-9X]")
_WHOLE = re.compile(r"[0-9]{17}[0-9X]")
_LATIN = re.compile(r"[a-z' ]+")

_RANKS: Mapping[Kind, tuple[int, int]] = MappingProxyType(
    {
        Kind.CODE: (0, 3),
        Kind.NAME: (1, 2),
        Kind.INNER: (3, 3),
        Kind.SOUND: (2, 4),
        Kind.PHONE: (0, 4),
        Kind.PHONE_END: (4, 4),
        Kind.DEVICE: (1, 5),
        Kind.DEVICE_END: (5, 5),
        Kind.CONTACT: (2, 6),
        Kind.CONTACT_END: (6, 6),
        Kind.ADDRESS: (5, 5),
        Kind.IDENTITY: (1, 1),
    }
)
"""How sure a fit is, the whole word and its beginning; 0 is the surest."""


@dataclass(frozen=True, slots=True)
class _Word:
    """What is looked up of one word: the beginnings that fit, and those that must fit as a whole."""

    begins: tuple[str, ...]
    wholes: tuple[str, ...]

    def ranges(self, row: Any) -> list[ColumnElement[bool]]:
        """Each a range of the index."""
        found = [and_(row.word >= one, row.word < one + _LAST) for one in self.begins]
        return [*found, *(row.word == one for one in self.wholes if not one.startswith(self.begins))]

    def rank(self, row: Any) -> ColumnElement[int]:
        """How sure a row of those is."""
        whole = row.word.in_(self.wholes)
        sure = [(and_(row.kind == kind, whole), ranks[0]) for kind, ranks in _RANKS.items() if ranks[0] != ranks[1]]
        return case(*sure, *((row.kind == kind, ranks[1]) for kind, ranks in _RANKS.items()))


async def ranked(
    session: AsyncSession, who: Principal, text: str, within: Select[ElderRow] | None = None
) -> Select[ElderRow]:
    """The elders that ``who`` may see and that fit ``text``, the surest first. ``within``: of these only.

    Every word must fit: the name or its pinyin (whole, or the initials), a phone number of hers, a contact's or a
    device's (whole, or four digits from its beginning or at its end), the address from any character on, the code, and
    the identity number: whole, or with ``elders:identity`` its end.
    """
    words = [_look_up(word, who) for word in _words(text)]
    query = elders_query(who)
    if within is not None:
        query = query.where(ElderRow.id.in_(within.with_only_columns(ElderRow.id)))
    if not words:
        return query.where(literal(False))
    # The word that fits the fewest leads; the others are only asked about those.
    counts = [await session.scalar(_count(word)) for word in words] if len(words) > 1 else [0]
    _, lead = min(enumerate(words), key=lambda one: counts[one[0]] or 0)
    most = MOST_FITTING if len(words) == 1 and within is None and who.area is None else None
    hits = _hits(lead, most)
    total: ColumnElement[Any] = hits.c.rank
    query = query.join(hits, hits.c.elder_id == ElderRow.id)
    for word in words:
        if word is not lead:
            row = aliased(WordRow)
            rank = select(func.min(word.rank(row))).where(row.elder_id == ElderRow.id, or_(*word.ranges(row)))
            query = query.where(rank.scalar_subquery().is_not(None))
            total = total + rank.scalar_subquery()
    return query.order_by(ElderRow.active.desc(), total, func.length(ElderRow.name), ElderRow.name, ElderRow.id)


def _hits(word: _Word, most: int | None) -> Any:
    """Who fits a word, and how surely; the whole word comes before longer ones in the index, so a limit keeps it."""
    parts = []
    for fits in word.ranges(WordRow):
        part = select(WordRow.elder_id, word.rank(WordRow).label("rank")).where(fits)
        parts.append(select((part.order_by(WordRow.word, WordRow.kind).limit(most) if most else part).subquery()))
    found = union_all(*parts).subquery()
    return select(found.c.elder_id, func.min(found.c.rank).label("rank")).group_by(found.c.elder_id).subquery()


def _count(word: _Word) -> Select[int]:
    """How many rows a word fits, up to a bound."""
    parts = [select(select(literal(1)).where(fits).limit(MOST_FITTING).subquery()) for fits in word.ranges(WordRow)]
    return select(func.count()).select_from(union_all(*parts).subquery())


def _words(text: str) -> list[str]:
    clean = " ".join(unicodedata.normalize("NFKC", text).split())
    if _SEPARATED.fullmatch(clean) or _LATIN.fullmatch(clean.lower()):  # 138 0000 1001, chen gui ying
        clean = clean.replace(" ", "")
    return clean.split()[:MOST_WORDS]


def _look_up(word: str, who: Principal) -> _Word:
    begins = [w.TEXT + plain(word), w.STREET + plain(word)[: w.ADDRESS_LENGTH]]
    wholes = begins[:1]
    if _LATIN.fullmatch(word.lower()) and (sound := re.sub(r"[^a-z]", "", word.lower().replace("ü", "v"))):
        begins.append(w.SOUND + sound)
        wholes.append(w.SOUND + sound)
    if number := normalise(word):
        wholes.append(w.NUMBER + number)
    digits = re.sub(r"[^0-9]", "", word) if _SEPARATED.fullmatch(word) else ""
    if len(digits) >= _FEWEST_DIGITS:
        begins += [w.NUMBER + digits, w.NUMBER_END + digits[::-1]]
    identity = w.IDENTITY_END + word.upper()[::-1]
    if who.may(Permission.ELDERS_IDENTITY) and _TAIL.fullmatch(word.upper()):
        begins.append(identity)
    elif _WHOLE.fullmatch(word.upper()):
        wholes.append(identity)
    return _Word(tuple(one[: w.LENGTH] for one in begins), tuple(one[: w.LENGTH] for one in wholes))


def _has_phone(fits: ColumnElement[bool]) -> ColumnElement[bool]:
    return ElderRow.id.in_(select(ElderPhoneRow.elder_id).where(fits))


def _has_device(fits: ColumnElement[bool]) -> ColumnElement[bool]:
    return ElderRow.id.in_(select(DeviceRow.elder_id).where(fits, DeviceRow.deleted_at.is_(None)))


async def duplicates(
    session: AsyncSession, who: Principal, *, name: str, phones: list[str], birth_date: Any = None
) -> list[ElderRow]:
    """Who of those ``who`` may see is perhaps the same person: the same number, or the same name and day of birth."""
    same: list[ColumnElement[bool]] = []
    if phones:
        same.append(_has_phone(ElderPhoneRow.number.in_(phones)))
        same.append(_has_device(DeviceRow.number.in_(phones)))
    if birth_date is not None:
        same.append((ElderRow.name == name) & (ElderRow.birth_date == birth_date))
    if not same:
        return []
    return list(await session.scalars(elders_query(who).where(or_(*same)).order_by(ElderRow.id).limit(10)))
