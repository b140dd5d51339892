"""What becomes of a message: the table of attempts, the fold, and the rule of what to do next (A3, A10, R23)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import IllegalTransition
from callcenter.facts import Body, Fact, decode, encode, record
from callcenter.notifications import facts as f
from callcenter.notifications.breaker import Breaker
from callcenter.notifications.model import (
    ATTEMPT_TABLE,
    Attempt,
    AttemptEvent,
    AttemptState,
    GiveUp,
    Message,
    MessageState,
    Route,
    Step,
    Try,
    Wait,
    Want,
    check_transition,
    evolve,
    next_step,
)

NOW = datetime(2026, 3, 2, 6, 40, tzinfo=UTC)
GATEWAY = Route("gateway", reports=True)
TWILIO = Route("twilio", reports=True)
VOICE = Route("voice", voice=True)
ALL = (GATEWAY, TWILIO, VOICE)
S, E = AttemptState, AttemptEvent


def attempt(channel: str, state: AttemptState, *, final: bool = True) -> Attempt:
    return Attempt(f"{channel}-{state}", channel, state, NOW, final=final)


def message(*attempts: Attempt, purpose: str = "briefing", voice: tuple[str, ...] = ()) -> Message:
    return Message("m1", "13800000001", "王秀英跌倒", purpose, "system", NOW, voice=voice, attempts=attempts)


def step(
    message: Message,
    routes: tuple[Route, ...] = ALL,
    unwell: tuple[str, ...] = (),
    quiet: float = 5.0,
    age: float = 5.0,
    want: Want = Want.ANYTHING,
) -> Step:
    return next_step(message, routes, unwell, quiet=quiet, age=age, delivery_seconds=60, want=want)


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("event", AttemptEvent)
def test_given_a_state_when_an_event_comes_then_the_table_decides_and_anything_else_is_refused(
    state: AttemptState, event: AttemptEvent
) -> None:
    held = attempt("twilio", state)
    if event in ATTEMPT_TABLE[state]:
        assert check_transition(held, event) is ATTEMPT_TABLE[state][event]
    else:
        with pytest.raises(IllegalTransition):
            check_transition(held, event)


def test_given_delivered_or_refused_then_nothing_moves_it_any_more() -> None:
    assert ATTEMPT_TABLE[S.DELIVERED] == {}
    assert ATTEMPT_TABLE[S.FAILED] == {}
    assert all(event in ATTEMPT_TABLE[S.DOUBTFUL] for event in (E.SEND, E.DELIVER, E.FAIL))


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ((), Try("gateway")),
        ((attempt("gateway", S.SENDING),), None),
        ((attempt("gateway", S.SENT),), None),
        ((attempt("gateway", S.DELIVERED),), None),
        # It said no: the next. It was unwell: once more, then the next. It did not answer: never again by it.
        ((attempt("gateway", S.FAILED),), Try("twilio")),
        ((attempt("gateway", S.FAILED, final=False),), Try("gateway")),
        ((attempt("gateway", S.FAILED, final=False), attempt("gateway", S.FAILED, final=False)), Try("twilio")),
        ((attempt("gateway", S.DOUBTFUL),), Try("twilio")),
        # Texts are spent and nobody recorded prompts for it.
        ((attempt("gateway", S.FAILED), attempt("twilio", S.FAILED)), GiveUp("failed")),
        ((attempt("gateway", S.DOUBTFUL), attempt("twilio", S.FAILED)), GiveUp("unconfirmed")),
    ],
)
def test_given_what_was_tried_when_asked_then_the_next_step_follows(
    attempts: tuple[Attempt, ...], expected: Step
) -> None:
    assert step(message(*attempts)) == expected


def test_given_no_text_arrived_when_prompts_are_named_then_a_call_is_made() -> None:
    spent = (attempt("gateway", S.FAILED), attempt("twilio", S.DOUBTFUL))
    assert step(message(*spent, voice=("kind-fall",))) == Try("voice")


def test_given_the_person_is_being_called_anyway_then_texts_are_all_there_is() -> None:
    spent = message(attempt("gateway", S.FAILED), attempt("twilio", S.DOUBTFUL), voice=("kind-fall",))
    assert step(spent, want=Want.TEXT) == GiveUp("unconfirmed")
    assert step(message(voice=("kind-fall",)), want=Want.TEXT) == Try("gateway")


def test_given_what_it_is_about_is_over_then_nothing_more_goes_out() -> None:
    assert step(message(), want=Want.NOTHING) == GiveUp("not_wanted")
    assert step(message(attempt("gateway", S.FAILED)), want=Want.NOTHING) == GiveUp("not_wanted")
    sent = message(attempt("gateway", S.SENT), purpose="alert")
    assert step(sent, quiet=600, want=Want.NOTHING) is None


def test_given_no_channel_at_all_then_it_is_given_up_by_that_name() -> None:
    assert step(message(), ()) == GiveUp("no_channel")


def test_given_an_alert_is_sent_when_no_report_comes_in_a_minute_then_the_next_channel_follows() -> None:
    sent = message(attempt("gateway", S.SENT), purpose="alert")
    assert step(sent, quiet=20) == Wait(40)
    assert step(sent, quiet=60) == Try("twilio")
    assert step(message(attempt("gateway", S.SENT)), quiet=600) is None, "only alerts are followed"
    assert step(sent, (Route("gateway"), TWILIO), quiet=600) is None, "a channel that never reports is not waited for"
    assert step(sent, (GATEWAY,), quiet=61) == GiveUp("unconfirmed")


def test_given_a_channel_is_unwell_then_it_is_passed_over_and_waited_for_when_it_is_the_last() -> None:
    assert step(message(), unwell=("gateway",)) == Try("twilio")
    assert isinstance(step(message(), (GATEWAY,), unwell=("gateway",)), Wait)
    assert step(message(), (GATEWAY,), unwell=("gateway",), age=601) == GiveUp("too_late")


def test_given_a_second_try_then_it_backs_off_first() -> None:
    assert step(message(attempt("gateway", S.FAILED, final=False)), quiet=0.25) == Wait(0.75)


BODIES: tuple[Body, ...] = (
    f.MessageAttempted(message_id="m1", attempt_id="a1", channel="twilio"),
    f.MessageAttempted(message_id="m1", attempt_id="a2", channel="voice"),
    *(f.MessageSent(message_id="m1", attempt_id=a, provider_id="SM1") for a in ("a1", "a2")),
    *(f.MessageDelivered(message_id="m1", attempt_id=a) for a in ("a1", "a2")),
    *(f.MessageFailed(message_id="m1", attempt_id=a, why="x", unknown=u) for a in ("a1", "a2") for u in (True, False)),
    f.MessageGivenUp(message_id="m1", why="failed"),
)
REQUESTED = f.MessageRequested(message_id="m1", to="13800000001", text="x", purpose="alert", params={"a": "b"})


@given(st.lists(st.sampled_from(BODIES), max_size=12))
def test_given_reports_in_any_order_and_number_then_delivered_is_never_taken_back(bodies: list[Body]) -> None:
    held: Message | None = None
    was_delivered = False
    for body in (REQUESTED, *bodies):
        fact = record(body, NOW, "system")
        held = evolve(held, fact)
        assert evolve(held, fact) == held, "a fact that is read twice changes nothing"
        assert held is not None
        was_delivered = was_delivered or held.state is MessageState.DELIVERED
        assert (held.state is MessageState.DELIVERED) is was_delivered
        assert len({a.id for a in held.attempts}) == len(held.attempts)


def test_given_every_fact_when_written_and_read_then_it_is_the_same() -> None:
    for body in (REQUESTED, *BODIES):
        fact: Fact = record(body, NOW, "system", incident_id="i1")
        assert decode(encode(fact)) == fact


def test_given_a_fact_about_an_unknown_message_or_attempt_then_nothing_happens() -> None:
    assert evolve(None, record(BODIES[0], NOW, "system")) is None
    known = evolve(None, record(REQUESTED, NOW, "system"))
    assert evolve(known, record(BODIES[2], NOW, "system")) is known


def test_given_a_late_report_when_it_was_given_up_then_it_is_delivered_at_that_moment() -> None:
    held: Message | None = None
    for number, body in enumerate((REQUESTED, BODIES[0], BODIES[6], BODIES[-1], BODIES[4])):
        held = evolve(held, record(body, NOW + timedelta(seconds=number), "system"))
    assert held is not None
    assert held.state is MessageState.DELIVERED
    assert held.delivered_at == NOW + timedelta(seconds=4)


def test_given_failures_one_after_another_then_the_breaker_opens_and_one_try_decides() -> None:
    breaker = Breaker(failures=3, rest_seconds=30)
    for second in (0.0, 1.0):
        breaker.failed(second)
        assert breaker.allows(second)
    breaker.failed(2.0)
    assert not breaker.allows(31.9)
    assert breaker.allows(32.0)
    breaker.begin()
    assert not breaker.allows(32.0), "one try at a time while it is open"
    breaker.failed(33.0)
    assert not breaker.allows(62.9)
    breaker.begin()
    breaker.succeeded()
    assert not breaker.open
    breaker.failed(64.0)
    assert breaker.allows(64.0), "failures count anew after a success"
