"""A call as a fold over its facts: said twice, said late, said after the end; the same live and from disk (R23)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls import facts as f
from callcenter.calls.model import Call, Leg, LegEvent, LegState, Line, Role, evolve, observe
from callcenter.facts import Body, Fact, decode, encode, record

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)

OPENED = f.CallOpened(
    line=Line.HOTLINE,
    caller="13800000001",
    did="12349",
    leg_id="leg-e",
    channel_id="chan-e",
    room="call-1",
    recording="2026/03/01/call-1",
    invited_at=NOW,
    ambiguous=True,
)


def said(body: Body, seconds: float = 0, **changes: str) -> Fact:
    return record(body, NOW + timedelta(seconds=seconds), "pbx", call_id="call-1", **changes)


def opened() -> Call:
    call = evolve(None, said(OPENED))
    assert call is not None
    return call


def then(call: Call, *bodies: Body) -> Call:
    for body in bodies:
        after = evolve(call, said(body, 1))
        assert after is not None
        call = after
    return call


def test_given_nothing_when_anything_but_the_opening_is_said_then_there_is_no_call() -> None:
    for body in (f.TakenOver(), f.LegRinging(leg_id="l"), f.CallEnded(answered=False, seconds=0)):
        assert evolve(None, said(body)) is None


def test_given_an_opening_then_the_callers_leg_is_on_the_call_and_it_is_open() -> None:
    call = opened()
    assert call.open
    assert call.legs == {
        "leg-e": Leg(id="leg-e", channel_id="chan-e", role="elder", number="13800000001", added_at=NOW)
    }
    assert (call.answered_at, call.human_at, call.staffed) == (None, None, False)
    assert not call.legs["leg-e"].dialled


def test_given_a_call_of_ours_then_nobody_is_on_it_yet_and_who_is_added_was_dialled() -> None:
    call = evolve(
        None, said(f.CallOpened(line="emergency", caller="1", did="", room="r", recording="x", invited_at=NOW))
    )
    assert call is not None
    assert call.legs == {}
    call = then(call, f.LegAdded(leg_id="leg-s", role="seat", number="op1", name="n", request_id="q"))
    assert call.legs["leg-s"].dialled
    assert (call.legs["leg-s"].name, call.legs["leg-s"].request_id) == ("n", "q")


def test_given_an_open_call_when_it_is_opened_again_then_nothing_changes() -> None:
    call = then(opened(), f.LegJoined(leg_id="leg-e", role="elder"))
    assert then(call, OPENED) == call


def test_given_a_leg_when_it_is_added_again_then_it_stays_as_it_is() -> None:
    added = f.LegAdded(leg_id="leg-s", role="seat", number="op1")
    call = then(opened(), added, f.LegJoined(leg_id="leg-s", role="seat"))
    assert then(call, added) == call


def test_what_is_said_of_an_open_call() -> None:
    call = opened()
    assert then(call, f.MenuChosen(digit="3")).digit == "3"
    assert then(call, f.FellBack()).via == "fallback"
    assert then(call, f.FellBack(), f.TakenOver()).via == "controller"
    matched = then(call, f.ElderMatched(elder_id="e1", elder_name="王"))
    assert (matched.elder_id, matched.elder_name, matched.ambiguous) == ("e1", "王", False)
    assert then(call, f.CallDispositioned(disposition="answered")).disposition == "answered"


def test_given_a_hotline_call_when_9_is_chosen_then_line_room_and_incident_change_and_the_incident_stays() -> None:
    change = f.LineChanged(line=Line.EMERGENCY, room="room-2")
    call = evolve(opened(), said(change, incident_id="i-1"))
    assert call is not None
    assert (call.line, call.room, call.incident_id) == ("emergency", "room-2", "i-1")
    again = then(call, change)
    assert again.incident_id == "i-1"


def test_given_an_ended_call_then_only_its_disposition_and_whose_it_was_may_still_be_said() -> None:
    """A closed call never reopens."""
    call = then(opened(), f.CallEnded(answered=True, seconds=1))
    assert not call.open
    assert call.ended_at == NOW + timedelta(seconds=1)
    for body in (
        OPENED,
        f.LegAdded(leg_id="leg-x", role="seat", number="op1"),
        f.LegJoined(leg_id="leg-e", role="elder"),
        f.LegEnded(leg_id="leg-e", role="elder", reason="normal"),
        f.LineChanged(line="emergency", room="r"),
        f.TakenOver(),
        f.FellBack(),
        f.MenuChosen(digit="1"),
        f.CallEnded(answered=False, seconds=99),
    ):
        assert then(call, body) == call
    late = then(call, f.ElderMatched(elder_id="e1", elder_name="王"), f.CallDispositioned(disposition="complaint"))
    assert (late.elder_id, late.disposition, late.open) == ("e1", "complaint", False)
    other = then(call, f.CallDispositioned(disposition="answered", elder_id="e2"))
    assert other.elder_id == "e2"


def test_an_unknown_kind_of_fact_changes_nothing() -> None:
    """A line that a newer release wrote."""
    line = encode(said(f.TakenOver())).replace(b"call.taken_over", b"call.from_the_future")
    assert evolve(opened(), decode(line)) == opened()


@pytest.mark.parametrize("role", [Role.SEAT, Role.DUTY])
def test_the_first_human_is_the_first_of_the_staff_in_the_room(role: Role) -> None:
    call = opened()
    for number, who in enumerate((Role.AMBULANCE, role, Role.SEAT)):
        call = then(call, f.LegAdded(leg_id=f"l{number}", role=who, number="x"))
    for seconds, leg_id in ((2, "l0"), (4, "l2"), (3, "l1")):
        after = evolve(call, said(f.LegJoined(leg_id=leg_id, role=""), seconds))
        assert after is not None
        call = after
    assert call.human_at == NOW + timedelta(seconds=3)


# --- any history -------------------------------------------------------------------------------------------

LEGS = ("leg-e", "leg-1", "leg-2", "leg-nobody")

bodies = st.one_of(
    st.just(OPENED),
    st.builds(f.LegAdded, leg_id=st.sampled_from(LEGS), role=st.sampled_from(list(Role)), number=st.just("x")),
    st.builds(f.LegRinging, leg_id=st.sampled_from(LEGS)),
    st.builds(f.LegAnswered, leg_id=st.sampled_from(LEGS), role=st.just("seat")),
    st.builds(f.LegJoined, leg_id=st.sampled_from(LEGS), role=st.just("seat")),
    st.builds(f.LegLeft, leg_id=st.sampled_from(LEGS)),
    st.builds(f.LegEnded, leg_id=st.sampled_from(LEGS), role=st.just("seat"), reason=st.sampled_from(["busy", "lost"])),
    st.builds(f.LineChanged, line=st.sampled_from(list(Line)), room=st.just("room-2")),
    st.just(f.TakenOver()),
    st.just(f.FellBack()),
    st.just(f.MenuChosen(digit="1")),
    st.builds(f.ElderMatched, elder_id=st.sampled_from(["e1", "e2"])),
    st.builds(f.CallDispositioned, disposition=st.just("answered")),
    st.just(f.CallEnded(answered=False, seconds=0)),
)
histories = st.lists(st.tuples(bodies, st.integers(-5, 60)), max_size=40)


def facts_of(history: list[tuple[Body, int]]) -> list[Fact]:
    """A history in which the clock also jumps back."""
    at, facts = NOW, [said(OPENED)]
    for body, step in history:
        at += timedelta(seconds=step)
        facts.append(record(body, at, "pbx", call_id="call-1", incident_id="i-1"))
    return facts


def fold(facts: list[Fact]) -> Call:
    call: Call | None = None
    for fact in facts:
        call = evolve(call, fact)
    assert call is not None
    return call


@given(histories)
def test_facts_from_disk_give_the_same_call(history: list[tuple[Body, int]]) -> None:
    facts = facts_of(history)
    assert fold([decode(encode(fact)) for fact in facts]) == fold(facts)


@given(histories)
def test_every_fact_read_twice_in_a_row_gives_the_same_call(history: list[tuple[Body, int]]) -> None:
    facts = facts_of(history)
    assert fold([fact for fact in facts for _ in range(2)]) == fold(facts)


@given(histories)
def test_a_closed_call_and_an_ended_leg_stay_so(history: list[tuple[Body, int]]) -> None:
    call: Call | None = None
    over, gone = False, set[str]()
    for fact in facts_of(history):
        call = evolve(call, fact)
        assert call is not None
        over = over or not call.open
        assert call.open is not over
        gone |= {leg.id for leg in call.legs.values() if not leg.live}
        assert all(not call.legs[leg_id].live for leg_id in gone)


@given(st.lists(st.tuples(st.sampled_from(LEGS), st.sampled_from(list(LegEvent))), max_size=40))
def test_what_is_observed_and_folded_is_always_a_step_of_the_table(events: list[tuple[str, LegEvent]]) -> None:
    """Nothing that Asterisk can say, in any order, makes a fact that the fold then ignores."""
    call = then(opened(), *(f.LegAdded(leg_id=leg, role="seat", number="x") for leg in ("leg-1", "leg-2")))
    for leg_id, event in events:
        for body in observe(call, leg_id, event, "normal", 16):
            after = then(call, body)
            assert after != call
            call = after
    assert {leg.state for leg in call.legs.values()} <= set(LegState)
