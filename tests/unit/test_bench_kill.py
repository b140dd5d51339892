"""The benchmark's judgement of a killed controller: what is forgotten, what is a ghost, how big a hole was (A10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.record import Differences, differences, repeated
from bench.voices import longest_hole

NOW = 1000.0
OLD, YOUNG = NOW - 10, NOW - 0.2


@pytest.mark.parametrize(
    ("before", "live", "after", "found"),
    [
        ({"a": OLD}, {"a": OLD}, {"a": OLD}, Differences()),
        ({}, {"a": OLD}, {}, Differences(missing=frozenset("a"))),
        ({"a": OLD}, {}, {"a": OLD}, Differences(ghosts=frozenset("a"))),
        # News may be on its way: it ended, or came, while one looked; or it is too young for both to know.
        ({"a": OLD}, {}, {}, Differences()),
        ({}, {"a": OLD}, {"a": OLD}, Differences()),
        ({"a": OLD}, {"a": OLD}, {}, Differences()),
        ({}, {"a": YOUNG}, {}, Differences()),
        ({"a": YOUNG}, {}, {"a": YOUNG}, Differences()),
    ],
)
def test_only_what_differs_for_sure_is_a_difference(
    before: dict[str, float], live: dict[str, float], after: dict[str, float], found: Differences
) -> None:
    assert differences(before, live, after, NOW) == found
    assert bool(found) is bool(found.ghosts or found.missing)


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=50))
def test_the_longest_hole_is_between_two_packets_and_the_windows_ends_count(times: list[float]) -> None:
    hole = longest_hole(sorted(times), 2, 8)
    inside = [at for at in times if 2 <= at <= 8]
    assert 6 / (len(inside) + 1) <= hole + 1e-9
    assert hole <= 6
    assert hole == 6 or inside


def test_sound_every_20_ms_with_one_hole_shows_the_hole() -> None:
    times = [0.02 * n for n in range(500) if not 200 <= n < 210]
    assert longest_hole(times, 1, 9) == pytest.approx(0.22)


def test_callers_without_a_call_and_with_two_are_counted() -> None:
    assert repeated({"a": 1, "b": 2, "z": 5}, ["a", "b", "c"]) == (1, 1)
