"""Response plans (预案, A3, A6): who is alerted how many seconds after a press, and what the operator ticks off.

Pure data. A plan is frozen onto the incident when it opens; a later change of the plan never touches it.
"""

from enum import StrEnum
from itertools import pairwise

import msgspec

from callcenter.emergency.checklists import CHECKLISTS
from callcenter.errors import InvalidInput
from callcenter.routing.model import Target as SeatTarget

MAX_STEPS = 20
MAX_SECONDS = 3600.0


class Target(StrEnum):
    """Groups of people whom a step alerts: seats of ours, our people outside, the elder's people."""

    FREE_SEATS = SeatTarget.FREE
    PAUSED_SEATS = SeatTarget.PAUSED
    WRAP_UP_SEATS = SeatTarget.WRAP_UP
    BUSY_SEATS = SeatTarget.BUSY
    SUPERVISORS = SeatTarget.SUPERVISORS
    DUTY = "duty"
    NEXT_CENTER = "next_center"
    FAMILY = "family"
    ALL_FAMILY = "all_family"
    GUARDIAN = "guardian"
    GROUP_LEADER = "group_leader"
    VILLAGE_CADRE = "village_cadre"
    DOCTOR = "doctor"
    SOCIAL_WORKER = "social_worker"
    COMMUNITY = "community"
    AMBULANCE = "120"


SEAT_TARGETS = frozenset(
    {Target.FREE_SEATS, Target.PAUSED_SEATS, Target.WRAP_UP_SEATS, Target.BUSY_SEATS, Target.SUPERVISORS}
)


HOUSE_TARGETS = SEAT_TARGETS | {Target.DUTY, Target.NEXT_CENTER}
"""Who answers for us, inside and outside."""


class Accept(StrEnum):
    """What counts as acceptance by a phone outside: a key (voicemail presses none, R15), or picking up."""

    KEY = "key"
    ANSWER = "answer"


class Step(msgspec.Struct, frozen=True):
    """``at_seconds`` after the press, alert ``targets`` (values of `Target`) at the same time.

    Whoever is outside is dialled and texted; ``accept`` says what counts as their acceptance. Seats accept by
    picking up.
    """

    at_seconds: float
    targets: tuple[str, ...]
    accept: str = Accept.KEY


class Plan(msgspec.Struct, frozen=True):
    """A response plan.

    ``steps``: in order of time; after the last, from the top again, until somebody accepts.
    ``checklist``: sentences the operator ticks off (A6); ``checklists``: others by kind of event.
    ``repeat_every_seconds``: how long a phone outside that did not accept is left alone before it rings again.
    ``area``: whose plan it is by default, empty: nobody's. ``priority``: higher first when many press at once.
    """

    id: str
    name: str
    steps: tuple[Step, ...]
    checklist: tuple[str, ...] = ()
    repeat_every_seconds: float = 10
    area: str = ""
    priority: int = 0
    checklists: dict[str, tuple[str, ...]] = {}

    def checklist_for(self, kind: str) -> tuple[str, ...]:
        """What the operator ticks off in an event of this kind."""
        return self.checklists.get(kind) or self.checklist or CHECKLISTS.get(kind, ())


DEFAULT_PLAN = Plan(
    id="default",
    name="默认预案",
    steps=(
        Step(0, (Target.FREE_SEATS,)),
        Step(3, (Target.PAUSED_SEATS, Target.WRAP_UP_SEATS, Target.SUPERVISORS, Target.BUSY_SEATS)),
        Step(5, (Target.DUTY, Target.NEXT_CENTER)),
        Step(10, (Target.FAMILY, Target.GUARDIAN)),
        Step(20, (Target.SOCIAL_WORKER, Target.COMMUNITY)),
        Step(40, (Target.ALL_FAMILY, Target.DOCTOR, Target.GROUP_LEADER, Target.VILLAGE_CADRE)),
    ),
)


FLOOR = tuple(
    Step(step.at_seconds, ours)
    for step in DEFAULT_PLAN.steps
    if (ours := tuple(target for target in step.targets if target in HOUSE_TARGETS))
)
"""The steps that every incident has, whatever its plan says: a plan adds to them, never takes away (A9)."""


def seat_schedule(plan: Plan) -> list[tuple[float, frozenset[str]]]:
    """From how many seconds of waiting on which seats are rung, by the floor and the plan; the first at 0 s.

    A stored plan that cannot be read takes nothing of the floor.
    """
    try:
        steps = sorted((*FLOOR, *plan.steps), key=lambda step: step.at_seconds)
    except TypeError:
        steps = list(FLOOR)
    so_far: frozenset[str] = frozenset()
    schedule: list[tuple[float, frozenset[str]]] = []
    for step in steps:
        if own := SEAT_TARGETS & frozenset(step.targets):
            so_far |= own
            schedule.append((min(step.at_seconds, 0.0) if not schedule else step.at_seconds, so_far))
    return schedule


def checked(plan: Plan) -> Plan:
    """The plan, if it can be carried out; else `InvalidInput` that names what is wrong and where.

    For the edge, where plans are made. A stored plan is never refused: the ladder passes over a target
    that it does not know, because an emergency must not fail on a plan.
    """
    if not plan.steps or len(plan.steps) > MAX_STEPS:
        raise InvalidInput(f"a response plan has 1 to {MAX_STEPS} steps, this one has {len(plan.steps)}")
    if plan.steps[0].at_seconds != 0:
        raise InvalidInput("the first step must be at 0 seconds: somebody is alerted at once")
    for number, step in enumerate(plan.steps, start=1):
        if not step.targets:
            raise InvalidInput(f"step {number} alerts nobody; name at least one target")
        unknown = [target for target in step.targets if target not in set(Target)]
        if unknown:
            raise InvalidInput(f"step {number}: unknown target {unknown[0]!r}; one of {', '.join(Target)}")
        if step.accept not in set(Accept):
            raise InvalidInput(f"step {number}: accept must be key or answer, not {step.accept!r}")
        if not 0 <= step.at_seconds <= MAX_SECONDS:
            raise InvalidInput(f"step {number}: at_seconds must be between 0 and {MAX_SECONDS:.0f}")
    times = [step.at_seconds for step in plan.steps]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise InvalidInput("steps must be in order of time, each later than the one before; merge those at one moment")
    if not 1 <= plan.repeat_every_seconds <= MAX_SECONDS:
        raise InvalidInput(f"repeat_every_seconds must be between 1 and {MAX_SECONDS:.0f}")
    return plan
