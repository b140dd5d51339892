"""Seats and their distribution: the states written out, and what must hold for any seats and callers (A9, B1, B7)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.routing.distribution import desired
from callcenter.routing.model import Demand, Seat, SeatState, Target, eligible

NOW = 100.0
FREE = frozenset({"free_seats"})
EVERYBODY = frozenset({"free_seats", "paused_seats", "wrap_up_seats", "supervisors"})


def emergency(call_id: str, *, priority: int = 0, since: float = 0.0, **changes: object) -> Demand:
    demand = Demand(call_id=call_id, targets=FREE, ring_all=True, priority=priority, since=since)
    return replace(demand, **changes)  # type: ignore[arg-type]


def hotline(call_id: str, *, since: float = 0.0, **changes: object) -> Demand:
    demand = Demand(call_id=call_id, targets=FREE, ring_all=False, priority=0, since=since)
    return replace(demand, **changes)  # type: ignore[arg-type]


def seat(user: str, **changes: object) -> Seat:
    return replace(Seat(user=user, registered=True), **changes)  # type: ignore[arg-type]


# fmt: off
# registered, declared, ringing, talking, in wrap-up → state
SEAT_STATES = [
    (False, "ready",  False, False, False, "offline"),
    (False, "ready",  False, False, True,  "offline"),
    (False, "ready",  False, True,  False, "talking"),
    (False, "ready",  False, True,  True,  "talking"),
    (False, "ready",  True,  False, False, "offline"),
    (False, "ready",  True,  False, True,  "offline"),
    (False, "ready",  True,  True,  False, "talking"),
    (False, "ready",  True,  True,  True,  "talking"),
    (False, "paused", False, False, False, "offline"),
    (False, "paused", False, False, True,  "offline"),
    (False, "paused", False, True,  False, "talking"),
    (False, "paused", False, True,  True,  "talking"),
    (False, "paused", True,  False, False, "offline"),
    (False, "paused", True,  False, True,  "offline"),
    (False, "paused", True,  True,  False, "talking"),
    (False, "paused", True,  True,  True,  "talking"),
    (True,  "ready",  False, False, False, "ready"),
    (True,  "ready",  False, False, True,  "wrap_up"),
    (True,  "ready",  False, True,  False, "talking"),
    (True,  "ready",  False, True,  True,  "talking"),
    (True,  "ready",  True,  False, False, "ringing"),
    (True,  "ready",  True,  False, True,  "ringing"),
    (True,  "ready",  True,  True,  False, "talking"),
    (True,  "ready",  True,  True,  True,  "talking"),
    (True,  "paused", False, False, False, "paused"),
    (True,  "paused", False, False, True,  "paused"),
    (True,  "paused", False, True,  False, "talking"),
    (True,  "paused", False, True,  True,  "talking"),
    (True,  "paused", True,  False, False, "ringing"),
    (True,  "paused", True,  False, True,  "ringing"),
    (True,  "paused", True,  True,  False, "talking"),
    (True,  "paused", True,  True,  True,  "talking"),
]
# fmt: on


@pytest.mark.parametrize(("registered", "declared", "ringing", "talking", "wrapping", "expected"), SEAT_STATES)
def test_given_what_is_known_of_a_seat_then_its_state_is_as_written(
    registered: bool, declared: str, ringing: bool, talking: bool, wrapping: bool, expected: str
) -> None:
    it = Seat(
        user="op1",
        declared=declared,
        registered=registered,
        ringing_for="c" if ringing else None,
        talking_on="c" if talking else None,
        wrap_up_until=NOW + 1 if wrapping else 0.0,
    )
    assert it.state(NOW) == SeatState(expected)


def test_wrap_up_ends_at_its_second() -> None:
    it = seat("op1", wrap_up_until=NOW)
    assert it.state(NOW - 0.001) is SeatState.WRAP_UP
    assert it.state(NOW) is SeatState.READY


@pytest.mark.parametrize(
    ("description", "it", "group"),
    [
        ("free", seat("op1"), "free_seats"),
        ("paused", seat("op1", declared="paused"), "paused_seats"),
        ("wrap-up", seat("op1", wrap_up_until=NOW + 1), "wrap_up_seats"),
        ("supervisor", seat("sup1", role="supervisor"), "supervisors"),
        ("supervisor, paused", seat("sup1", role="supervisor", declared="paused"), "supervisors"),
        ("unregistered", Seat(user="op1"), None),
        ("talking", seat("op1", talking_on="c0"), None),
    ],
)
def test_a_seat_rings_only_when_its_own_group_is_asked_for(description: str, it: Seat, group: str | None) -> None:
    """Paused, wrap-up and supervisors only when the plan asks for them (A9)."""
    for target in ("free_seats", "paused_seats", "wrap_up_seats", "supervisors", "duty", "family"):
        assert eligible(it, emergency("c", targets=frozenset({target})), NOW) is (target == group), (
            description,
            target,
        )


@pytest.mark.parametrize("user", ["op1", "sup1", "synthetic"])
def test_the_test_seat_and_real_seats_never_ring_for_each_others_callers(user: str) -> None:
    """A synthetic press disturbs nobody; nobody's press is answered by a machine."""
    role = {"op1": "operator", "sup1": "supervisor", "synthetic": "test"}[user]
    synthetic = emergency("c", targets=EVERYBODY | {"test_seat"})
    assert eligible(seat(user, role=role), synthetic, NOW) is (user == "synthetic")
    assert eligible(seat(user, role=role), emergency("c", targets=EVERYBODY), NOW) is (user != "synthetic")


