"""The benchmark's arithmetic: quantiles, verdicts, and the search for the highest rate. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import StatisticsError, linear_regression


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of all do not exceed; NaN of nothing (nearest rank)."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Summary:
    """What many times come to; all but ``count`` in the unit of the times, NaN where there are none."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Summarise times."""
        return cls(len(values), *(quantile(values, share) for share in (0.50, 0.95, 0.99, 1.0)))


def ratio(ours: float, theirs: float) -> float:
    """``ours`` in multiples of ``theirs``; NaN where there is nothing to compare with."""
    return ours / theirs if theirs > 0 else math.nan


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much the second value of a pair grows with the first (least squares); NaN of fewer than two."""
    try:
        return linear_regression(*zip(*points, strict=True)).slope
    except (StatisticsError, TypeError):
        return math.nan


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what was measured, what was to be reached, and whether it was. NaN reaches nothing."""

    what: str
    measured: float
    limit: float
    at_most: bool = True

    @property
    def passed(self) -> bool:
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit


class Climb:
    """Searches the highest rate that is sustained, with few trials: upward in bounds, then halving what is left.

    Ask `next` for the rate to try (None: done), tell `tried` how it went, read `best` (0: none was sustained).
    ``factor``: how much more the next trial asks for; ``resolution``: relative width at which the search ends.
    """

    def __init__(self, start: float, ceiling: float, *, factor: float = 1.5, resolution: float = 0.08) -> None:
        self._next: float | None = min(start, ceiling)
        self._ceiling = ceiling
        self._factor = factor
        self._resolution = resolution
        self._failed = math.inf
        self.best = 0.0

    @property
    def next(self) -> float | None:
        """The rate to try now."""
        return self._next

    def tried(self, rate: float, sustained: bool) -> None:
        """Take in how a trial of `next` went."""
        if sustained:
            self.best = rate
        else:
            self._failed = rate
        if math.isinf(self._failed):
            following = min(rate * self._factor, self._ceiling)
            self._next = following if following > rate else None
        elif self._failed - self.best > self._resolution * self._failed and self._failed > 1:
            self._next = (self.best + self._failed) / 2
        else:
            self._next = None
