"""The rules of calling back: whom, when, how often (B1)."""

from datetime import UTC, datetime, time, timedelta

import pytest

from callcenter.callbacks import facts as f
from callcenter.callbacks.desk import Place, read_place
from callcenter.callbacks.model import (
    MOST_ATTEMPTS,
    RESTS,
    TRANSITIONS,
    CallBack,
    State,
    callable_back,
    due,
    evolve,
    next_attempt,
    quiet,
    read_hours,
    spoken,
    too_many,
)
from callcenter.facts import Body, record

NIGHT = (time(21), time(8))
NOON = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
LATE = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)  # 22:30


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("13800001001", "13800001001"),
        ("+8613800001001", "13800001001"),
        ("051287654321", "051287654321"),
        ("120", None),
        ("110", None),
        ("119", None),
        ("12349", None),
        ("95120", None),
        ("16812345678", None),
        ("4008001234", None),
        ("8008101234", None),
        ("+12025550123", None),
        ("0012025550123", None),
        ("", None),
        ("anonymous", None),
        ("1380000100", None),
        ("*72", None),
    ],
)
def test_only_chinese_mobiles_and_landlines_are_called_for_strangers(raw: str, number: str | None) -> None:
    """Toll fraud: whoever calls us must not make us dial what costs, what is abroad, or an emergency service."""
    assert callable_back(raw) == number


@pytest.mark.parametrize(
    ("hours", "at", "expected"),
    [
        ("21:00-08:00", "20:59", False),
        ("21:00-08:00", "21:00", True),
        ("21:00-08:00", "03:00", True),
        ("21:00-08:00", "07:59", True),
        ("21:00-08:00", "08:00", False),
        ("12:00-14:00", "13:00", True),
        ("12:00-14:00", "14:00", False),
        ("", "03:00", False),
        ("08:00-08:00", "08:00", False),
    ],
)
def test_quiet_hours_are_shanghais_and_go_over_midnight(hours: str, at: str, expected: bool) -> None:
    clock = time.fromisoformat(at)
    moment = datetime(2026, 3, 3, clock.hour, clock.minute, tzinfo=UTC) - timedelta(hours=8)
    assert quiet(moment, read_hours(hours)) is expected


def fold(*bodies: Body, at: datetime = NOON, call_id: str | None = None) -> CallBack:
    found: CallBack | None = None
    for body in bodies:
        found = evolve(found, record(body, at, "elder", call_id=call_id))
    assert found is not None
    return found


ASKED = f.CallBackAsked(callback_id="c1", number="13800001001", caller="13800001001", queue="general", since=NOON)
CALLING = f.CallBackCalling(callback_id="c1")
MISSED = f.CallBackMissed(callback_id="c1", reason="no_answer", next_at=NOON + RESTS[0])
DONE, FAILED = f.CallBackDone(callback_id="c1"), f.CallBackFailed(callback_id="c1", reason="no_answer")
CANCELLED = f.CallBackCancelled(callback_id="c1", why="cancelled")
HASTENED = f.CallBackHastened(callback_id="c1")


@pytest.mark.parametrize(
    ("bodies", "state", "counted"),
    [
        ((ASKED,), State.WAITING, 0),
        ((ASKED, CALLING), State.CALLING, 0),
        ((ASKED, CALLING, MISSED), State.WAITING, 1),
        ((ASKED, CALLING, DONE), State.DONE, 0),
        ((ASKED, CALLING, FAILED), State.FAILED, 0),
        ((ASKED, CANCELLED), State.CANCELLED, 0),
        ((ASKED, DONE), State.WAITING, 0),
        ((ASKED, CALLING, DONE, CANCELLED), State.DONE, 0),
        ((ASKED, CANCELLED, CALLING), State.CANCELLED, 0),
        ((ASKED, CALLING, FAILED, HASTENED), State.WAITING, 0),
        ((ASKED, ASKED), State.WAITING, 0),
    ],
)
def test_its_state_is_a_fold_and_a_step_that_is_not_in_the_table_is_no_news(
    bodies: tuple[Body, ...], state: State, counted: int
) -> None:
    found = fold(*bodies)
    assert (found.state, found.counted) == (state, counted)


def test_done_and_cancelled_are_the_end() -> None:
    assert {state for state, then in TRANSITIONS.items() if not then} == {State.DONE, State.CANCELLED}


