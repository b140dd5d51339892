"""Periods of a statistic: where an hour, a day, a week or a month begins in Asia/Shanghai, in SQL and as a key."""

from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, String, func, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

_SQLITE = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
_POSTGRES = {"hour": 'YYYY-MM-DD"T"HH24', "day": "YYYY-MM-DD", "month": "YYYY-MM", "week": "YYYY-MM-DD"}


class Period(StrEnum):
    """How long a period is; a week begins on Monday (ISO 8601)."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def begin(moment: "InstrumentedAttribute[object]", period: Period, dialect: str) -> ColumnElement[str]:
    """When the period of a `UtcDateTime` column began in Shanghai, as text that sorts by time.

    Shanghai has had no summer time since 1991, so SQLite, which knows no time zones, adds eight hours.
    """
    if dialect == "postgresql":
        local = func.timezone("Asia/Shanghai", moment)
        if period is Period.WEEK:
            local = func.date_trunc("week", local)
        return func.to_char(local, _POSTGRES[period], type_=String)
    plain = type_coerce(moment, String)
    if period is Period.WEEK:  # on to Sunday, unless it is one, and back to its Monday
        return func.date(plain, "+8 hours", "weekday 0", "-6 days", type_=String)
    return func.strftime(_SQLITE[period], plain, "+8 hours", type_=String)


def key(begun: str, period: Period) -> str:
    """What people call the period that began so: 2026-03-02T09:00+08:00, 2026-03-02, 2026-W10, 2026-03."""
    if period is Period.HOUR:
        return f"{begun}:00+08:00"
    if period is Period.WEEK:
        year, week, _ = date.fromisoformat(begun).isocalendar()
        return f"{year}-W{week:02}"
    return begun