def test_a_resting_seat_is_left_alone_by_that_call_until_its_second() -> None:
    demand = emergency("c", resting={"op1": NOW})
    assert not eligible(seat("op1"), demand, NOW - 0.001)
    assert eligible(seat("op1"), demand, NOW)
    assert eligible(seat("op2"), demand, NOW - 0.001)


# --- any seats, any callers --------------------------------------------------------------------------------

CALLS = [f"e{number}" for number in range(5)] + [f"h{number}" for number in range(4)]
USERS = [f"op{number}" for number in range(5)] + ["sup1"]

resting_maps = st.dictionaries(st.sampled_from(USERS), st.sampled_from([NOW - 1, NOW + 1]), max_size=3)


@st.composite
def seat_lists(draw: st.DrawFn) -> list[Seat]:
    return [
        Seat(
            user=user,
            role="supervisor" if user == "sup1" else "operator",
            declared=draw(st.sampled_from(["ready"] * 3 + ["paused"])),
            registered=draw(st.sampled_from([True] * 9 + [False])),
            auto_answer=draw(st.booleans()),
            ringing_for=draw(st.none() | st.sampled_from(CALLS)),
            talking_on=draw(st.sampled_from([None] * 8 + ["h0", "elsewhere"])),
            idle_since=draw(st.integers(0, 5)),
            wrap_up_until=draw(st.sampled_from([0.0, 0.0, NOW + 2])),
        )
        for user in draw(st.lists(st.sampled_from(USERS), unique=True, min_size=1))
    ]


@st.composite
def demand_lists(draw: st.DrawFn) -> list[Demand]:
    demands = []
    for call_id in draw(st.lists(st.sampled_from(CALLS), unique=True, min_size=1)):
        urgent = call_id.startswith("e")
        before = "" if urgent else draw(st.sampled_from(["", "", *USERS]))
        demands.append(
            Demand(
                call_id=call_id,
                targets=draw(st.sampled_from([FREE, EVERYBODY])) if urgent else FREE,
                ring_all=urgent,
                priority=draw(st.integers(0, 2)) if urgent else int(bool(before)),
                since=float(draw(st.integers(0, 4))),
                resting=draw(resting_maps),
                seat=before,
                only=bool(before) and draw(st.booleans()),
                unproved=urgent and draw(st.booleans()),
            )
        )
    return demands


