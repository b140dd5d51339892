"""The table counts honestly: nothing is ok that was not tried, not answered, not counted, lost or repeated."""

from typing import Any

import pytest

from tests.faults.table import FAILURES, Tally, as_text, rows

GOOD: dict[str, Any] = {"tried": 2, "answered": 2, "passed": True, "audited": True}


def result(*tallies: Tally) -> str:
    return next(row.result for row in rows(tallies) if row.number == "R1")


def test_given_no_test_of_a_failure_then_it_was_not_tried() -> None:
    assert result() == "not tried"
    assert len(as_text(rows([]))) == len(FAILURES) + 1


def test_given_everybody_answered_and_all_counted_then_it_is_ok() -> None:
    assert result(Tally("R1", **GOOD), Tally("R1", **GOOD)) == "ok"


@pytest.mark.parametrize(
    "flaw",
    [{"answered": 1}, {"answered": 3}, {"lost": 1}, {"repeated": 1}, {"passed": False}, {"audited": False}],
)
def test_given_one_flaw_in_one_test_then_the_whole_failure_mode_is_not_ok(flaw: dict[str, Any]) -> None:
    assert result(Tally("R1", **GOOD), Tally("R1", **GOOD | flaw)) == "FAILED"


def test_given_several_tests_then_their_counts_are_added_and_the_longest_recovery_stands() -> None:
    first, second = Tally("R1", **GOOD), Tally("R1", **GOOD)
    first.took(1.0)
    second.took(3.0)
    second.took(2.0)
    (row,) = [row for row in rows([first, second]) if row.number == "R1"]
    assert row.cells()[2:] == ("4", "4", "0", "0", "3.0 s", "ok")
