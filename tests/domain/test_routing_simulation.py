"""The product's rules of distribution under a drawn load: what theory says, repeatably, and nobody starves (B1)."""

import math
from dataclasses import replace

import pytest

from bench.erlang import erlang_a, erlang_c
from bench.simulation import Stream, draw, occupancy, operators, outcome, run

WITHIN = 20.0


@pytest.mark.parametrize(("rate", "patience"), [(9 / 180, 120.0), (12 / 180, 120.0), (8 / 180, math.inf)])
def test_given_a_plain_queue_then_service_level_and_the_rest_are_what_erlang_says(rate: float, patience: float) -> None:
    streams = {"all": Stream(rate, 180, patience)}
    fates = run(streams, operators(10), draw(streams, 12_000, seed=7))
    found = outcome(fates, WITHIN)
    theory = erlang_a(rate, 180, patience, 10, WITHIN) if math.isfinite(patience) else erlang_c(rate, 180, 10, WITHIN)
    assert found.service_level.holds(theory.service_level)
    assert found.wait.holds(theory.wait)
    assert found.abandoned.holds(theory.abandoned)
    assert occupancy(fates, 10).holds(theory.occupancy)
    # An interval that holds everything would prove nothing.
    assert found.service_level.within < 0.06


def test_given_the_same_seed_then_the_same_day_and_another_seed_another() -> None:
    streams = {"a": Stream(0.03, 180, 120, spread=1.2), "b": Stream(0.02, 60, 60, priority=3)}
    days = [run(streams, operators(9), draw(streams, 500, seed)) for seed in (1, 1, 2)]
    assert days[0] == days[1]
    assert [fate.waited for fate in days[0]] != [fate.waited for fate in days[2]]


def test_given_lognormal_handling_then_its_mean_and_spread_are_those_asked_for() -> None:
    drawn = [c.handling for c in draw({"a": Stream(1, 180, spread=1.2)}, 40_000, seed=3)]
    mean = sum(drawn) / len(drawn)
    spread = math.sqrt(sum((each - mean) ** 2 for each in drawn) / len(drawn)) / mean
    assert mean == pytest.approx(180, rel=0.03)
    assert spread == pytest.approx(1.2, rel=0.1)


def test_given_two_skills_then_nobody_is_served_by_who_does_not_know_hers() -> None:
    streams = {"care": Stream(0.03, 120, 120, skill="care", min_level=2), "fees": Stream(0.03, 120, 120, skill="fees")}
    seats = [*operators(3, prefix="c", care=3), *operators(3, prefix="f", fees=1), *operators(2, prefix="x", care=1)]
    fates = run(streams, seats, draw(streams, 1000, seed=5))
    able = {"care": {"c"}, "fees": {"f"}}
    assert all(fate.seat[0] in able[fate.caller.stream] for fate in fates if fate.served)
    assert {fate.caller.stream for fate in fates if fate.served} == {"care", "fees"}


def test_given_more_urgent_callers_than_seats_then_without_ageing_others_starve_and_with_it_they_do_not() -> None:
    """B1: after ten times the ageing nobody new gets before her."""
    hurry, calm = Stream(0.9, 1, patience=5, priority=9), Stream(0.2, 1)
    longest = {}
    for ageing in (0.0, 2.0):
        streams = {"hurry": replace(hurry, ageing=ageing), "calm": replace(calm, ageing=ageing)}
        fates = run(streams, operators(1), draw(streams, 2000, seed=11))
        longest[ageing] = max(fate.waited for fate in fates if fate.caller.stream == "calm")
    assert longest[2.0] < longest[0.0] / 2
