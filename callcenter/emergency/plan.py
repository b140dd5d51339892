"""Response plans (预案, A3, A6): who is alerted how many seconds after a press, and what the operator ticks off.

Pure data. A plan is frozen onto the incident when it opens; a later change of the plan never touches it.
"""

from enum import StrEnum
from itertools import pairwise

import msgspec

from callcenter.errors import InvalidInput

MAX_STEPS = 20
MAX_SECONDS = 3600.0


class Target(StrEnum):
    """Groups of people whom a step names.

    The ladder itself rings free, paused and wrap-up seats, supervisors and on-call mobiles; whom else a step names
    is shown to the operator, who brings them in (A2).
    """

    FREE_SEATS = "free_seats"
    PAUSED_SEATS = "paused_seats"
    WRAP_UP_SEATS = "wrap_up_seats"
    BUSY_SEATS = "busy_seats"
    SUPERVISORS = "supervisors"
    DUTY = "duty"
    FAMILY = "family"
    DOCTOR = "doctor"
    SOCIAL_WORKER = "social_worker"
    COMMUNITY = "community"


class Step(msgspec.Struct, frozen=True):
    """``at_seconds`` after the press, alert ``targets`` (values of `Target`) at the same time."""

    at_seconds: float
    targets: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True):
    """A response plan.

    ``steps``: in order of time. ``checklist``: sentences the operator ticks off (A6).
    ``repeat_every_seconds``: how long an on-call mobile that rang out is left alone before it rings again.
    """

    id: str
    name: str
    steps: tuple[Step, ...]
    checklist: tuple[str, ...] = ()
    repeat_every_seconds: float = 10


DEFAULT_PLAN = Plan(
    id="default",
    name="默认预案",
    steps=(
        Step(0, (Target.FREE_SEATS,)),
        Step(3, (Target.PAUSED_SEATS, Target.WRAP_UP_SEATS, Target.SUPERVISORS)),
        Step(5, (Target.DUTY,)),
    ),
)


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
        if not 0 <= step.at_seconds <= MAX_SECONDS:
            raise InvalidInput(f"step {number}: at_seconds must be between 0 and {MAX_SECONDS:.0f}")
    times = [step.at_seconds for step in plan.steps]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise InvalidInput("steps must be in order of time, each later than the one before; merge those at one moment")
    if not 1 <= plan.repeat_every_seconds <= MAX_SECONDS:
        raise InvalidInput(f"repeat_every_seconds must be between 1 and {MAX_SECONDS:.0f}")
    return plan
