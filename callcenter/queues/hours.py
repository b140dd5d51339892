"""Whether a queue is open at a moment: its hours, the country's holidays and moved working days, and the centre's own
days. Pure.

``chinese_calendar`` knows the years whose holidays the State Council has published; beyond them no day is a holiday.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import chinese_calendar

from callcenter.clock import SHANGHAI
from callcenter.queues.model import OwnDay, Queue

_DAY = timedelta(days=1)
_MONDAY = 1


def is_open(queue: Queue, at: datetime, own: Mapping[str, OwnDay]) -> bool:
    """Whether ``queue`` is open at ``at`` (aware). ``own``: the centre's own days by ISO date."""
    local = at.astimezone(SHANGHAI)
    now, today = f"{local:%H:%M}", local.date()
    for start, end in _spans(queue, today, own):
        if start == end or (start <= now < end if start < end else now >= start):
            return True
    yesterday = _spans(queue, today - _DAY, own)
    return any(now < end for start, end in yesterday if end < start)


def holiday(day: date, own: Mapping[str, OwnDay]) -> str | None:
    """The name of the holiday that a day is, or None. One's own word goes before the calendar's."""
    said = own.get(day.isoformat())
    if said is not None:
        return (said.name or "closed") if said.kind == "closed" else None
    return statutory(day)


def statutory(day: date) -> str | None:
    """The name of the statutory holiday that a day belongs to, or None; a plain weekend is none."""
    try:
        free, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return None
    return str(name) if free and name else None


def moved(day: date, own: Mapping[str, OwnDay]) -> bool:
    """Whether a day of the weekend is worked, by the calendar or by the centre's own word."""
    if day.isoweekday() < 6:
        return False
    said = own.get(day.isoformat())
    if said is not None:
        return said.kind == "open"
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return False


def _spans(queue: Queue, day: date, own: Mapping[str, OwnDay]) -> Iterator[tuple[str, str]]:
    """From and to of each span that begins on ``day``; equal ones are the whole day (from 00:00 to 00:00)."""
    weekday = day.isoweekday()
    if queue.holidays != "hours":
        if holiday(day, own) is not None:
            if queue.holidays == "open":
                yield "00:00", "00:00"
            return
        # A weekend that is worked in exchange for a holiday has Monday's hours.
        weekday = _MONDAY if moved(day, own) else weekday
    if not queue.hours:
        yield "00:00", "00:00"
    for hours in queue.hours:
        if weekday in hours.days:
            yield hours.start, hours.end
