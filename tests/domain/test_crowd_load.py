"""Hundreds who wait must not hold up the next caller (R21): what time brings is done in turns, decisions are spaced."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.emergency import facts as f
from callcenter.emergency.ladder import TURN_SECONDS
from tests.support.world import HandClock, World


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