def test_attempts_tell_how_they_ended() -> None:
    found = fold(ASKED, CALLING, MISSED, CALLING, DONE, call_id="call-1")
    assert [(one.call_id, one.reason) for one in found.attempts] == [("call-1", "no_answer"), ("call-1", "reached")]


@pytest.mark.parametrize(
    ("counted", "reason", "rest"),
    [
        (1, "no_answer", timedelta(minutes=5)),
        (2, "no_answer", timedelta(minutes=30)),
        (3, "rejected", timedelta(hours=3)),
        (1, "busy", timedelta(minutes=2)),
        (3, "busy", timedelta(minutes=2)),
        (MOST_ATTEMPTS, "no_answer", None),
        (MOST_ATTEMPTS, "busy", None),
    ],
)
def test_who_is_not_reached_rests_longer_each_time_and_the_fourth_time_is_the_last(
    counted: int, reason: str, rest: timedelta | None
) -> None:
    assert next_attempt(counted, reason, NOON) == (None if rest is None else NOON + rest)


@pytest.mark.parametrize(
    ("minutes", "by_caller", "hastened", "expected"),
    [(5, True, False, True), (31, True, False, False), (5, False, False, False), (31, False, True, True)],
)
def test_in_the_quiet_hours_only_who_asked_a_moment_ago_or_whom_the_desk_wants_is_called(
    minutes: int, by_caller: bool, hastened: bool, expected: bool
) -> None:
    asked = f.CallBackAsked(
        callback_id="c1", number="13800001001", caller="", queue="general", since=LATE, by_caller=by_caller
    )
    found = fold(asked, *([HASTENED] if hastened else []), at=LATE)
    assert due(found, LATE + timedelta(minutes=minutes), NIGHT) is expected
    assert due(found, LATE + timedelta(hours=12), NIGHT)


def test_she_is_not_tried_before_her_rest_is_over() -> None:
    found = fold(ASKED, CALLING, MISSED)
    assert not due(found, NOON + RESTS[0] - timedelta(seconds=1), None)
    assert due(found, NOON + RESTS[0], None)


def test_numbers_are_read_out_as_on_the_telephone() -> None:
    assert spoken("1205") == ("digit-1-tel", "digit-2", "digit-0", "digit-5")


def test_a_place_travels_with_her_call() -> None:
    place = Place("general", NOON, 3, "confirm", "13800001001", 2)
    assert read_place(place.word()) == place
    assert read_place("callback") is None
    assert read_place("callback:confirm:general:x:0::1") is None


def asked(number: str, ago: timedelta, *, dictated: bool = True) -> CallBack:
    at = NOON - ago
    body = f.CallBackAsked(
        callback_id=f"{number}{ago}", number=number, caller="", queue="general", since=at, dictated=dictated
    )
    return fold(body, at=at)


MINUTE, HIS, HERS = timedelta(minutes=1), "13800001001", "13900001002"


@pytest.mark.parametrize(
    ("known", "earlier", "expected"),
    [
        (False, [], False),
        (False, [(HIS, 1)], False),
        (False, [(HIS, 1), (HIS, 59)], True),
        (False, [(HIS, 1), (HIS, 60)], False),
        (True, [(HIS, 1), (HIS, 59)], True),
        (False, [(HERS, 1), (HERS, 2), (HIS, 3)], False),
        (False, [(f"138000010{n}", n) for n in range(10, 29)], False),
        (False, [(f"138000010{n}", n) for n in range(10, 30)], True),
        (True, [(f"138000010{n}", n) for n in range(10, 30)], False),
    ],
)
def test_a_number_that_others_key_in_is_called_so_often_and_no_more(
    known: bool, earlier: list[tuple[str, int]], expected: bool
) -> None:
    """Nuisance calls: two in an hour to one number, twenty in all to numbers of nobody we know (minutes ago)."""
    assert too_many(HIS, known, [asked(number, minutes * MINUTE) for number, minutes in earlier], NOON) is expected


def test_who_asks_from_her_own_number_counts_for_nobody() -> None:
    own = [asked(HIS, n * MINUTE, dictated=False) for n in range(30)]
    assert not too_many(HIS, False, own, NOON)


def test_in_the_quiet_hours_a_number_that_somebody_else_keyed_in_is_not_woken() -> None:
    body = f.CallBackAsked(callback_id="c", number=HIS, caller="", queue="general", since=LATE, dictated=True)
    assert not due(fold(body, at=LATE), LATE + MINUTE, NIGHT)
    assert due(fold(body, at=LATE), LATE + timedelta(hours=10), NIGHT)
