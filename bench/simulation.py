"""A day at the seats in moments: the product's own rules of distribution under a drawn load.

Discrete events: a caller comes, gives up, is served to the end. After each, whoever waits and all seats are put to
`callcenter.routing.distribution.desired`, as the product does; a seat that should ring picks up at once. The same seed
draws the same callers, whatever the rules.
"""

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from statistics import fmean, stdev

from callcenter.routing.distribution import desired
from callcenter.routing.model import Demand, Seat, Target

BATCHES = 20
STUDENT = 2.093
"""97.5 % point of Student's t with 19 degrees of freedom: 95 % confidence of twenty batches' mean (batch means;
A. M. Law, "Simulation Modeling and Analysis")."""
WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of callers; times in seconds. ``spread``: coefficient of variation of a lognormal handling time, 0: it
    is exponential. ``patience``: mean of an exponential, infinite: nobody gives up. The rest as in a `Demand`."""

    rate: float
    handling: float
    patience: float = math.inf
    spread: float = 0.0
    priority: int = 0
    ageing: float = 0.0
    skill: str = ""
    min_level: int = 1


@dataclass(frozen=True, slots=True)
class Caller:
    """One drawn caller."""

    number: int
    stream: str
    at: float
    handling: float
    patience: float


@dataclass(slots=True)
class Fate:
    """What became of one. ``waited``: until she was served or gave up."""

    caller: Caller
    waited: float
    served: bool
    seat: str = ""


def draw(streams: Mapping[str, Stream], count: int, seed: int) -> list[Caller]:
    """So many callers of all streams, in order of arrival; each stream is a Poisson process of its own."""
    chance = Random(seed)  # noqa: S311 - no secret
    total = sum(stream.rate for stream in streams.values())
    names, rates = list(streams), [stream.rate for stream in streams.values()]
    callers, at = [], 0.0
    for number in range(count):
        at += chance.expovariate(total)
        name = chance.choices(names, rates)[0]
        stream = streams[name]
        callers.append(Caller(number, name, at, _handling(chance, stream), _exponential(chance, stream.patience)))
    return callers


def _exponential(chance: Random, mean: float) -> float:
    return chance.expovariate(1 / mean) if math.isfinite(mean) else math.inf


def _handling(chance: Random, stream: Stream) -> float:
    if not stream.spread:
        return _exponential(chance, stream.handling)
    variance = math.log1p(stream.spread**2)
    return chance.lognormvariate(math.log(stream.handling) - variance / 2, math.sqrt(variance))


@dataclass(slots=True)
class Floor:
    """The seats and who waits, at one moment of the simulation."""

    streams: Mapping[str, Stream]
    seats: dict[str, Seat]
    waiting: dict[str, Demand] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    fates: list[Fate] = field(default_factory=list)

    def come(self, caller: Caller) -> None:
        """A caller is in the queue."""
        stream, call_id = self.streams[caller.stream], str(caller.number)
        self.callers[call_id] = caller
        self.waiting[call_id] = Demand(
            call_id=call_id,
            targets=frozenset({Target.FREE}),
            ring_all=False,
            priority=stream.priority,
            since=caller.at,
            ageing=stream.ageing,
            skill=stream.skill,
            min_level=stream.min_level,
        )

    def give_up(self, call_id: str, now: float) -> None:
        """Her patience is at its end, if she still waits."""
        if self.waiting.pop(call_id, None) is not None:
            caller = self.callers[call_id]
            self.fates.append(Fate(caller, now - caller.at, served=False))

    def deal(self, now: float) -> Iterable[tuple[float, str]]:
        """Let the seats pick up that should ring; when each of them will be free again."""
        if not self.waiting or not any(seat.talking_on is None for seat in self.seats.values()):
            return
        for user, call_id in desired(list(self.waiting.values()), list(self.seats.values()), now).items():
            caller = self.callers[call_id]
            del self.waiting[call_id]
            self.seats[user] = replace(self.seats[user], talking_on=call_id)
            self.fates.append(Fate(caller, now - caller.at, served=True, seat=user))
            yield now + caller.handling, user

    def hang_up(self, user: str, now: float) -> None:
        """A seat's caller has gone."""
        self.seats[user] = replace(self.seats[user], talking_on=None, idle_since=now)


def run(streams: Mapping[str, Stream], seats: Sequence[Seat], callers: Sequence[Caller]) -> list[Fate]:
    """What becomes of every caller, in order of arrival; raises `AssertionError` when one is lost or has two fates."""
    floor = Floor(streams, {seat.user: seat for seat in seats})
    events: list[tuple[float, int, str]] = [(caller.at, 0, str(caller.number)) for caller in callers]
    heapq.heapify(events)
    by_id = {str(caller.number): caller for caller in callers}
    while events:
        now, kind, name = heapq.heappop(events)
        if kind == 0:
            floor.come(by_id[name])
            if math.isfinite(by_id[name].patience):
                heapq.heappush(events, (now + by_id[name].patience, 2, name))
        elif kind == 1:
            floor.hang_up(name, now)
        else:
            floor.give_up(name, now)
        for free_at, user in floor.deal(now):
            heapq.heappush(events, (free_at, 1, user))
    fates = sorted(floor.fates, key=lambda fate: fate.caller.number)
    if [fate.caller.number for fate in fates] != [caller.number for caller in callers]:
        raise AssertionError("a caller was lost, or had two fates")
    return fates


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and the half of its 95 % confidence interval."""

    mean: float
    within: float

    def holds(self, value: float) -> bool:
        """Whether a value is inside the interval."""
        return abs(value - self.mean) <= self.within

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate":
        """Of values in their order in time: the means of twenty batches are nearly independent."""
        size = len(values) // BATCHES
        means = [fmean(values[start : start + size]) for start in range(0, size * BATCHES, size)]
        return cls(fmean(means), STUDENT * stdev(means) / math.sqrt(BATCHES))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the callers met with; shares are of all callers, times in seconds."""

    callers: int
    service_level: Estimate
    wait: Estimate
    abandoned: Estimate
    longest: float
    """Of all waits that ended with a seat."""


def outcome(fates: Sequence[Fate], within: float) -> Outcome:
    """Sum up; the first few callers, who met an empty centre, do not count."""
    steady = fates[int(len(fates) * WARM_UP) :]
    return Outcome(
        callers=len(steady),
        service_level=Estimate.of([float(fate.served and fate.waited <= within) for fate in steady]),
        wait=Estimate.of([fate.waited for fate in steady]),
        abandoned=Estimate.of([float(not fate.served) for fate in steady]),
        longest=max((fate.waited for fate in steady if fate.served), default=math.nan),
    )


def occupancy(fates: Sequence[Fate], seats: int) -> Estimate:
    """The share of their time that the seats talk, from the work that was done between arrivals."""
    steady = fates[int(len(fates) * WARM_UP) :]
    size = len(steady) // BATCHES
    shares = []
    for start in range(0, size * BATCHES, size):
        batch = steady[start : start + size]
        span = batch[-1].caller.at - batch[0].caller.at
        shares.append(sum(fate.caller.handling for fate in batch if fate.served) / (span * seats) * (size - 1) / size)
    return Estimate(fmean(shares), STUDENT * stdev(shares) / math.sqrt(BATCHES))


def operators(count: int, *, prefix: str = "op", **skills: int) -> list[Seat]:
    """So many seats with their phones on and these skills."""
    return [Seat(f"{prefix}{number}", registered=True, sip=True, skills=dict(skills)) for number in range(1, count + 1)]