def ringing(seats: Sequence[Seat], wanted: dict[str, str]) -> list[Seat]:
    """The seats once the phones do as wanted."""
    return [replace(it, ringing_for=wanted.get(it.user)) for it in seats]


def all_can_be_seated(demands: Sequence[Demand], seats: Sequence[Seat]) -> bool:
    """By trying every assignment: could every one of them have a seat of her own?"""
    return any(
        all(eligible(it, demand, NOW) for it, demand in zip(chosen, demands, strict=True))
        for chosen in permutations(seats, len(demands))
    )


@given(demand_lists(), seat_lists())
def test_only_seats_that_may_ring_are_rung_and_for_calls_that_wait(demands: list[Demand], seats: list[Seat]) -> None:
    by_call = {demand.call_id: demand for demand in demands}
    by_user = {it.user: it for it in seats}
    for user, call_id in desired(demands, seats, NOW).items():
        assert eligible(by_user[user], by_call[call_id], NOW)


@given(demand_lists(), seat_lists())
def test_no_seat_that_may_ring_for_a_waiting_emergency_is_left_out(demands: list[Demand], seats: list[Seat]) -> None:
    """All free seats ring at once (A1); the hotline never has one that an emergency may have (A9)."""
    wanted = desired(demands, seats, NOW)
    for it in seats:
        if any(demand.ring_all and eligible(it, demand, NOW) for demand in demands):
            assert wanted[it.user].startswith("e")


@settings(max_examples=200)
@given(demand_lists(), seat_lists())
def test_each_waiting_emergency_has_a_seat_whenever_that_can_be(demands: list[Demand], seats: list[Seat]) -> None:
    """And when they cannot all, the most urgent are the ones who have (R21)."""
    urgent = sorted((d for d in demands if d.ring_all), key=lambda d: (-d.priority, d.since))
    served = set(desired(demands, seats, NOW).values())
    seated: list[Demand] = []
    for demand in urgent:
        if all_can_be_seated([*seated, demand], seats):
            seated.append(demand)
    assert {demand.call_id for demand in seated} == {demand.call_id for demand in urgent} & served


@given(demand_lists(), seat_lists())
def test_asked_again_with_its_own_answer_ringing_nothing_changes(demands: list[Demand], seats: list[Seat]) -> None:
    """No needless churn: a phone that rings is let ring."""
    wanted = desired(demands, seats, NOW)
    assert desired(demands, ringing(seats, wanted), NOW) == wanted


@given(demand_lists(), seat_lists())
def test_seats_are_shared_evenly_among_emergencies(demands: list[Demand], seats: list[Seat]) -> None:
    wanted = desired(demands, seats, NOW)
    load = Counter(wanted.values())
    by_user = {it.user: it for it in seats}
    for user, call_id in wanted.items():
        for demand in demands:
            if demand.ring_all and call_id.startswith("e") and eligible(by_user[user], demand, NOW):
                assert load[call_id] - load[demand.call_id] <= 1


@given(demand_lists(), seat_lists())
def test_a_hotline_caller_rings_one_seat_and_the_longest_idle_of_those_at_rest(
    demands: list[Demand], seats: list[Seat]
) -> None:
    wanted = desired(demands, seats, NOW)
    load = Counter(call for call in wanted.values() if call.startswith("h"))
    assert all(number == 1 for number in load.values())
    by_user = {it.user: it for it in seats}
    asked_for = {demand.call_id for demand in demands}
    for demand in demands:
        rung = [by_user[user] for user, call_id in wanted.items() if call_id == demand.call_id]
        if demand.ring_all or any(it.ringing_for == demand.call_id for it in rung):
            continue
        for passed_over in seats:
            if passed_over.user not in wanted and passed_over.ringing_for not in asked_for:
                may = eligible(passed_over, demand, NOW)
                talks_to_her = any(it.talking_on == demand.call_id for it in seats)
                hers = bool(rung) and rung[0].user == demand.seat
                assert not may or talks_to_her or hers or (rung and rung[0].idle_since <= passed_over.idle_since)


