"""Erlang A and C: the published example, the limits of the model, and what no formula may break."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.erlang import Theory, erlang_a, erlang_c


def test_given_the_published_call_centre_then_its_published_figures() -> None:
    """Garnett, Mandelbaum, Reiman 2002, table 1: 48 calls a minute, 1 minute each, 50 seats, patience 2 minutes."""
    patient, impatient = erlang_c(0.8, 60, 50, 20), erlang_a(0.8, 60, 120, 50, 20)
    assert (round(patient.wait, 1), round(0.8 * patient.wait), round(patient.occupancy, 2)) == (20.8, 17, 0.96)
    assert (round(impatient.abandoned, 3), round(impatient.wait, 1)) == (0.031, 3.7)
    assert (round(0.8 * impatient.wait), round(impatient.occupancy, 2)) == (3, 0.93)


def test_given_one_seat_then_the_formulas_of_a_single_line() -> None:
    """M/M/1: P(wait > t) = ρ e^(-(μ-λ)t), mean wait ρ/(μ-λ); and M/M/1+M with θ = μ, whose number is Poisson."""
    found = erlang_c(0.5, 1, 1, 2)
    assert found.delayed == pytest.approx(0.5)
    assert found.wait == pytest.approx(1)
    assert found.service_level == pytest.approx(1 - 0.5 * math.exp(-1))
    found = erlang_a(2, 1, 1, 1, 1)
    assert found.delayed == pytest.approx(1 - math.exp(-2))
    assert found.wait == pytest.approx((2 - (1 - math.exp(-2))) / 2)


loads = st.floats(min_value=0.1, max_value=40)
seats = st.integers(min_value=1, max_value=40)
patiences = st.floats(min_value=0.05, max_value=20)


@given(load=loads, number=seats, patience=patiences, within=st.floats(min_value=0.01, max_value=20))
def test_whatever_the_centre_then_shares_are_shares_and_work_is_conserved(
    load: float, number: int, patience: float, within: float
) -> None:
    found = erlang_a(load, 1, patience, number, within)
    assert -1e-9 <= found.abandoned <= 1
    assert found.wait == pytest.approx(found.abandoned * patience, abs=1e-9)
    assert found.occupancy <= 1 + 1e-9
    assert 1 - found.delayed - 1e-9 <= found.service_level <= 1 - found.abandoned + 1e-9
    assert _level(load, patience, number, within * 2) >= found.service_level - 1e-12


@given(load=loads, number=seats, patience=patiences)
def test_with_no_limit_all_that_are_served_count_and_with_none_those_at_once(
    load: float, number: int, patience: float
) -> None:
    found = erlang_a(load, 1, patience, number, 0)
    assert found.service_level == pytest.approx(1 - found.delayed, abs=1e-9)
    assert _level(load, patience, number, 1e6) == pytest.approx(1 - found.abandoned, abs=1e-9)


def _level(load: float, patience: float, number: int, within: float) -> float:
    return erlang_a(load, 1, patience, number, within).service_level


def test_given_endless_patience_then_erlang_a_becomes_erlang_c() -> None:
    patient, almost = erlang_c(9, 1, 10, 0.3), erlang_a(9, 1, 1e7, 10, 0.3)
    for name in Theory.__slots__:
        assert getattr(almost, name) == pytest.approx(getattr(patient, name), abs=1e-4), name


def test_given_more_work_than_seats_and_endless_patience_then_there_is_no_answer() -> None:
    with pytest.raises(ValueError, match="for ever"):
        erlang_c(10, 1, 10, 1)
