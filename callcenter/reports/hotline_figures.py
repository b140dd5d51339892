"""The figures of the hotline, and how they come from counts; formulae stand in `callcenter.reports.hotline_calls`."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, Field

from callcenter.queues.model import Book
from callcenter.reports.hotline_calls import SHORT_SECONDS, HotlineCall, Outcome

CONNECTION_TARGET = 0.9
"""GS 5.3.5.1(4)."""

DEFINITIONS = {
    "offered": "came into a queue (not: hung up in the menu)",
    "abandoned": f"left unanswered after {SHORT_SECONDS:g} s or more; sooner is short_abandoned, which is in no rate",
    "overflowed": "handed to voicemail, call-back or another number by rule, unanswered",
    "connection_rate": "answered / (answered + abandoned + overflowed)",
    "service_level": "answered within / (answered + abandoned + overflowed + waiting beyond)",
    "average_wait_seconds": "of the answered, from the queue to a human",
    "turned": "became emergencies by key 9; in no rate",
}
"""Shown with the figures, so that nobody has to guess."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a queue promises: so large a share answered within so many seconds."""

    within_seconds: float = 20.0
    share: float = 0.8


def goal_of(book: Book, code: str) -> Goal:
    """What a queue promises; a queue that is gone promises what the general one does."""
    queue = book.queue(code)
    return Goal(queue.service_level_seconds, queue.service_level_target)


def wrap_up_of(book: Book, code: str, otherwise: float) -> float:
    """Seconds of wrap-up after a call of a queue."""
    seconds = book.queue(code).wrap_up_seconds
    return otherwise if seconds is None else seconds


class ServiceLevel(BaseModel):
    """Share answered within the limit; null when nobody was offered. Several queues together have no one limit."""

    within_seconds: float | None
    target: float | None
    share: float | None = Field(description="0 to 1.")


class HotlineFigures(BaseModel):
    """Figures of a group of hotline calls. Counts of calls, seconds, shares of 0 to 1."""

    offered: int
    answered: int
    answered_within: int
    abandoned: int
    short_abandoned: int
    overflowed: int
    turned: int
    waiting: int
    service_level: ServiceLevel
    connection_rate: float | None
    connection_target: float = CONNECTION_TARGET
    average_wait_seconds: float | None
    longest_wait_seconds: float | None = Field(description="Of those who were decided.")


@dataclass(slots=True)
class Tally:
    """Counts that add up."""

    answered: int = 0
    answered_within: int = 0
    abandoned: int = 0
    short: int = 0
    overflowed: int = 0
    turned: int = 0
    waiting: int = 0
    waiting_beyond: int = 0
    answered_wait_ms: int = 0
    longest_ms: int = -1

    def add(self, call: HotlineCall, goal: Goal) -> None:
        """Count a call that is decided."""
        self.count(call.outcome, call.waited_ms or 0, goal)

    def count(self, outcome: Outcome, waited_ms: int, goal: Goal) -> None:
        """Count one of ``outcome`` that waited so long."""
        match outcome:
            case Outcome.ANSWERED:
                self.answered += 1
                self.answered_wait_ms += waited_ms
                self.answered_within += waited_ms <= goal.within_seconds * 1000
            case Outcome.ABANDONED if waited_ms < SHORT_SECONDS * 1000:
                self.short += 1
            case Outcome.ABANDONED:
                self.abandoned += 1
            case Outcome.OVERFLOWED:
                self.overflowed += 1
            case Outcome.EMERGENCY:
                self.turned += 1
            case _:
                return
        self.longest_ms = max(self.longest_ms, waited_ms)

    def wait(self, seconds: float, goal: Goal) -> None:
        """Count a call that waits."""
        self.waiting += 1
        self.waiting_beyond += seconds > goal.within_seconds

    def figures(self, goal: Goal | None) -> HotlineFigures:
        """``goal`` None: of several queues, each judged by its own."""
        decided = self.answered + self.abandoned + self.overflowed
        return HotlineFigures(
            offered=decided + self.short + self.turned + self.waiting,
            answered=self.answered,
            answered_within=self.answered_within,
            abandoned=self.abandoned,
            short_abandoned=self.short,
            overflowed=self.overflowed,
            turned=self.turned,
            waiting=self.waiting,
            service_level=ServiceLevel(
                within_seconds=goal.within_seconds if goal else None,
                target=goal.share if goal else None,
                share=_share(self.answered_within, decided + self.waiting_beyond),
            ),
            connection_rate=_share(self.answered, decided),
            average_wait_seconds=round(self.answered_wait_ms / self.answered / 1000, 1) if self.answered else None,
            longest_wait_seconds=round(self.longest_ms / 1000, 1) if self.longest_ms >= 0 else None,
        )


def together(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    total = Tally()
    for tally in tallies:
        for name in Tally.__slots__:
            if name != "longest_ms":
                setattr(total, name, getattr(total, name) + getattr(tally, name))
        total.longest_ms = max(total.longest_ms, tally.longest_ms)
    return total


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
