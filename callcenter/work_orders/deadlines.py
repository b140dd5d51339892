"""Working days in China, with moved weekends and public holidays (C1, C8)."""

from datetime import date, datetime, timedelta

import chinese_calendar

from callcenter.clock import SHANGHAI


def is_working_day(day: date) -> bool:
    """By the State Council's calendar; for years it has not published yet, Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def after_working_days(at: datetime, days: int) -> datetime:
    """The moment of the same time of day ``days`` working days later, reckoned in Asia/Shanghai."""
    moment = at.astimezone(SHANGHAI)
    while days > 0:
        moment += timedelta(days=1)
        if is_working_day(moment.date()):
            days -= 1
    return moment.astimezone(at.tzinfo)
