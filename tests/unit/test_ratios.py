"""Staffing against the standards: who is there, who is missing, and what nobody has told us (B3, SZ 5.1)."""

import pytest

from callcenter.people.staff import Member, counted
from callcenter.reports.ratios import ratios

DAY = "2026-03-02"


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "there"),
    [
        ("", "", True),
        ("2026-03-02", "2026-03-02", True),
        ("2026-03-03", "", False),
        ("", "2026-03-01", False),
        ("2025-12-31", "2026-12-31", True),
    ],
)
def test_somebody_counts_from_the_first_day_to_the_last(starts_on: str, ends_on: str, there: bool) -> None:
    assert Member("worker", "", starts_on, ends_on).there(DAY) is there


def test_workers_and_managers_are_counted_against_the_elders_of_their_area() -> None:
    """1:50 and 1:1000, rounded up to whole people; who has left is not there."""
    staff = [
        *[Member("worker", "姑苏区")] * 30,
        *[Member("worker", "吴中区")] * 10,
        Member("worker", "", "", "2026-01-01"),
    ]
    staff.append(Member("manager", "姑苏区"))
    found = ratios({"姑苏区": 1001, "吴中区": 999, "": 1}, 1, 0, counted(staff, DAY))
    assert found.elders == 2001
    assert (found.workers.have, found.workers.need, found.workers.missing, found.workers.met) == (40, 41, 1, False)
    assert (found.managers.have, found.managers.need, found.managers.missing) == (1, 3, 2)
    assert (found.operators.need, found.operators.met) == (1, True)
    by_area = {one.area: one for one in found.areas}
    assert list(by_area) == ["吴中区", "姑苏区", ""]
    assert (by_area["姑苏区"].workers.have, by_area["姑苏区"].workers.need, by_area["姑苏区"].workers.met) == (
        30,
        21,
        True,
    )
    assert by_area["吴中区"].workers.missing == 10
    assert (by_area["姑苏区"].managers.need, by_area["姑苏区"].managers.missing) == (2, 1)


def test_a_kind_of_which_nobody_was_ever_registered_is_unknown_and_not_nought() -> None:
    found = ratios({"": 120}, 0, 0, counted([Member("manager", "", "", "2020-01-01")], DAY))
    assert (found.workers.have, found.workers.met, found.workers.missing, found.workers.need) == (None, None, None, 3)
    assert (found.managers.have, found.managers.missing) == (0, 1)
