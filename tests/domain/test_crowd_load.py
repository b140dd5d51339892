"""Hundreds who wait must not hold up the next caller (R21): what time brings is done in turns, decisions are spaced."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callcenter.emergency import facts as f
from callcenter.emergency.ladder import TURN_SECONDS
from callcenter.routing.distribution import desired
from tests.support.memory import HandClock
from tests.support.world import World


class SlowClock(HandClock):
    """A clock by which every look at it takes time, as work does on a busy machine."""

    def __init__(self) -> None:
        super().__init__()
        self.cost = 0.0

    def monotonic(self) -> float:
        now = super().monotonic()
        self.pass_time(self.cost)
        return now


@pytest.fixture
def clock() -> SlowClock:
    return SlowClock()


@pytest.fixture
def world(tmp_path: Path, clock: SlowClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("tests.support.world.HandClock", lambda: clock)
    world = World(tmp_path)
    yield world
    clock.cost = 0.0
    world.close()


def test_r21_a_crowd_is_looked_after_in_several_pulses_and_nobody_is_left_out(world: World, clock: SlowClock) -> None:
    for number in range(30):
        world.press(f"150{number:08}")
    clock.pass_time(6)
    clock.cost = TURN_SECONDS / 4
    world.run(world.controller.beat)
    late = len(world.bodies(f.AnswerLate))
    assert 0 < late < 30
    for _ in range(30):
        world.run(world.controller.beat)
    assert len(world.bodies(f.AnswerLate)) == 30


def test_r21_after_a_long_decision_the_next_is_put_off_and_made_all_the_same(
    world: World, clock: SlowClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*arguments: Any) -> dict[str, str]:
        clock.pass_time(0.01)
        return desired(*arguments)

    monkeypatch.setattr("callcenter.routing.service.desired", slowly)
    world.register("op1", "op2")
    first = world.press("13800000001")
    assert {channel.target for channel in world.all_ringing()} == {"op1", "op2"}
    second = world.press("13800000002")
    assert second.variables["CC_CALL"] not in _rung_for(world)
    deadline = time.monotonic() + 5
    while second.variables["CC_CALL"] not in _rung_for(world) and time.monotonic() < deadline:
        world.run(lambda: None)
    assert _rung_for(world) == {first.variables["CC_CALL"], second.variables["CC_CALL"]}


def _rung_for(world: World) -> set[str]:
    """Calls for which a phone rings."""
    return {channel.variables["CC_CALL"] for channel in world.all_ringing()}
