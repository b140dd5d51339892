"""Which routine calls give way to emergencies that nobody has picked up (A9): a pure choice.

An operator who talks on the hotline is worth more to an elder in need than any phone that still rings. The routine
caller is put on hold, not hung up.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from callcenter.routing.model import Demand, Target

AGAIN_SECONDS = 10.0
"""No second operator is taken for the same emergency sooner than this."""


@dataclass(frozen=True, slots=True)
class Talk:
    """An operator in the room with a routine caller, since when."""

    user: str
    since: datetime


def choose(
    demands: Sequence[Demand],
    talks: Sequence[Talk],
    taken_at: Mapping[str, float],
    on_the_way: Collection[str],
    now: float,
) -> dict[str, str]:
    """Who is taken for whom: seat user → call id of the emergency.

    At most one for each waiting emergency that asks for busy seats by now, the most urgent first, those who have
    talked longest first: they are the likeliest to be done. ``taken_at``: when (monotonic) one was last taken for a
    call; ``on_the_way``: calls to whose room somebody is going already.
    """
    waiting = [
        demand
        for demand in demands
        if Target.BUSY in demand.targets
        and Target.TEST not in demand.targets
        and demand.call_id not in on_the_way
        and now - taken_at.get(demand.call_id, -AGAIN_SECONDS) >= AGAIN_SECONDS
    ]
    left = sorted(talks, key=lambda talk: (talk.since, talk.user))
    taken: dict[str, str] = {}
    for demand in sorted(waiting, key=lambda demand: (-demand.priority, demand.since, demand.call_id)):
        free = next((talk for talk in left if demand.resting.get(talk.user, 0.0) <= now), None)
        if free is not None:
            left.remove(free)
            taken[free.user] = demand.call_id
        if not left:
            break
    return taken
