"""The rules of who outside is dialled now: pure, over every state a wish can be in (A2, R10, R15)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.emergency.kinds import Candidate
from callcenter.emergency.wishes import HESITATION_SECONDS, LOST, Tried, Wish, evolve, exhausted, made, orders
from callcenter.facts import Fact, record

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
NUMBERS = ("13700000001", "13700000002", "13700000003")
FAMILY = tuple(Candidate(number) for number in NUMBERS)
NOBODY: frozenset[str] = frozenset()


def wish(**changes: object) -> Wish:
    return replace(Wish("w", "i", "family", FAMILY, "op1"), **changes)  # type: ignore[arg-type]


def said(body: object, seconds: float = 0.0) -> Fact:
    return record(body, NOW + timedelta(seconds=seconds), "pbx", incident_id="i")  # type: ignore[arg-type]


def dialled(number: str, leg: str) -> Fact:
    return said(cf.LegAdded(leg_id=leg, role="family", number=number, wish_id="w"))


def ended(leg: str, reason: str, seconds: float = 0.0) -> Fact:
    return said(cf.LegEnded(leg_id=leg, role="family", reason=reason), seconds)


def after(start: Wish, *facts: Fact) -> Wish:
    for fact in facts:
        start = evolve(start, fact)
    return start


def numbers(one: Wish, seconds: float = 0.0, *, alone: bool = True, busy: frozenset[str] = NOBODY) -> list[str]:
    return [o.candidate.number for o in orders(one, NOW + timedelta(seconds=seconds), alone=alone, busy=busy)]


def test_in_order_the_next_is_dialled_when_the_first_has_failed_and_all_over_again_after_a_rest() -> None:
    one = wish()
    assert numbers(one) == [NUMBERS[0]]
    one = after(one, dialled(NUMBERS[0], "a"))
    assert numbers(one) == []
    one = after(one, ended("a", "busy"))
    assert numbers(one) == [NUMBERS[1]]
    one = after(one, dialled(NUMBERS[1], "b"), ended("b", "no_answer"), dialled(NUMBERS[2], "c"), ended("c", "busy"))
    assert numbers(one) == []
    assert numbers(one, 10) == [NUMBERS[0]]


def test_all_at_once_are_dialled_together_and_each_rests_for_himself() -> None:
    one = wish(together=True)
    assert numbers(one) == list(NUMBERS)
    one = after(one, *(dialled(number, number) for number in NUMBERS), ended(NUMBERS[1], "busy"))
    assert numbers(one, 9.9) == []
    assert numbers(one, 10) == [NUMBERS[1]]


def test_somebody_who_picked_up_and_presses_nothing_keeps_the_next_waiting_only_so_long() -> None:
    one = after(wish(), dialled(NUMBERS[0], "a"), said(cf.LegAnswered(leg_id="a", role="family")))
    assert numbers(one, HESITATION_SECONDS - 0.1) == []
    assert numbers(one, HESITATION_SECONDS) == [NUMBERS[1]]
    came_late = after(one, said(cf.LegJoined(leg_id="a", role="family"), 20))
    assert came_late.met
    assert numbers(came_late, 21) == []


def test_a_second_route_is_tried_at_once_the_same_one_only_after_a_rest() -> None:
    two = after(wish(routes=("trunk", "trunk2")), dialled(NUMBERS[0], "a"), ended("a", "unreachable"))
    two = replace(two, candidates=FAMILY[:1])
    assert [order.route for order in orders(two, NOW, alone=True, busy=NOBODY)] == ["trunk2"]
    one = replace(after(wish(), dialled(NUMBERS[0], "a"), ended("a", "unreachable")), candidates=FAMILY[:1])
    assert numbers(one) == []


def test_the_plans_later_steps_stop_when_somebody_of_ours_is_there_those_told_at_once_are_tried_once() -> None:
    later = wish(target="family", escalates=True)
    assert numbers(later, alone=False) == []
    told = wish(target="guardian", together=True)
    assert numbers(told, alone=False) == list(NUMBERS)
    tried = after(told, *(dialled(number, number) for number in NUMBERS), *(ended(n, "busy") for n in NUMBERS))
    assert numbers(tried, 60, alone=False) == []
    assert numbers(tried, 60, alone=True) == list(NUMBERS)


def test_what_a_crash_swallowed_is_never_dialled_again_by_a_request_but_by_the_plan() -> None:
    lost = after(wish(), dialled(NUMBERS[0], "a"), ended("a", LOST))
    assert exhausted(lost)
    assert numbers(lost, 60) == []
    planned = replace(lost, target="family", escalates=True)
    assert not exhausted(planned)
    assert numbers(planned, 60) == [NUMBERS[1]]


def test_a_clock_that_was_set_back_keeps_nobody_resting() -> None:
    one = after(wish(rounds=5), *(fact for n in NUMBERS for fact in (dialled(n, n), ended(n, "busy", 3600))))
    assert numbers(one) == [NUMBERS[0]]


def test_a_wish_is_the_same_read_from_its_fact() -> None:
    body = ef.HelpWanted(wish_id="w", role="family", candidates=FAMILY, rounds=3, routes=("trunk", "trunk2"))
    assert made(said(body), body) == wish(actor="pbx", rounds=3, routes=("trunk", "trunk2"))


TRIED = st.builds(
    Tried,
    times=st.integers(0, 3),
    leg_id=st.sampled_from(["", "leg"]),
    joined=st.booleans(),
    ended_at=st.sampled_from([None, NOW - timedelta(seconds=5), NOW - timedelta(hours=1), NOW + timedelta(hours=1)]),
    reason=st.sampled_from(["", "busy", LOST]),
    removed=st.booleans(),
)
WISHES = st.builds(
    lambda tried, **changes: wish(tried=dict(zip(NUMBERS, tried, strict=True)), **changes),
    st.tuples(TRIED, TRIED, TRIED),
    together=st.booleans(),
    target=st.sampled_from(["", "family"]),
    escalates=st.booleans(),
    rounds=st.integers(1, 3),
    routes=st.sampled_from([("trunk",), ("trunk", "trunk2")]),
)


@given(WISHES, st.frozensets(st.sampled_from(NUMBERS)), st.booleans())
def test_nobody_is_dialled_who_rings_talks_came_was_taken_off_or_is_busy(
    one: Wish, busy: frozenset[str], alone: bool
) -> None:
    wanted = numbers(one, alone=alone, busy=busy)
    assert len(wanted) == len(set(wanted))
    assert one.together or len(wanted) <= 1
    for number in wanted:
        tried = one.of(number)
        assert not tried.leg_id
        assert not tried.removed
        assert not tried.joined
        assert number not in busy


@given(WISHES)
def test_a_plans_wish_that_is_not_met_always_tries_somebody_in_time(one: Wish) -> None:
    """Nobody left to try is only: all came, were taken off, or are on the line."""
    one = replace(one, target="family")
    open_to = [n for n in NUMBERS if not (tried := one.of(n)).joined and not tried.removed and not tried.leg_id]
    if open_to and not one.met and (one.together or not one.live_legs):
        assert numbers(one, 24 * 3600) or one.of(open_to[0]).ended_at


def test_another_route_is_taken_when_the_way_failed_not_when_the_person_did() -> None:
    routes = ("trunk", "trunk2")
    person = wish(routes=routes, candidates=FAMILY[:1], rounds=5)
    declined = after(person, dialled(NUMBERS[0], "a"), ended("a", "not_accepted"))
    assert numbers(declined, 5) == []
    assert [order.route for order in orders(declined, NOW + timedelta(seconds=11), alone=True, busy=NOBODY)] == [
        "trunk"
    ]
    failed = after(person, dialled(NUMBERS[0], "a"), ended("a", "failed"))
    assert [order.route for order in orders(failed, NOW, alone=True, busy=NOBODY)] == ["trunk2"]
    ambulance = wish(role="120", routes=routes, candidates=(Candidate("120"),), rounds=3)
    legs = cf.LegAdded(leg_id="a", role="120", number="120", wish_id="w")
    busy = after(ambulance, said(legs), said(cf.LegEnded(leg_id="a", role="120", reason="busy")))
    assert [order.route for order in orders(busy, NOW, alone=True, busy=NOBODY)] == ["trunk2"]
