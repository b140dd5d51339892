"""The incident as a fold, and the rules of the ladder: who is due, needs a human, is called back (A1, A2)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls import facts as cf
from callcenter.calls.model import Call, Leg, LegState, Role
from callcenter.emergency import facts as f
from callcenter.emergency.model import (
    INCIDENT_TABLE,
    Incident,
    IncidentState,
    attended,
    check_transition,
    evolve,
    milliseconds,
    needs_call_back,
    needs_human,
)
from callcenter.emergency.plan import (
    DEFAULT_PLAN,
    FLOOR,
    MAX_STEPS,
    SEAT_TARGETS,
    Plan,
    Step,
    Target,
    checked,
    seat_schedule,
)
from callcenter.errors import IllegalTransition, InvalidInput
from callcenter.facts import Body, Fact, decode, encode, record

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
STAFF_ROLES = ("seat", "duty", "center")
HELPERS = ("120", "family", "doctor", "social_worker", "community", "number")


def said(body: Body, seconds: float = 0, call_id: str | None = None) -> Fact:
    return record(body, NOW + timedelta(seconds=seconds), "system", incident_id="i-1", call_id=call_id)


OPENED = f.EmergencyOpened(
    origin="press", room="call-1", invited_at=NOW, plan=DEFAULT_PLAN, caller="138", elder_id="e1", elder_name="王"
)
CLOSED = f.EmergencyClosed(outcome="送医", closed_at=NOW + timedelta(minutes=5), summary="s")


def opened() -> Incident:
    incident = evolve(None, said(OPENED))
    assert incident is not None
    return incident


def then(incident: Incident, *facts: Fact) -> Incident:
    for fact in facts:
        after = evolve(incident, fact)
        assert after is not None
        incident = after
    return incident


# --- the state -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "to", "allowed"),
    [("open", "open", False), ("open", "closed", True), ("closed", "open", False), ("closed", "closed", False)],
)
def test_an_incident_is_closed_once_and_never_reopened(state: str, to: str, allowed: bool) -> None:
    incident = replace(opened(), state=IncidentState(state))
    if allowed:
        check_transition(incident, IncidentState(to))
    else:
        with pytest.raises(IllegalTransition, match=f"is {state} and cannot become {to}"):
            check_transition(incident, IncidentState(to))


def test_the_incident_table_knows_every_state() -> None:
    assert set(INCIDENT_TABLE) == set(IncidentState)


def test_given_nothing_when_anything_but_the_opening_is_said_then_there_is_no_incident() -> None:
    assert evolve(None, said(CLOSED)) is None
    assert evolve(None, said(cf.LegAnswered(leg_id="l", role="elder"), call_id="call-1")) is None


def test_given_an_open_incident_when_it_is_opened_again_then_nothing_changes() -> None:
    """The plan stays the one it opened with (A6)."""
    incident = then(opened(), said(f.EmergencyPressed(priority=1)))
    other = replace_plan(OPENED, Plan(id="other", name="", steps=(Step(0, ("duty",)),)))
    assert then(incident, said(other)) == incident


def replace_plan(body: f.EmergencyOpened, plan: Plan) -> f.EmergencyOpened:
    return f.EmergencyOpened(origin=body.origin, room=body.room, invited_at=body.invited_at, plan=plan)


def test_every_call_that_is_said_to_belong_belongs_once_and_in_order() -> None:
    incident = then(
        opened(),
        said(f.EmergencyPressed(priority=1), call_id="call-1"),
        said(cf.LegRinging(leg_id="l"), call_id="call-2"),
        said(cf.LegRinging(leg_id="l"), call_id="call-1"),
    )
    assert incident.calls == ("call-1", "call-2")


def test_the_system_answer_is_the_elders_first_leg_and_counts_from_the_invite() -> None:
    incident = then(
        opened(),
        said(cf.LegAnswered(leg_id="s", role="seat"), 1),
        said(cf.LegAnswered(leg_id="l", role="elder"), 1.5),
        said(cf.LegAnswered(leg_id="l2", role="elder"), 9),
    )
    assert incident.system_answer_ms == 1500


def test_an_elder_in_her_room_was_answered_though_asterisks_word_of_it_came_later() -> None:
    """R23."""
    incident = then(
        opened(),
        said(cf.LegJoined(leg_id="l", role="elder"), 0.2),
        said(cf.LegAnswered(leg_id="l", role="elder"), 0.4),
    )
    assert incident.system_answer_ms == 200


def test_the_first_human_counts_and_a_later_one_does_not() -> None:
    incident = then(
        opened(),
        said(f.EmergencyAnswered(leg_id="l", by="op1", milliseconds=2000)),
        said(f.EmergencyAnswered(leg_id="m", by="op2", milliseconds=9000)),
    )
    assert (incident.human_answer_ms, incident.answered_by) == (2000, "op1")


def test_priority_only_rises_and_a_late_answer_is_marked() -> None:
    incident = then(opened(), *(said(f.EmergencyPressed(priority=p)) for p in (1, 3, 2)))
    assert incident.priority == 3
    assert then(incident, said(f.AnswerLate(limit_seconds=5))).late


def test_a_close_keeps_its_first_outcome_and_the_elder_that_was_found_meanwhile() -> None:
    closed = then(opened(), said(CLOSED))
    assert (closed.open, closed.outcome, closed.summary, closed.elder_id) == (False, "送医", "s", "e1")
    assert closed.closed_at == NOW + timedelta(minutes=5)
    again = f.EmergencyClosed(outcome="误报", closed_at=NOW, elder_id="e9")
    assert then(closed, said(again)) == closed
    assert then(opened(), said(again)).elder_id == "e9"


def test_milliseconds_are_whole_and_never_negative() -> None:
    """R23."""
    assert milliseconds(NOW, NOW + timedelta(seconds=1.2344)) == 1234
    assert milliseconds(NOW, NOW - timedelta(hours=1)) == 0


bodies = st.one_of(
    st.just(OPENED),
    st.builds(f.EmergencyPressed, priority=st.integers(0, 3)),
    st.builds(f.EmergencyAnswered, leg_id=st.just("l"), by=st.just("op1"), milliseconds=st.integers(0, 9)),
    st.just(f.AnswerLate(limit_seconds=5)),
    st.builds(cf.LegAnswered, leg_id=st.just("l"), role=st.sampled_from(["elder", "seat"])),
    st.just(CLOSED),
)
histories = st.lists(st.tuples(bodies, st.integers(-60, 60), st.sampled_from([None, "call-1", "call-2"])), max_size=30)


def fold(facts: list[Fact]) -> Incident:
    incident = opened()
    for fact in facts:
        after = evolve(incident, fact)
        assert after is not None
        assert incident.open or not after.open
        incident = after
    return incident


@given(histories)
def test_the_fold_is_the_same_from_disk_and_when_every_fact_is_read_twice(
    history: list[tuple[Body, int, str | None]],
) -> None:
    facts = [said(body, seconds, call_id) for body, seconds, call_id in history]
    once = fold(facts)
    assert fold([decode(encode(fact)) for fact in facts]) == once
    assert fold([fact for fact in facts for _ in range(2)]) == once
    assert (once.system_answer_ms or 0) >= 0


# --- who needs a human -----------------------------------------------------------------------------------------


def call_with(*legs: tuple[str, LegState], via: str = "controller", over: bool = False) -> Call:
    return Call(
        id="call-1",
        line="emergency",
        caller="138",
        did="",
        room="call-1",
        recording="r",
        invited_at=NOW,
        via=via,
        legs={
            f"leg-{number}": Leg(
                id=f"leg-{number}",
                channel_id=f"c-{number}",
                role=role,
                number="x",
                state=state,
                accepted_at=NOW if state is LegState.JOINED else None,
            )
            for number, (role, state) in enumerate(legs)
        },
        ended_at=NOW if over else None,
    )


def test_needs_human_for_everybody_who_may_be_in_the_room() -> None:
    """Elder, staff and helper, in the room or not, before and after the first answer: the whole table."""
    for elder, staff, helper, answered in product((False, True), repeat=4):
        legs = [
            (role, LegState.JOINED if there else LegState.RINGING)
            for role, there in (("elder", elder), ("seat", staff), ("family", helper))
        ]
        incident = replace(opened(), human_answer_ms=1000 if answered else None)
        expected = not staff and (not answered or (elder and not helper))
        assert needs_human(incident, [call_with(*legs)]) is expected, (elder, staff, helper, answered)


def test_who_is_in_the_room_on_another_call_of_the_incident_counts() -> None:
    answered = replace(opened(), human_answer_ms=1)
    alone = call_with(("elder", LegState.JOINED))
    assert needs_human(answered, [alone, call_with(("120", LegState.ENDED))])
    assert not needs_human(answered, [alone, call_with(("120", LegState.JOINED))])
    assert not needs_human(opened(), [alone, call_with(("duty", LegState.JOINED))])


def test_a_closed_incident_needs_nobody_and_one_in_the_fallbacks_hands_is_not_disturbed() -> None:
    closed = then(opened(), said(CLOSED))
    alone = call_with(("elder", LegState.JOINED))
    fallback = call_with(("elder", LegState.ANSWERED), via="fallback")
    assert not needs_human(closed, [alone])
    assert not needs_human(opened(), [alone, fallback])
    assert needs_human(opened(), [replace(fallback, ended_at=NOW)])


@given(st.lists(st.tuples(st.sampled_from(list(Role)), st.sampled_from(list(LegState))), max_size=6), st.booleans())
def test_while_nobody_of_ours_was_with_her_she_needs_a_human_unless_staff_is_in_the_room(
    legs: list[tuple[str, LegState]], over: bool
) -> None:
    staffed = not over and any(role in STAFF_ROLES and state is LegState.JOINED for role, state in legs)
    assert needs_human(opened(), [call_with(*legs, over=over)]) is not staffed


@given(st.lists(st.tuples(st.sampled_from(list(Role)), st.sampled_from(list(LegState))), max_size=6), st.booleans())
def test_together_means_elder_and_staff_in_the_room_at_once(legs: list[tuple[str, LegState]], over: bool) -> None:
    there = {role for role, state in legs if state is LegState.JOINED and not over}
    assert attended(opened(), [call_with(*legs, over=over)]) is ("elder" in there and bool(there & set(STAFF_ROLES)))


@pytest.mark.parametrize("state", list(LegState))
@pytest.mark.parametrize("other", [None, "seat", "family"])
def test_she_is_called_back_only_while_no_line_of_hers_lives(state: LegState, other: str | None) -> None:
    """An operator who waits in her room changes nothing (R16)."""
    legs = [("elder", state)] + ([(other, LegState.JOINED)] if other else [])
    assert needs_call_back(opened(), [call_with(*legs)], NOW) is (state is LegState.ENDED)


def test_nobody_is_called_back_whose_emergency_is_closed_in_the_fallback_or_taken_off_by_an_operator() -> None:
    dropped = [call_with(("elder", LegState.ENDED))]
    assert needs_call_back(opened(), dropped, NOW)
    assert needs_call_back(opened(), [], NOW)
    assert needs_call_back(replace(opened(), human_answer_ms=5), dropped, NOW)
    assert not needs_call_back(replace(opened(), call_back_off=True), dropped, NOW)
    assert not needs_call_back(then(opened(), said(CLOSED)), dropped, NOW)
    assert not needs_call_back(opened(), [*dropped, call_with(via="fallback")], NOW)


# --- the plan --------------------------------------------------------------------------------------------------

plans = st.builds(
    lambda gaps, targets: Plan(
        id="p",
        name="p",
        steps=tuple(
            Step(float(sum(gaps[: number + 1]) if number else 0), tuple(group)) for number, group in enumerate(targets)
        ),
    ),
    st.lists(st.integers(1, 60), min_size=6, max_size=6),
    st.lists(st.lists(st.sampled_from(list(Target)), min_size=1, max_size=3), min_size=1, max_size=6),
)


def seats_at(plan: Plan, elapsed: float) -> frozenset[str]:
    return next(seats for at, seats in reversed(seat_schedule(plan)) if at <= elapsed)


@given(plans, st.floats(0, 400), st.floats(0, 400))
def test_seats_are_those_of_the_floor_and_of_every_step_due_never_nobody_and_never_fewer_later(
    plan: Plan, first: float, second: float
) -> None:
    for elapsed in (first, second):
        expected: set[str] = {Target.FREE_SEATS}
        for step in (*DEFAULT_PLAN.steps, *plan.steps):
            if step.at_seconds <= elapsed:
                expected.update(SEAT_TARGETS & set(step.targets))
        assert seats_at(plan, elapsed) == expected
    early, late = sorted((first, second))
    assert seats_at(plan, early) <= seats_at(plan, late)


@given(plans)
def test_every_plan_of_the_right_shape_is_accepted(plan: Plan) -> None:
    assert checked(plan) is plan


def test_the_floor_is_the_ladder_of_the_standard_whatever_a_plan_says() -> None:
    """A1, A9: t=0 all free seats; 3 s paused, wrap-up, supervisors, busy ones; 5 s the on-call mobiles."""
    checked(DEFAULT_PLAN)
    for plan in (DEFAULT_PLAN, Plan(id="p", name="p", steps=(Step(9, ("family",)),)), Plan(id="p", name="p", steps=())):
        assert seats_at(plan, 0) == {"free_seats"}
        assert seats_at(plan, 2.999) == {"free_seats"}
        assert seats_at(plan, 3) == SEAT_TARGETS
    assert [(step.at_seconds, set(step.targets)) for step in FLOOR][-1] == (5, {"duty", "next_center"})


def plan_of(*steps: Step, repeat: float = 10) -> Plan:
    return Plan(id="p", name="p", steps=steps, repeat_every_seconds=repeat)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (plan_of(), "1 to 20 steps, this one has 0"),
        (plan_of(*(Step(n, ("duty",)) for n in range(MAX_STEPS + 1))), "this one has 21"),
        (plan_of(Step(1, ("duty",))), "first step must be at 0 seconds"),
        (plan_of(Step(0, ())), "step 1 alerts nobody"),
        (plan_of(Step(0, ("duty",)), Step(3, ("mayor",))), "step 2: unknown target 'mayor'"),
        (plan_of(Step(0, ("duty",)), Step(3601, ("duty",))), "step 2: at_seconds must be between 0 and 3600"),
        (plan_of(Step(0, ("duty",)), Step(-1, ("duty",))), "step 2: at_seconds must be between"),
        (plan_of(Step(0, ("duty",)), Step(5, ("duty",)), Step(5, ("family",))), "in order of time"),
        (plan_of(Step(0, ("duty",)), repeat=0.5), "repeat_every_seconds must be between 1 and 3600"),
        (plan_of(Step(0, ("duty",)), repeat=3601), "repeat_every_seconds"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_with_the_place(plan: Plan, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        checked(plan)


def test_a_plan_of_the_most_steps_is_accepted() -> None:
    checked(plan_of(*(Step(n, ("duty",)) for n in range(MAX_STEPS)), repeat=3600))
