"""Ids sort by time, and a moment before one sorts before it."""

from datetime import UTC, datetime, timedelta

from callcenter.ids import derived_id, earlier, new_id

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_given_an_id_when_asked_for_some_time_before_then_what_sorts_between_was_minted_in_that_time() -> None:
    bound = earlier(derived_id(AT, "x"), 60)
    assert derived_id(AT - timedelta(seconds=60), "y") > bound
    assert derived_id(AT - timedelta(seconds=60.001), "y") < bound
    assert earlier(new_id(), 0) <= new_id()


def test_given_steps_then_ids_of_about_the_same_moment_have_the_same_bound() -> None:
    bounds = [earlier(derived_id(AT + timedelta(seconds=second), "x"), 20, 10) for second in (0, 5, 9.9, 10)]
    assert bounds[0] == bounds[1] == bounds[2] < bounds[3]
    assert bounds[0] == earlier(derived_id(AT, "x"), 20)


def test_given_no_id_when_asked_for_some_time_before_then_the_beginning_of_all() -> None:
    for text in ("", "x", "0190", "0190b7c2-0000-7000-8000-00000000000g"):
        assert earlier(text, 60) == ""
    assert earlier("00000000-0000-7000-8000-000000000000", 60) == "00000000-0000-"
