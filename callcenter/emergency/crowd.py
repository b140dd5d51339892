"""Many presses at once (R21): who is first, when it counts as a mass event, what the waiting hear. Pure rules."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from callcenter.emergency.kinds import Kind
from callcenter.emergency.model import Incident

_GRAVITY: Mapping[str, int] = {
    Kind.FIRE: 5, Kind.SMOKE: 5, Kind.GAS: 5, Kind.FALL: 4, Kind.ILLNESS: 4, Kind.MANUAL: 3, Kind.THEFT: 3,
    Kind.OTHER: 3, Kind.WANDERING: 2, Kind.FENCE: 2, Kind.INACTIVITY: 2,
}  # fmt: skip
MOST_PRESSES = 9
AGES = (70, 80, 90)

MASS_WAITING = 10
"""So many elders without a human, and more than there are seats, are a mass event …"""
CALM_SECONDS = 30.0
"""… until every one of them has had a human, or for so long as many seats as waiting elders."""
FIRST_WORD, NEXT_WORD = 12.0, 30.0
"""Seconds of waiting after which an elder in a crowd is told so, and between two such messages."""
WORDS_A_TICK = 4


def urgency(incident: Incident) -> int:
    """Higher is served first: the plan's priority, then the kind of event, then repeated presses, then age.

    Among equals the longest waiting comes first (`callcenter.routing.model`).
    """
    gravity = _GRAVITY.get(incident.kind, 3)
    age = bisect_right(AGES, incident.age)
    return ((incident.plan.priority * 10 + gravity) * 10 + min(incident.priority, MOST_PRESSES)) * 10 + age


@dataclass(frozen=True, slots=True)
class Crowd:
    """Whether there is a mass event. ``calm_since``: monotonic seconds, None while there are too many."""

    mass: bool = False
    calm_since: float | None = None


def crowd(before: Crowd, waiting: int, seats: int, now: float) -> Crowd:
    """The state after counting ``waiting`` elders and ``seats`` that could be rung."""
    if waiting >= MASS_WAITING and waiting > seats:
        return Crowd(mass=True)
    if not before.mass or waiting == 0:
        return Crowd()
    if waiting > seats:
        return Crowd(mass=True)
    since = now if before.calm_since is None else before.calm_since
    return Crowd() if now - since >= CALM_SECONDS else Crowd(mass=True, calm_since=since)
