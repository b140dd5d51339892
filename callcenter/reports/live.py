"""The answer times of A1 as they stand this moment, from facts in memory: they work with the database down (A10)."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.clock import Clock
from callcenter.emergency import facts as ef
from callcenter.emergency.kinds import Kind
from callcenter.emergency.model import milliseconds
from callcenter.facts import Fact
from callcenter.reports.answer_times import Times, times

DAY = timedelta(hours=24)
MOST = 10_000
"""Incidents that are remembered; a flood beyond it forgets the oldest."""
CALLS = frozenset({"press", "menu"})
"""Origins of emergency calls."""


@dataclass(slots=True)
class _Seen:
    opened_at: datetime
    press: bool
    live: bool
    kind: str
    area: str
    system_ms: int | None = None
    human_ms: int | None = None
    open: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """Figures of the emergency calls of one span of time."""

    name: str
    system: Times
    human: Times


class LiveAnswerTimes:
    """Listens to the ledger. Drills, synthetic presses and alarms are no emergency calls and are not counted."""

    def __init__(self, clock: Clock, limit_seconds: float) -> None:
        self._clock = clock
        self._limit = timedelta(seconds=limit_seconds)
        self._seen: dict[str, _Seen] = {}

    def recall(self, facts: Iterable[Fact]) -> None:
        """Take in what the journal still held at the start: counted in the last 24 h, not since the start."""
        for fact in facts:
            self._take(fact, live=False)

    def hear(self, fact: Fact) -> None:
        """Take in a fact that is new."""
        self._take(fact, live=True)

    def _take(self, fact: Fact, *, live: bool) -> None:
        incident_id, body = fact.incident_id, fact.body
        if incident_id is None:
            return
        if isinstance(body, ef.EmergencyOpened):
            if body.origin in CALLS and body.drill is None and incident_id not in self._seen:
                if len(self._seen) >= MOST:
                    del self._seen[next(iter(self._seen))]
                self._seen[incident_id] = _Seen(
                    body.invited_at, body.origin == "press", live, kind=body.kind, area=body.area
                )
            return
        seen = self._seen.get(incident_id)
        if seen is None:
            return
        match body:
            case cf.LegAnswered(role=Role.ELDER) if seen.system_ms is None:
                seen.system_ms = milliseconds(seen.opened_at, fact.at)
            case ef.EmergencyAnswered(milliseconds=ms) if seen.human_ms is None:
                seen.human_ms = ms
            case ef.EmergencyClosed():
                seen.open = False
            case ef.EmergencyPressed(kind=kind) if kind and seen.kind == Kind.MANUAL:
                seen.kind = kind
            case ef.KindSaid(event=kind):
                seen.kind = kind
            case cf.ElderMatched(area=area):
                seen.area = area
            case _:
                pass

    def windows(self) -> Iterator[Window]:
        """``24h``: opened within the last 24 hours, as far back as the journal's present segment reaches.
        ``start``: since this process runs, the newest `MOST` of them."""
        for name, chosen in (
            ("24h", self._of_the_day()),
            ("start", [seen for seen in self._seen.values() if seen.live]),
        ):
            yield self._window(name, chosen)

    def groups(self, by: Literal["kind", "area"]) -> Iterator[Window]:
        """Those of the window ``24h``, kind by kind or area by area; a window's name is its kind or area."""
        grouped: dict[str, list[_Seen]] = defaultdict(list)
        for seen in self._of_the_day():
            grouped[seen.kind if by == "kind" else seen.area].append(seen)
        for name, chosen in grouped.items():
            yield self._window(name, chosen)

    def _of_the_day(self) -> list[_Seen]:
        now = self._clock.now()
        return [seen for seen in self._seen.values() if now - seen.opened_at < DAY]

    def since(self, moment: datetime) -> Window:
        """Of the calls opened at ``moment`` or after."""
        return self._window("since", [seen for seen in self._seen.values() if seen.opened_at >= moment])

    def _window(self, name: str, chosen: list[_Seen]) -> Window:
        now, limit_ms = self._clock.now(), self._limit.total_seconds() * 1000
        # Within the limit, and nobody there yet: neither in time nor late.
        decided = [s for s in chosen if s.human_ms is not None or not s.open or now - s.opened_at > self._limit]
        return Window(
            name,
            system=times([seen.system_ms for seen in decided if seen.press], limit_ms),
            human=times([seen.human_ms for seen in decided], limit_ms),
        )

    def longest_wait(self) -> float:
        """Seconds that the open call without a human has waited longest; 0 when nobody waits."""
        now = self._clock.now()
        waits = ((now - s.opened_at).total_seconds() for s in self._seen.values() if s.open and s.human_ms is None)
        return max(0.0, *waits, 0.0)


def seconds(value: int | None, of: Times) -> float:
    """A percentile for Prometheus: +Inf where it falls on an unanswered call, NaN where there was none."""
    if of.incidents == 0:
        return math.nan
    return math.inf if value is None else value / 1000
