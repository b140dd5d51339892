"""Queues, seat skills and days as pure data, and the book of all of them that routing reads (B1, B7).

Nothing here knows of the database: routing asks while it is away (A10).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

GENERAL = "general"
"""The queue that is always there: any seat, always open. Whatever names no known queue is this one."""

STAY = "stay"


class Hours(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """When a queue is open: on ``days`` (1 Monday … 7 Sunday, on which it begins), ``from`` and ``to`` as ``HH:MM`` in
    Asia/Shanghai; over midnight when it ends before it begins, the whole day when both are the same."""

    days: tuple[int, ...]
    start: str
    end: str


class Overflow(msgspec.Struct, frozen=True):
    """Where a caller goes when ``when`` (``wait``, ``expected_wait`` in seconds, or ``length`` in callers) is over
    ``over``. ``to``: ``voicemail``, ``callback``, ``queue:<code>``, ``number:<n>`` or ``stay``."""

    when: str
    over: float
    to: str


class Queue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One queue. Durations in seconds.

    ``skill``: what a seat must know, at ``min_level`` (1 to 5) or better; empty: any seat. ``priority``: 0 to 9.
    ``service_level_seconds``, ``service_level_target``: the share of callers answered within. ``wrap_up_seconds``,
    ``ring_seconds``: None is what the settings say. ``sticky_seconds``: how long a caller waits for the operator she
    spoke with last. ``area_first``: seats of her area before others. ``ageing_seconds``: waiting so long is worth one
    point of priority, 0: nothing. ``max_length``: with so many waiting the queue is full, which is as if closed; 0:
    never. ``hours``: none is always. ``holidays``: ``closed``; ``open``: all day; ``hours``: as on any other day.
    ``closed_to``: where a caller goes who comes while it is closed, as `Overflow.to`.
    """

    code: str
    name: str
    name_en: str = ""
    skill: str = ""
    min_level: int = 1
    priority: int = 0
    service_level_seconds: float = 20
    service_level_target: float = 0.8
    wrap_up_seconds: float | None = None
    ring_seconds: int | None = None
    sticky_seconds: float = 0
    area_first: bool = False
    ageing_seconds: float = 60
    announce_position: bool = True
    announce_wait: bool = False
    max_length: int = 0
    hours: tuple[Hours, ...] = ()
    holidays: str = "hours"
    closed_to: str = STAY
    overflow: tuple[Overflow, ...] = ()


class Skills(msgspec.Struct, frozen=True):
    """What a seat knows (skill to level, 1 to 5), and whose elders it serves first."""

    user: str
    levels: dict[str, int] = {}
    area: str = ""


class OwnDay(msgspec.Struct, frozen=True):
    """A day that is otherwise than the calendar says. ``date``: ISO 8601; ``kind``: ``open`` or ``closed``."""

    date: str
    kind: str
    name: str = ""


DEFAULT = Queue(code=GENERAL, name="综合服务", name_en="General")


class Book:
    """All queues, seat skills and own days at one moment; never changes."""

    def __init__(
        self, queues: Iterable[Queue] = (), skills: Iterable[Skills] = (), days: Iterable[OwnDay] = ()
    ) -> None:
        self.queues: Mapping[str, Queue] = MappingProxyType(
            {GENERAL: DEFAULT} | {queue.code: queue for queue in queues}
        )
        self.skills: Mapping[str, Skills] = MappingProxyType({seat.user: seat for seat in skills})
        self.days: Mapping[str, OwnDay] = MappingProxyType({day.date: day for day in days})

    def queue(self, code: str) -> Queue:
        """The queue of that code; the general one when there is none, so that nobody waits nowhere."""
        return self.queues.get(code) or self.queues[GENERAL]

    def skills_of(self, user: str) -> Skills:
        """What a seat knows: nothing in particular when nobody said."""
        return self.skills.get(user) or Skills(user)
