"""Who is on call at a moment: pure rules over the shifts of the roster (A9, GS 4.3.11.2: 24 hours a day).

A shift is either one span of time, or weekly: weekdays with a time from and to in Asia/Shanghai, over midnight when
it ends at or before it begins. Nothing here knows of the database: the ladder asks while it is away (A10).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise

import msgspec

from callcenter.clock import SHANGHAI

_DAY = timedelta(days=1)


class OnCall(msgspec.Struct, frozen=True):
    """Somebody to ring. ``phone`` in canonical form."""

    name: str
    phone: str


class Shift(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """When somebody is on call.

    Either ``starts_at`` and ``ends_at`` (aware; the end is not included), or ``weekdays`` (1 Monday … 7 Sunday, the
    days on which it begins) with ``from_time`` and ``to_time`` as ``HH:MM`` in Shanghai; equal ones are 24 hours.
    ``area``: whose incidents it is for, empty: everybody's. ``position``: lower is rung first.
    """

    id: str
    name: str
    phone: str
    area: str = ""
    position: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekdays: tuple[int, ...] = ()
    from_time: str = ""
    to_time: str = ""

    def covers(self, at: datetime) -> bool:
        """Whether it is on at ``at``."""
        if self.starts_at is not None and self.ends_at is not None:
            return self.starts_at <= at < self.ends_at
        local = at.astimezone(SHANGHAI)
        now, today, yesterday = f"{local:%H:%M}", local.isoweekday(), (local - _DAY).isoweekday()
        if self.from_time < self.to_time:
            return today in self.weekdays and self.from_time <= now < self.to_time
        return (today in self.weekdays and now >= self.from_time) or (yesterday in self.weekdays and now < self.to_time)


def on_call(shifts: Iterable[Shift], at: datetime, area: str = "") -> tuple[OnCall, ...]:
    """Everybody on call at ``at`` for an incident of ``area``, to be rung in this order, each phone once.

    First those of the area, then those for everybody. Where neither has anyone, all who are on call at all: a hole
    in one area's roster must not leave an elder without a human, nor must an unknown caller's missing area (A8).
    """
    present = [shift for shift in shifts if shift.covers(at)]
    fitting = [shift for shift in present if shift.area in ("", area)]
    ordered = sorted(fitting or present, key=lambda shift: (not shift.area, shift.position, shift.name, shift.id))
    people: dict[str, OnCall] = {}
    for shift in ordered:
        people.setdefault(shift.phone, OnCall(shift.name, shift.phone))
    return tuple(people.values())


def gaps(shifts: Sequence[Shift], since: datetime, until: datetime, area: str = "") -> list[tuple[datetime, datetime]]:
    """The spans between ``since`` and ``until`` in which no shift for ``area`` or for everybody is on."""
    own = [shift for shift in shifts if shift.area in ("", area)]
    moments = sorted({since, until, *(at for shift in own for at in _edges(shift, since, until) if since < at < until)})
    found: list[tuple[datetime, datetime]] = []
    for begin, end in pairwise(moments):
        if any(shift.covers(begin) for shift in own):
            continue
        joined = found.pop()[0] if found and found[-1][1] == begin else begin
        found.append((joined, end))
    return found


def _edges(shift: Shift, since: datetime, until: datetime) -> Iterator[datetime]:
    if shift.starts_at is not None and shift.ends_at is not None:
        yield from (shift.starts_at, shift.ends_at)
        return
    day = since.astimezone(SHANGHAI).date() - _DAY
    while day <= until.astimezone(SHANGHAI).date():
        for edge in (shift.from_time, shift.to_time):
            yield datetime.combine(day, time.fromisoformat(edge), SHANGHAI)
        day += _DAY
