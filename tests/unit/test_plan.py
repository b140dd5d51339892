"""Response plans: those that cannot be carried out are refused where they are made (A3, A6)."""

import msgspec
import pytest

from callcenter.emergency.plan import DEFAULT_PLAN, Plan, Step, Target, checked
from callcenter.errors import InvalidInput


def _plan(*steps: Step, repeat: float = 10) -> Plan:
    return Plan("p", "plan", steps, repeat_every_seconds=repeat)


def test_given_the_default_plan_when_checked_then_seats_come_first_and_people_outside_follow() -> None:
    """A1, A9: free seats at 0 s, the others at 3 s, on-call mobiles and the next centre at 5 s, then her people."""
    assert checked(DEFAULT_PLAN) is DEFAULT_PLAN
    assert [(step.at_seconds, set(step.targets)) for step in DEFAULT_PLAN.steps] == [
        (0, {"free_seats"}),
        (3, {"paused_seats", "wrap_up_seats", "supervisors", "busy_seats"}),
        (5, {"duty", "next_center"}),
        (10, {"family", "guardian"}),
        (20, {"social_worker", "community"}),
        (40, {"all_family", "doctor", "group_leader", "village_cadre"}),
    ]


def test_given_every_target_when_checked_then_each_is_known() -> None:
    assert checked(_plan(Step(0, tuple(Target)))).steps[0].targets == tuple(Target)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (_plan(), "1 to 20 steps"),
        (_plan(*(Step(n, ("duty",)) for n in range(21))), "1 to 20 steps"),
        (_plan(Step(1, ("duty",))), "at 0 seconds"),
        (_plan(Step(0, ())), "step 1 alerts nobody"),
        (_plan(Step(0, ("duty",)), Step(2, ("nobody",))), "step 2: unknown target 'nobody'"),
        (_plan(Step(0, ("duty",)), Step(0, ("family",))), "order of time"),
        (_plan(Step(0, ("duty",)), Step(5, ("family",)), Step(3, ("doctor",))), "order of time"),
        (_plan(Step(0, ("duty",)), Step(3601, ("family",))), "between 0 and 3600"),
        (_plan(Step(0, ("duty",)), Step(float("nan"), ("family",))), "between 0 and 3600"),
        (_plan(Step(0, ("duty",)), repeat=0), "repeat_every_seconds"),
    ],
)
def test_given_a_plan_that_cannot_be_carried_out_when_checked_then_it_names_the_fault(plan: Plan, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        checked(plan)


def test_given_a_plan_when_written_and_read_then_it_is_the_same() -> None:
    """A6: the plan is frozen onto the incident as it is."""
    assert msgspec.json.decode(msgspec.json.encode(DEFAULT_PLAN), type=Plan) == DEFAULT_PLAN
