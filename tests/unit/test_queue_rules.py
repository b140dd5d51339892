"""The hotline's pure rules: opening hours with holidays, overflow, expected wait, what is said of it (B1)."""

from datetime import date, datetime

import pytest

from callcenter.clock import SHANGHAI
from callcenter.queues.hours import holiday, is_open, statutory
from callcenter.queues.model import Book, Hours, Overflow, OwnDay, Queue
from callcenter.routing.announcements import wait_prompts
from callcenter.routing.expected import PRIOR_SECONDS, Handling, expected_wait
from callcenter.routing.overflow import Move, on_arrival, while_waiting

OFFICE = (Hours((1, 2, 3, 4, 5), "08:30", "17:30"),)
NIGHT = (Hours((5,), "22:00", "06:00"),)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def queue(**settings: object) -> Queue:
    return Queue(code="q", name="q", **settings)  # type: ignore[arg-type]


# 2025: 29 January is the Spring Festival, Sunday 26 January is worked for it. 3 March is a plain Monday.
@pytest.mark.parametrize(
    ("hours", "holidays", "moment", "opened"),
    [
        ((), "hours", "2025-03-03 03:00", True),
        ((), "closed", "2025-01-29 12:00", False),
        ((), "closed", "2025-03-08 12:00", True),
        (OFFICE, "hours", "2025-03-03 08:29", False),
        (OFFICE, "hours", "2025-03-03 08:30", True),
        (OFFICE, "hours", "2025-03-03 17:29", True),
        (OFFICE, "hours", "2025-03-03 17:30", False),
        (OFFICE, "hours", "2025-03-08 12:00", False),
        (OFFICE, "hours", "2025-01-29 12:00", True),
        (OFFICE, "closed", "2025-01-29 12:00", False),
        (OFFICE, "open", "2025-01-29 03:00", True),
        (OFFICE, "closed", "2025-01-26 12:00", True),
        (OFFICE, "closed", "2025-01-26 18:00", False),
        (OFFICE, "hours", "2025-01-26 12:00", False),
        (NIGHT, "hours", "2025-03-07 21:59", False),
        (NIGHT, "hours", "2025-03-07 22:00", True),
        (NIGHT, "hours", "2025-03-08 05:59", True),
        (NIGHT, "hours", "2025-03-08 06:00", False),
        (NIGHT, "hours", "2025-03-08 22:00", False),
        ((Hours((6,), "00:00", "00:00"),), "hours", "2025-03-08 23:59", True),
        ((Hours((6,), "00:00", "00:00"),), "hours", "2025-03-09 00:00", False),
        (OFFICE, "closed", "2093-01-29 12:00", True),
    ],
)
def test_a_queue_is_open_by_hours_and_holidays(
    hours: tuple[Hours, ...], holidays: str, moment: str, opened: bool
) -> None:
    assert is_open(queue(hours=hours, holidays=holidays), at(moment), {}) is opened


def test_ones_own_word_goes_before_the_calendars() -> None:
    own = {
        "2025-01-29": OwnDay("2025-01-29", "open"),
        "2025-03-03": OwnDay("2025-03-03", "closed", "装修"),
        "2025-03-08": OwnDay("2025-03-08", "open"),
    }
    office = queue(hours=OFFICE, holidays="closed")
    assert is_open(office, at("2025-01-29 12:00"), own)
    assert not is_open(office, at("2025-03-03 12:00"), own)
    assert is_open(office, at("2025-03-08 12:00"), own)
    assert holiday(date(2025, 3, 3), own) == "装修"
    assert holiday(date(2025, 1, 29), own) is None
    assert statutory(date(2025, 3, 8)) is None


@pytest.mark.parametrize(
    ("closed_to", "opened", "length", "move"),
    [
        ("stay", False, 99, None),
        ("voicemail", True, 2, None),
        ("voicemail", True, 3, Move("voicemail", "full")),
        ("voicemail", False, 0, Move("voicemail", "closed")),
    ],
)
def test_a_closed_or_full_queue_acts_on_arrival(closed_to: str, opened: bool, length: int, move: Move | None) -> None:
    assert on_arrival(queue(closed_to=closed_to, max_length=3), is_open=opened, length=length) == move


RULES = (
    Overflow("wait", 60, "queue:b"),
    Overflow("length", 5, "callback"),
    Overflow("expected_wait", 300, "voicemail"),
)


@pytest.mark.parametrize(
    ("waited", "position", "expected", "tried", "move"),
    [
        (60, 5, 300, (), None),
        (61, 1, None, (), Move("queue:b", "wait")),
        (61, 6, 301, ("queue:b",), Move("callback", "length")),
        (61, 6, 301, ("queue:b", "callback"), Move("voicemail", "expected_wait")),
        (61, 6, 301, ("queue:b", "callback", "voicemail"), None),
        (0, 6, None, (), Move("callback", "length")),
        (0, 1, 301, (), Move("voicemail", "expected_wait")),
        (0, 1, None, (), None),
    ],
)
def test_who_cannot_be_served_in_time_goes_where_the_first_rule_that_holds_says(
    waited: float, position: int, expected: float | None, tried: tuple[str, ...], move: Move | None
) -> None:
    overflowing = queue(overflow=RULES)
    found = while_waiting(overflowing, waited=waited, position=position, expected=expected, tried=tried)
    assert found == move


def test_a_queue_without_rules_keeps_everybody() -> None:
    assert while_waiting(queue(), waited=1e6, position=1000, expected=1e6) is None
    stay = queue(overflow=(Overflow("wait", 0, "stay"),))
    assert while_waiting(stay, waited=10, position=1, expected=None) is None


@pytest.mark.parametrize(
    ("position", "handling", "seats", "seconds"), [(1, 180, 1, 180), (2, 180, 4, 90), (3, 60, 2, 90), (1, 60, 0, None)]
)
def test_the_expected_wait_is_the_place_times_what_a_call_takes_shared_by_the_seats(
    position: int, handling: float, seats: int, seconds: float | None
) -> None:
    assert expected_wait(position, handling, seats) == seconds


def test_handling_time_is_the_mean_of_the_last_calls_once_there_are_enough() -> None:
    handling = Handling()
    for seconds in (10, 20, 30, 40):
        handling.add("q", seconds)
    assert handling.mean("q") == PRIOR_SECONDS
    handling.add("q", 50)
    assert handling.mean("q") == 30
    for _ in range(50):
        handling.add("q", 100)
    assert (handling.mean("q"), handling.mean("other")) == (100, PRIOR_SECONDS)


@pytest.mark.parametrize(
    ("seconds", "prompts"),
    [
        (None, []),
        (0.0, ["expected-wait", "digit-1", "minutes"]),
        (61.0, ["expected-wait", "number-2-liang", "minutes"]),
        (720.0, ["expected-wait", "number-10", "digit-2", "minutes"]),
    ],
)
def test_the_wait_is_said_in_whole_minutes(seconds: float | None, prompts: list[str]) -> None:
    assert wait_prompts(seconds) == prompts


def test_the_book_always_has_the_general_queue_and_knows_no_other_by_itself() -> None:
    book = Book([queue()])
    assert set(book.queues) == {"general", "q"}
    assert book.queue("").code == book.queue("nowhere").code == "general"
    assert book.skills_of("op1").levels == {}
