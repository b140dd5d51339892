"""Every state of a leg against every event, written out: late, repeated and reordered reports change nothing (R23)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls import facts as f
from callcenter.calls.model import LEG_TABLE, Call, Leg, LegEvent, LegState, Role, evolve, next_state, observe
from callcenter.facts import Body, record

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)

# fmt: off
EXPECTED = {
    ("dialing",  "ring"): "ringing",  ("dialing",  "answer"): "answered", ("dialing",  "join"): "joined",
    ("dialing",  "leave"): None,      ("dialing",  "end"): "ended",
    ("ringing",  "ring"): None,       ("ringing",  "answer"): "answered", ("ringing",  "join"): "joined",
    ("ringing",  "leave"): None,      ("ringing",  "end"): "ended",
    ("answered", "ring"): None,       ("answered", "answer"): None,       ("answered", "join"): "joined",
    ("answered", "leave"): None,      ("answered", "end"): "ended",
    ("joined",   "ring"): None,       ("joined",   "answer"): None,       ("joined",   "join"): None,
    ("joined",   "leave"): "answered", ("joined",  "end"): "ended",
    ("ended",    "ring"): None,       ("ended",    "answer"): None,       ("ended",    "join"): None,
    ("ended",    "leave"): None,      ("ended",    "end"): None,
}
# fmt: on


def opened() -> f.CallOpened:
    return f.CallOpened(
        line="emergency",
        caller="13800000001",
        did="95120",
        leg_id="leg-e",
        channel_id="chan-e",
        room="call-1",
        recording="2026/03/01/call-1",
        invited_at=NOW,
        elder_name="王奶奶",
    )


def fold(*bodies: Body, call: Call | None = None) -> Call:
    for seconds, body in enumerate(bodies):
        call = evolve(call, record(body, NOW + timedelta(seconds=seconds), "pbx", call_id="call-1"))
    assert call is not None
    return call


TO_STATE: dict[LegState, tuple[Body, ...]] = {
    LegState.DIALING: (),
    LegState.RINGING: (f.LegRinging(leg_id="leg-s"),),
    LegState.ANSWERED: (f.LegAnswered(leg_id="leg-s", role="seat"),),
    LegState.JOINED: (f.LegAnswered(leg_id="leg-s", role="seat"), f.LegJoined(leg_id="leg-s", role="seat")),
    LegState.ENDED: (f.LegEnded(leg_id="leg-s", role="seat", reason="busy", cause=17),),
}

FACT_OF: dict[LegEvent, Body] = {
    LegEvent.RING: f.LegRinging(leg_id="leg-s"),
    LegEvent.ANSWER: f.LegAnswered(leg_id="leg-s", role="seat"),
    LegEvent.JOIN: f.LegJoined(leg_id="leg-s", role="seat"),
    LegEvent.LEAVE: f.LegLeft(leg_id="leg-s"),
    LegEvent.END: f.LegEnded(leg_id="leg-s", role="seat", reason="busy", cause=17),
}


def call_with_seat(state: LegState) -> Call:
    call = fold(opened(), f.LegAdded(leg_id="leg-s", role="seat", number="op1"), *TO_STATE[state])
    assert call.legs["leg-s"].state is state
    return call


def test_the_expected_table_covers_every_pair() -> None:
    assert set(EXPECTED) == {(state.value, event.value) for state in LegState for event in LegEvent}
    assert set(LEG_TABLE) == set(LegState)


@pytest.mark.parametrize(("state", "event"), EXPECTED)
def test_given_a_state_when_an_event_comes_then_the_next_state_is_as_written(state: str, event: str) -> None:
    assert next_state(LegState(state), LegEvent(event)) == EXPECTED[state, event]


@pytest.mark.parametrize(("state", "event"), EXPECTED)
def test_given_a_state_when_an_event_is_observed_then_it_is_a_fact_exactly_if_the_table_holds_it(
    state: str, event: str
) -> None:
    call = call_with_seat(LegState(state))
    expected = [FACT_OF[LegEvent(event)]] if EXPECTED[state, event] else []
    assert observe(call, "leg-s", LegEvent(event), "busy", 17) == expected


@pytest.mark.parametrize(("state", "event"), EXPECTED)
def test_given_a_state_when_a_fact_is_folded_then_the_state_moves_only_as_the_table_says(
    state: str, event: str
) -> None:
    """The fold goes by the same table: a fact read twice or late cannot turn a leg back (R23)."""
    call = call_with_seat(LegState(state))
    after = fold(FACT_OF[LegEvent(event)], call=call)
    assert after.legs["leg-s"].state == (EXPECTED[state, event] or state)
    assert fold(FACT_OF[LegEvent(event)], call=after) == after


def test_given_an_unknown_leg_when_anything_is_heard_then_it_is_no_news() -> None:
    call = fold(opened())
    for event in LegEvent:
        assert observe(call, "leg-nobody", event) == []
        assert fold(FACT_OF[event], call=call) == call


def test_given_an_ended_call_when_anything_is_heard_of_a_leg_then_it_is_no_news() -> None:
    call = fold(opened(), f.CallEnded(answered=False, seconds=1))
    assert all(observe(call, "leg-e", event) == [] for event in LegEvent)


def test_given_a_leg_when_it_joins_again_after_leaving_then_the_first_join_is_the_time_that_counts() -> None:
    call = fold(
        opened(),
        f.LegAdded(leg_id="leg-s", role="seat", number="op1"),
        f.LegAnswered(leg_id="leg-s", role="seat"),
        f.LegJoined(leg_id="leg-s", role="seat"),
        f.LegLeft(leg_id="leg-s"),
        f.LegJoined(leg_id="leg-s", role="seat"),
    )
    leg = call.legs["leg-s"]
    assert leg.in_room
    assert leg.answered_at == NOW + timedelta(seconds=2)
    assert leg.joined_at == NOW + timedelta(seconds=3)


def test_given_a_leg_that_joined_without_an_answer_being_heard_then_the_call_counts_from_the_join() -> None:
    call = fold(opened(), f.LegJoined(leg_id="leg-e", role="elder"))
    assert call.answered_at == NOW + timedelta(seconds=1)
    assert call.human_at is None


def test_given_roles_when_a_call_is_asked_who_is_there_then_only_seats_duty_and_the_next_center_are_staff() -> None:
    for role in Role:
        call = fold(
            opened(),
            f.LegAdded(leg_id="leg-s", role=role, number="x"),
            f.LegJoined(leg_id="leg-s", role=role),
        )
        assert call.staffed == (role in ("seat", "duty", "center"))
        assert (call.human_at is not None) == call.staffed
        left = fold(f.LegEnded(leg_id="leg-s", role=role, reason="normal"), call=call)
        assert not left.staffed
        assert left.live_legs == (left.legs["leg-e"],)


@given(st.lists(st.sampled_from(list(LegEvent)), max_size=30))
def test_whatever_is_reported_an_ended_leg_stays_ended_and_its_times_are_in_order(events: list[LegEvent]) -> None:
    call = fold(opened(), f.LegAdded(leg_id="leg-s", role="seat", number="op1"))
    at = NOW + timedelta(seconds=2)
    ended = False
    for event in events:
        at += timedelta(milliseconds=100)
        for body in observe(call, "leg-s", event, "normal", 16):
            after = evolve(call, record(body, at, "pbx", call_id="call-1"))
            assert after is not None
            call = after
        ended = ended or event is LegEvent.END
        assert call.legs["leg-s"].live is not ended
    leg = call.legs["leg-s"]
    times = [t for t in (leg.added_at, leg.ringing_at, leg.answered_at, leg.joined_at, leg.ended_at) if t is not None]
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_a_leg_knows_that_it_is_live_until_it_ended() -> None:
    states = {state: Leg(id="l", channel_id="c", role="seat", number="op1", state=state).live for state in LegState}
    assert states == {
        LegState.DIALING: True,
        LegState.RINGING: True,
        LegState.ANSWERED: True,
        LegState.JOINED: True,
        LegState.ENDED: False,
    }