@given(demand_lists(), seat_lists())
def test_among_hotline_callers_who_may_have_the_same_seats_the_first_come_are_served(
    demands: list[Demand], seats: list[Seat]
) -> None:
    calm = [replace(it, ringing_for=None, talking_on=None) for it in seats]
    alike = [replace(demand, resting={}, seat="", only=False, priority=0) for demand in demands]
    served = set(desired(alike, calm, NOW).values())
    waiting = sorted((d for d in alike if not d.ring_all), key=lambda d: d.since)
    seats_left = (
        sum(
            eligible(it, waiting[0], NOW) and not any(d.ring_all and eligible(it, d, NOW) for d in alike) for it in calm
        )
        if waiting
        else 0
    )
    assert [d.call_id in served for d in waiting] == [place < seats_left for place in range(len(waiting))]


@given(demand_lists(), seat_lists())
def test_who_was_on_hold_goes_before_every_other_hotline_caller_and_to_the_seat_she_had(
    demands: list[Demand], seats: list[Seat]
) -> None:
    """A9: whenever that seat may ring for her and no emergency wants it."""
    calm = [replace(it, ringing_for=None, talking_on=None) for it in seats]
    wanted = desired(demands, calm, NOW)
    held = sorted((d for d in demands if d.seat), key=lambda d: d.since)
    for demand in held[:1]:
        for it in calm:
            urgent = any(d.ring_all and eligible(it, d, NOW) for d in demands)
            if it.user == demand.seat and eligible(it, demand, NOW) and not urgent:
                same = [d.call_id for d in held if d.since == demand.since]
                assert wanted[it.user] in same
    for demand in demands:
        if demand.only:
            assert all(user == demand.seat for user, call_id in wanted.items() if call_id == demand.call_id)


@given(demand_lists(), seat_lists())
def test_while_a_phone_that_answered_by_itself_is_unproved_only_others_ring(
    demands: list[Demand], seats: list[Seat]
) -> None:
    """R12."""
    wanted = desired(demands, seats, NOW)
    by_call = {demand.call_id: demand for demand in demands}
    for it in seats:
        if it.user in wanted and by_call[wanted[it.user]].unproved:
            assert not it.answers_alone(NOW)


@pytest.mark.parametrize(
    ("changes", "alone"),
    [
        ({}, False),
        ({"auto_answer": True}, True),
        ({"auto_answer": True, "declared": "paused"}, False),
        ({"auto_answer": True, "wrap_up_until": NOW + 1}, False),
    ],
)
def test_a_seat_picks_up_by_itself_only_while_somebody_should_sit_there(
    changes: dict[str, object], alone: bool
) -> None:
    assert seat("op1", **changes).answers_alone(NOW) is alone


def test_after_its_time_any_free_seat_may_have_the_held_caller_but_hers_is_preferred() -> None:
    seats = [seat("op1", idle_since=9), seat("op2", idle_since=1)]
    held = hotline("h1", priority=1, seat="op1")
    assert desired([held, hotline("h2")], seats, NOW) == {"op1": "h1", "op2": "h2"}
    assert desired([held], [seats[1]], NOW) == {"op2": "h1"}
    assert desired([replace(held, only=True)], [seats[1]], NOW) == {}


