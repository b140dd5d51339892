"""Who rings for whom on the hotline: a pure rule, case by case (B1, B7)."""

import time
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.routing.distribution import desired
from callcenter.routing.model import Demand, Seat, Target, eligible

NOW = 1000.0
FREE = frozenset({Target.FREE})


def seat(user: str, idle: float = 10, **changes: object) -> Seat:
    return Seat(user=user, registered=True, idle_since=NOW - idle, **changes)  # type: ignore[arg-type]


def caller(call: str, waited: float = 0, **changes: object) -> Demand:
    values: dict[str, object] = {"priority": 0, **changes}
    return Demand(call, FREE, ring_all=False, since=NOW - waited, **values)  # type: ignore[arg-type]


WU = {"吴语": 3}


@pytest.mark.parametrize(
    ("why", "callers", "seats", "wanted"),
    [
        ("longest idle", [caller("a")], [seat("x", 5), seat("y", 9)], {"y": "a"}),
        ("first come", [caller("a", 1), caller("b", 2)], [seat("x")], {"x": "b"}),
        ("skill is needed", [caller("a", skill="吴语")], [seat("x", 99), seat("y", skills=WU)], {"y": "a"}),
        ("level is needed", [caller("a", skill="吴语", min_level=4)], [seat("y", skills=WU)], {}),
        (
            "better level before longer idle",
            [caller("a", skill="吴语")],
            [seat("x", 99, skills=WU), seat("y", 1, skills={"吴语": 5})],
            {"y": "a"},
        ),
        ("her area first", [caller("a", area="姑苏")], [seat("x", 99), seat("y", area="姑苏")], {"y": "a"}),
        ("another area when hers has nobody", [caller("a", area="姑苏")], [seat("x", area="吴中")], {"x": "a"}),
        ("priority before waiting", [caller("a", 50), caller("b", 1, priority=1)], [seat("x")], {"x": "b"}),
        (
            "waiting makes up for priority",
            [caller("a", 61, ageing=60), caller("b", 0, priority=1, ageing=60)],
            [seat("x")],
            {"x": "a"},
        ),
        ("the front before all", [caller("a", 999, priority=9), caller("b", front=True)], [seat("x")], {"x": "b"}),
        (
            "her last operator before the longest idle",
            [caller("a", prefer="y", prefer_until=NOW + 5)],
            [seat("x", 99), seat("y", 1)],
            {"y": "a"},
        ),
        (
            "she waits for her operator who talks",
            [caller("a", prefer="y", prefer_until=NOW + 5)],
            [seat("x"), seat("y", talking_on="z")],
            {},
        ),
        (
            "not for ever",
            [caller("a", prefer="y", prefer_until=NOW)],
            [seat("x"), seat("y", talking_on="z")],
            {"x": "a"},
        ),
        (
            "not for one who is paused",
            [caller("a", prefer="y", prefer_until=NOW + 5)],
            [seat("x"), seat("y", declared="paused")],
            {"x": "a"},
        ),
        (
            "not for one who let her ring out",
            [caller("a", prefer="y", prefer_until=NOW + 5, resting={"y": NOW + 1})],
            [seat("x"), seat("y")],
            {"x": "a"},
        ),
        ("not for one who is gone", [caller("a", prefer="y", prefer_until=NOW + 5)], [seat("x")], {"x": "a"}),
        (
            "the expert is left to who needs her",
            [caller("a", 9), caller("b", 1, skill="吴语")],
            [seat("x", 1), seat("y", 99, skills=WU)],
            {"x": "a", "y": "b"},
        ),
        (
            "whose phone rings keeps it",
            [caller("a", 9), caller("b", 1)],
            [seat("x", ringing_for="b"), seat("y", 1)],
            {"x": "b", "y": "a"},
        ),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_the_hotlines_rule(why: str, callers: Sequence[Demand], seats: Sequence[Seat], wanted: dict[str, str]) -> None:
    assert desired(callers, seats, NOW) == wanted, why


@pytest.mark.parametrize(
    ("seats", "wanted"),
    [([seat("x")], {}), ([seat("x"), seat("y")], {"y": "elder", "x": "routine"})],
    ids=["kept for her", "another rings for her"],
)
def test_a_seat_that_left_an_elder_in_haste_is_kept_for_her_while_it_rests(
    seats: Sequence[Seat], wanted: dict[str, str]
) -> None:
    """A9, R14: in a second and a half it rings for her again; a routine caller would have it for minutes."""
    elder = Demand("elder", FREE, ring_all=True, priority=0, since=NOW, resting={"x": NOW + 1}, keeps=True)
    assert desired([caller("routine"), elder], seats, NOW) == wanted
    drill = Demand("elder", FREE, ring_all=True, priority=0, since=NOW, resting={"x": NOW + 1})
    assert desired([caller("routine"), drill], [seat("x")], NOW) == {"x": "routine"}


def test_a_pause_for_not_answering_is_the_hotlines_alone() -> None:
    """A9: an elder in need rings the seat at once, as if it were free."""
    away = seat("x", declared="paused", pause_ends=NOW + 60)
    assert not eligible(away, caller("a"), NOW)
    assert eligible(away, Demand("e", FREE, ring_all=True, priority=0, since=NOW), NOW)
    assert not eligible(seat("y", declared="paused"), Demand("e", FREE, True, 0, NOW), NOW)


SKILLS = st.sampled_from(["", "吴语", "失能"])
SEATS = st.lists(
    st.builds(
        lambda number, idle, skills, paused, talking: seat(
            f"s{number}",
            idle,
            skills=skills,
            declared="paused" if paused else "ready",
            talking_on="elsewhere" if talking else None,
        ),
        st.integers(0, 30),
        st.integers(0, 50),
        st.dictionaries(st.sampled_from(["吴语", "失能"]), st.integers(1, 5)),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
    unique_by=lambda one: one.user,
)
CALLERS = st.lists(
    st.builds(
        lambda number, waited, skill, level, priority, prefer, hold: caller(
            f"c{number}",
            waited,
            skill=skill,
            min_level=level,
            priority=priority,
            ageing=60,
            prefer=prefer,
            prefer_until=NOW + hold,
        ),
        st.integers(0, 30),
        st.integers(0, 500),
        SKILLS,
        st.integers(1, 5),
        st.integers(0, 9),
        st.sampled_from(["", "s1", "s2"]),
        st.sampled_from([-1, 10]),
    ),
    max_size=8,
    unique_by=lambda one: one.call_id,
)


@given(SEATS, CALLERS)
def test_nobody_starves_no_seat_has_two_and_the_answer_stands(seats: list[Seat], callers: list[Demand]) -> None:
    """Whoever has an idle seat that may ring for her gets one, but for who waits for her own operator."""
    wanted = desired(callers, seats, NOW)
    by_user, by_call = {one.user: one for one in seats}, {one.call_id: one for one in callers}
    assert len(set(wanted.values())) == len(wanted)
    assert all(eligible(by_user[user], by_call[call], NOW) for user, call in wanted.items())
    for demand in callers:
        holds = demand.prefer_until > NOW and demand.prefer in by_user
        if demand.call_id not in wanted.values() and not holds:
            assert all(one.user in wanted for one in seats if eligible(one, demand, NOW))
    ringing = [Seat(**_fields(one) | {"ringing_for": wanted.get(one.user)}) for one in seats]  # type: ignore[arg-type]
    assert desired(callers, ringing, NOW) == wanted


def _fields(one: Seat) -> dict[str, object]:
    return {name: getattr(one, name) for name in Seat.__slots__}


@given(st.integers(0, 9), st.integers(0, 9), st.floats(0, 1000), st.floats(0, 1000))
def test_ageing_is_a_bound_on_who_may_pass(mine: int, theirs: int, waited: float, later: float) -> None:
    """No newcomer passes one who waited 10 × ageing longer, whatever their priorities."""
    first = caller("a", waited + later + 600, priority=mine, ageing=60)
    newcomer = caller("b", waited, priority=theirs, ageing=60)
    assert first.rank(NOW) < newcomer.rank(NOW)


def test_500_waiting_and_50_seats_are_decided_in_milliseconds() -> None:
    random = Random(7)
    skills = ["吴语", "失能", "医疗", ""]
    seats = [
        seat(f"s{n}", random.random() * 100, skills={random.choice(skills[:3]): random.randint(1, 5)})
        for n in range(50)
    ]
    callers = [
        caller(f"c{n}", random.random() * 900, skill=random.choice(skills), priority=random.randint(0, 9), ageing=60,
               prefer=f"s{random.randrange(50)}", prefer_until=NOW + random.choice([-1, 5]))
        for n in range(500)
    ]  # fmt: skip
    assert len(desired(callers, seats, NOW)) == 50
    took = []
    for _ in range(5):
        began = time.process_time()
        desired(callers, seats, NOW)
        took.append(time.process_time() - began)
    assert min(took) < 0.02, took
