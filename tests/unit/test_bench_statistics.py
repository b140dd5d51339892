"""The benchmark's arithmetic: what it says of quantiles, targets and the highest rate is true."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics import Climb, Summary, Verdict, quantile, ratio, slope

times = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=300)


@given(times, st.floats(min_value=0, max_value=1))
def test_quantile_is_a_measured_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) <= share * len(values)


def test_quantiles_of_a_hundred_values_are_those_everybody_expects() -> None:
    assert Summary.of([float(n) for n in range(100, 0, -1)]) == Summary(100, 50, 95, 99, 100)


def test_nothing_measured_reaches_no_target() -> None:
    nothing = Summary.of([])
    assert nothing.count == 0
    assert math.isnan(nothing.p99)
    assert not Verdict("p99", nothing.p99, 20).passed
    assert not Verdict("share", ratio(1, 0), 0.8, at_most=False).passed


@pytest.mark.parametrize(
    ("measured", "at_most", "passed"), [(20, True, True), (20.1, True, False), (20, False, True), (19.9, False, False)]
)
def test_a_target_is_reached_at_its_very_limit(measured: float, at_most: bool, passed: bool) -> None:
    assert Verdict("figure", measured, 20, at_most=at_most).passed is passed


@given(
    capacity=st.floats(min_value=0.5, max_value=300),
    start=st.floats(min_value=1, max_value=50),
    resolution=st.floats(min_value=0.05, max_value=0.3),
)
def test_climb_finds_the_capacity_within_its_resolution_in_few_trials(
    capacity: float, start: float, resolution: float
) -> None:
    climb = Climb(start, 120, resolution=resolution)
    trials = 0
    while (rate := climb.next) is not None:
        climb.tried(rate, rate <= capacity)
        trials += 1
        assert trials < 40
    assert climb.best <= min(capacity, 120)
    if capacity >= 120:
        assert climb.best == 120
    elif capacity > 2:
        assert climb.best >= capacity * (1 - resolution) - 1


def test_slope_is_the_growth_a_straight_line_has() -> None:
    assert slope([(1000, 120.0), (2000, 122.0), (3000, 124.0)]) == pytest.approx(0.002)
    assert math.isnan(slope([(1000, 120.0)]))
    assert math.isnan(slope([]))