def test_hundreds_who_wait_and_a_hundred_seats_are_dealt_in_a_moment() -> None:
    """R21: it is asked at every event, by the one thread that answers calls."""
    asked = Counter[str]()

    class Counted(Seat):
        def answers_alone(self, now: float) -> bool:
            asked["seat"] += 1
            return super().answers_alone(now)

    seats = [replace(Counted(user=f"op{number:03}", registered=True)) for number in range(150)]
    demands = [emergency(f"e{number}", since=number, unproved=True, targets=EVERYBODY) for number in range(500)]
    wanted = desired(demands, seats, NOW)
    assert set(wanted.values()) == {f"e{number}" for number in range(150)}
    assert asked["seat"] <= 2 * len(seats), "each seat is asked once, not once for each who waits"


def test_a_seat_that_has_picked_up_is_given_to_nobody_else_and_its_caller_is_offered_to_nobody_else() -> None:
    """Between the answer and the room nothing may pull the operator away, nor ring a second one for the caller."""
    seats = [seat("op1", talking_on="h1"), seat("op2", idle_since=5)]
    assert desired([hotline("h1")], seats, NOW) == {}
    assert desired([hotline("h1"), emergency("e1")], seats, NOW) == {"op2": "e1"}


def test_given_one_seat_when_a_more_urgent_emergency_comes_then_the_seat_goes_to_her() -> None:
    seats = [seat("op1", ringing_for="e1")]
    assert desired([emergency("e1"), emergency("e2", priority=1, since=50)], seats, NOW) == {"op1": "e2"}


def test_given_one_seat_when_a_later_equal_emergency_comes_then_the_first_keeps_it() -> None:
    seats = [seat("op1", ringing_for="e1")]
    assert desired([emergency("e2", since=50), emergency("e1")], seats, NOW) == {"op1": "e1"}


def test_given_a_second_press_when_all_seats_ring_then_only_a_seat_of_who_has_most_is_moved() -> None:
    """One phone stops and rings anew, not two."""
    seats = [seat("op1", ringing_for="e2"), seat("op2", ringing_for="e3"), seat("op3", ringing_for="e3")]
    demands = [emergency("e1", priority=3), emergency("e2"), emergency("e3")]
    moved = {user for user, call in desired(demands, seats, NOW).items() if call == "e1"}
    assert len(moved) == 1
    assert moved < {"op2", "op3"}


def test_given_a_seat_that_rests_for_one_emergency_then_the_other_gives_way_so_that_both_have_one() -> None:
    seats = [seat("op1", idle_since=1), seat("op2", idle_since=2)]
    demands = [emergency("e1", priority=1), emergency("e2", resting={"op2": NOW + 5})]
    assert desired(demands, seats, NOW) == {"op2": "e1", "op1": "e2"}


def test_given_more_elders_than_seats_open_to_them_then_the_last_goes_without_and_no_other_loses_hers() -> None:
    seats = [seat("op1"), seat("op2"), seat("op3")]
    away = NOW + 5
    demands = [
        emergency("e1", since=1, resting={"op1": away, "op3": away}),
        emergency("e2", since=2, resting={"op3": away}),
        emergency("e3", since=3, resting={"op3": away}),
        emergency("e4", since=4, resting={"op1": away, "op2": away}),
    ]
    assert desired(demands, seats, NOW) == {"op2": "e1", "op1": "e2", "op3": "e4"}


def test_given_an_emergency_when_the_only_seat_rings_for_the_hotline_then_the_emergency_has_it() -> None:
    seats = [seat("op1", ringing_for="h1")]
    assert desired([hotline("h1"), emergency("e1", since=99)], seats, NOW) == {"op1": "e1"}


def test_a_seat_that_rings_for_one_hotline_caller_is_not_taken_for_an_earlier_one() -> None:
    seats = [seat("op1", ringing_for="h2")]
    assert desired([hotline("h1", since=1), hotline("h2", since=2)], seats, NOW) == {"op1": "h2"}


def test_the_names_of_groups_are_those_of_the_response_plans() -> None:
    from callcenter.emergency.plan import Target as PlanTarget

    assert {target.value for target in Target} - {"test_seat"} < {target.value for target in PlanTarget}
