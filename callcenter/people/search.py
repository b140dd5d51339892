"""Finding an elder at the desk by whatever the caller can say: name, pinyin, a number, a street, a code (A4, B4)."""

import re
import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Permission, Principal
from callcenter.devices.model import DeviceRow
from callcenter.people.model import ContactRow, ElderPhoneRow, ElderRow
from callcenter.people.service import elders_query
from callcenter.phone import normalise

MOST_WORDS = 4
_NOWHERE = 99
"""The rank of what does not match."""
_SEPARATED = re.compile(r"[0-9+() .-]+")
_TAIL = re.compile(r"[0-9]{3,17}[0-9X]|[0-9]{3}")
_LATIN = re.compile(r"[a-z' ]+")


def ranked(who: Principal, text: str) -> Select[ElderRow]:
    """The elders that ``who`` may see and that fit ``text``, the surest first.

    Every word must fit: the name or its pinyin (whole, or the initials), a phone number of hers, a contact's or a
    device's (whole, or four digits of it), the address, the code, and, with ``elders:identity``, the identity number
    or its end.
    """
    words = _words(text)
    ranks = [_rank(word, who) for word in words] or [literal(_NOWHERE)]
    total: ColumnElement[Any] = ranks[0]
    for rank in ranks[1:]:
        total = total + rank
    query = elders_query(who).where(*(rank < _NOWHERE for rank in ranks))
    return query.order_by(ElderRow.active.desc(), total, func.length(ElderRow.name), ElderRow.name, ElderRow.id)


async def find(session: AsyncSession, who: Principal, text: str, limit: int) -> list[ElderRow]:
    """At most ``limit`` elders; see `ranked`."""
    return list(await session.scalars(ranked(who, text).limit(limit)))


def _words(text: str) -> list[str]:
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    if _SEPARATED.fullmatch(plain) or _LATIN.fullmatch(plain.lower()):  # 138 0000 1001, chen gui ying
        return [plain.replace(" ", "")]
    return plain.split()[:MOST_WORDS]


def _rank(word: str, who: Principal) -> ColumnElement[int]:
    """How well one word fits: 0 is the best."""
    ways: list[tuple[ColumnElement[bool], int]] = []
    number = normalise(word)
    digits = re.sub(r"[^0-9]", "", word) if _SEPARATED.fullmatch(word) else ""
    ways.append((ElderRow.code == word, 0))
    if number:
        ways.append((_has_phone(ElderPhoneRow.number == number), 0))
        ways.append((_has_device(DeviceRow.number == number), 1))
    if who.may(Permission.ELDERS_IDENTITY) and _TAIL.fullmatch(word.upper()) and len(word) >= 4:
        ways.append((ElderRow.id_number.endswith(word.upper(), autoescape=True), 1))
    ways.append((ElderRow.name == word, 1))
    if number:
        ways.append((_has_contact(ContactRow.phone == number), 2))
    ways.append((ElderRow.name.startswith(word, autoescape=True), 2))
    sound = re.sub(r"[^a-z]", "", word.lower().replace("ü", "v")) if _LATIN.fullmatch(word.lower()) else ""
    if sound:
        ways.append((ElderRow.sounds.contains(f"|{sound}|", autoescape=True), 2))
        ways.append((ElderRow.sounds.contains(f"|{sound}", autoescape=True), 4))
    ways.append((ElderRow.name.icontains(word, autoescape=True), 3))
    ways.append((ElderRow.code.istartswith(word, autoescape=True), 3))
    if len(digits) >= 4:
        ways.append((_has_phone(ElderPhoneRow.number.contains(digits)), 4))
        ways.append((_has_device(DeviceRow.number.contains(digits)), 5))
        ways.append((_has_contact(ContactRow.phone.contains(digits)), 6))
    ways.append((ElderRow.address.icontains(word, autoescape=True), 5))
    return case(*ways, else_=_NOWHERE)


def _has_phone(fits: ColumnElement[bool]) -> ColumnElement[bool]:
    return ElderRow.id.in_(select(ElderPhoneRow.elder_id).where(fits))


def _has_contact(fits: ColumnElement[bool]) -> ColumnElement[bool]:
    return ElderRow.id.in_(select(ContactRow.elder_id).where(fits))


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
