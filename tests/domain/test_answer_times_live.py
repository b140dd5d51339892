"""The answer times of A1 in Prometheus' text, from a controller at work and after its restart."""

import re
from types import SimpleNamespace
from typing import cast

import pytest

from callcenter.journal import Journal
from callcenter.metrics import Metrics
from callcenter.worker_link import WorkerLink
from tests.support.world import LI, STRANGER, WANG, World


@pytest.fixture
def metrics(world: World) -> Metrics:
    return made(world)


def made(world: World) -> Metrics:
    journal = SimpleNamespace(pending=0, healthy=True)
    record = SimpleNamespace(lag_facts=0, lag_seconds=0.0)
    return Metrics(world.controller, cast(Journal, journal), cast(WorkerLink, record))


def shown(metrics: Metrics, name: str) -> float:
    """One sample's value; labels are in the order of the alphabet."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics.text().decode(), re.MULTILINE)
    assert found, name
    return float(found[1])


def answer_seconds(quantile: str, window: str) -> str:
    return f'callcenter_answer_seconds{{quantile="{quantile}",who="human",window="{window}"}}'


def test_given_calls_in_time_late_and_waiting_when_scraped_then_the_figures_are_those_of_this_moment(
    world: World, metrics: Metrics
) -> None:
    """A1: share within 5 s, percentiles and worst, live; who still waits beyond the limit is in the denominator."""
    world.register("op1", "op2")
    world.press(WANG)
    world.wait(2)
    world.answer(world.ringing("op1"))
    world.press(LI)
    world.wait(7)
    world.answer(world.ringing("op2"))
    for window in ("24h", "start"):
        assert shown(metrics, answer_seconds("0.5", window)) == pytest.approx(2, abs=0.5)
        assert shown(metrics, answer_seconds("1", window)) == pytest.approx(7, abs=0.5)
        assert shown(metrics, f'callcenter_answered_within_limit_ratio{{who="human",window="{window}"}}') == 0.5
        assert shown(metrics, f'callcenter_answered_within_limit_ratio{{who="system",window="{window}"}}') == 1
    assert shown(metrics, "callcenter_longest_wait_seconds") == 0
    world.press(STRANGER)
    world.wait(6)
    assert shown(metrics, "callcenter_longest_wait_seconds") == pytest.approx(6, abs=0.5)
    assert shown(metrics, answer_seconds("1", "24h")) == float("inf")
    assert shown(metrics, 'callcenter_answer_calls{answered="no",window="24h"}') == 1


def test_given_calls_of_several_kinds_and_areas_when_scraped_then_each_has_its_own_figures(
    world: World, metrics: Metrics
) -> None:
    """A1: in the metrics, too, by kind and area; a kind that is said later counts, and the old one is gone."""
    world.register("op1")
    elder = world.press(WANG)
    world.wait(2)
    world.answer(world.ringing("op1"))
    world.press(STRANGER)
    world.wait(6)
    wang = world.controller.emergencies.get(world.call_of(elder).incident_id or "")
    in_time = 'callcenter_answered_within_limit_ratio_by_kind{kind="manual",who="human"}'
    assert shown(metrics, in_time) == 0.5
    world.run(lambda: world.controller.emergencies.say_kind(wang.id, "fall", actor="op1"))
    assert shown(metrics, in_time) == 0
    assert shown(metrics, in_time.replace("manual", "fall")) == 1
    assert shown(metrics, 'callcenter_answer_seconds_by_kind{kind="manual",quantile="0.5",who="human"}') == float("inf")
    for area, answered in ((wang.area, "yes"), ("", "no")):
        assert shown(metrics, f'callcenter_answer_calls_by_area{{answered="{answered}",area="{area}"}}') == 1
    world.clock.pass_time(24 * 3600)
    assert "callcenter_answer_calls_by_area{" not in metrics.text().decode()


def test_given_a_restart_when_scraped_then_the_last_day_goes_on_and_the_start_begins_anew(world: World) -> None:
    """A1, A10: from the journal, without the database."""
    world.register("op1")
    world.press(WANG)
    world.answer(world.ringing("op1"))
    again = made(world)
    again.recall(world.journal.facts())
    assert shown(again, 'callcenter_answer_calls{answered="yes",window="24h"}') == 1
    assert shown(again, 'callcenter_answer_calls{answered="yes",window="start"}') == 0
    share = shown(again, 'callcenter_answered_within_limit_ratio{who="human",window="start"}')
    assert share != share  # noqa: PLR0124 - not a number: nobody has called since
