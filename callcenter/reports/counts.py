"""How many emergencies there were, by kind, origin, outcome and cause, and by period (H2): one query."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.emergency.tables import EmergencyRow as E
from callcenter.reports.answer_times import Apart, Grouping, Origin, Which, conditions, group_key, key_of, of_origin
from callcenter.reports.codes import load_codes

FREE_TEXT = "free_text"
"""Stands for an outcome or cause in an operator's own words: those could name somebody."""
_COUNTED = ("kind", "origin", "outcome", "cause")


class Counts(BaseModel):
    """Counts of one group. Keys of ``outcome`` and ``cause`` are codes, ``free_text``, or empty: none was given."""

    key: str
    total: int
    open: int
    kind: dict[str, int]
    origin: dict[str, int]
    outcome: dict[str, int] = Field(description="Of the closed ones.")
    cause: dict[str, int] = Field(description="Of the closed ones.")


async def count(
    session: AsyncSession, which: Which, origin: Origin | Apart, by: Grouping
) -> tuple[Counts, list[Counts]]:
    """All together, and each group in order of key."""
    dialect = (await session.connection()).dialect.name
    codes = load_codes()
    columns = [
        group_key(by, dialect).label("key"),
        E.kind.label("kind"),
        E.origin.label("origin"),
        E.state.label("state"),
        _coded(E.outcome, (code.code for code in codes.outcomes)).label("outcome"),
        _coded(E.cause, (code.code for code in codes.causes)).label("cause"),
    ]
    each = select(*columns).where(*conditions(which), of_origin(origin)).subquery()
    query = select(each, func.count().label("number")).group_by(*each.c)
    rows = (await session.execute(query)).mappings().all()
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row["key"], []).append(row)
    shown = [] if by is Grouping.NONE else [_counts(key_of(k, by), groups[k]) for k in sorted(groups)]
    return _counts("total", rows), shown


def _coded(column: Any, codes: Iterable[str]) -> Any:
    return case((column.in_([*codes, ""]), column), else_=FREE_TEXT)


def _counts(key: str, rows: Iterable[Any]) -> Counts:
    counters: dict[str, Counter[str]] = {name: Counter() for name in _COUNTED}
    total = still_open = 0
    for row in rows:
        number = row["number"]
        total += number
        still_open += number if row["state"] == "open" else 0
        for name, counter in counters.items():
            if row["state"] != "open" or name in ("kind", "origin"):
                counter[row[name]] += number
    return Counts(key=key, total=total, open=still_open, **{n: dict(sorted(c.items())) for n, c in counters.items()})
