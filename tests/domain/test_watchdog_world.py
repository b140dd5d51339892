"""The watchdog over a whole controller: silent while all goes as it should, loud when it does not (A9, R11, R27)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from callcenter.notifications.facts import MessageRequested
from callcenter.people.directory import Device, Directory
from callcenter.watchdog.heartbeats import Heartbeats
from tests.support.world import ELDERS, STRANGER, WANG, World


def watch(world: World, seconds: int) -> None:
    """Let time pass; the watchdog looks every second."""
    for _ in range(seconds):
        world.wait(1)
        world.run(world.controller.watch.watchdog.check)


def wrong(world: World) -> set[str]:
    return {one.finding.check for one in world.controller.watch.watchdog.active()}


def test_given_a_press_that_is_answered_then_nothing_is_wrong(world: World) -> None:
    world.register("op1", "sup1")
    watch(world, 5)
    world.press(WANG)
    watch(world, 2)
    world.answer(world.ringing("op1"))
    watch(world, 100)
    assert wrong(world) == set()
    world.close_incident()
    watch(world, 60)
    assert wrong(world) == set()
    assert world.controller.watch.well()


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[World]:
    """Nobody is on call."""
    world = World(tmp_path, duty=())
    yield world
    world.close()


def test_given_nobody_at_all_then_that_is_said_and_taken_back_when_somebody_comes(lonely: World) -> None:
    """R11: no seat, no on-call mobile, nobody in a file to call."""
    world = lonely
    watch(world, 31)
    assert wrong(world) == {"no_seat"}
    world.press(STRANGER)
    watch(world, 14)
    assert wrong(world) == {"no_seat"}
    watch(world, 5)
    assert wrong(world) == {"no_seat", "nobody_tried"}
    watch(world, 60)
    assert {"no_seat", "nobody_tried", "long_wait"} <= wrong(world)
    assert world.controller.watch.trouble() != ""
    world.register("op1")
    watch(world, 8)
    assert "no_seat" not in wrong(world)
    assert "nobody_tried" not in wrong(world)
    world.answer(world.ringing("op1"))
    watch(world, 8)
    assert wrong(world) == set()


def test_given_a_seat_that_lets_it_ring_then_somebody_is_always_being_tried(world: World) -> None:
    """A9: the invariant, seen from outside."""
    world.register("op1")
    world.press(STRANGER)
    watch(world, 59)
    assert wrong(world) == set()
    watch(world, 300)
    assert "nobody_tried" not in wrong(world)
    assert "long_wait" in wrong(world)


def test_given_a_dial_that_asterisk_never_hears_of_then_the_leg_is_stuck(world: World) -> None:
    world.register("op1")
    world.pbx.held = {"originate"}
    world.press(WANG)
    watch(world, 44)
    assert "stuck_leg" not in wrong(world)
    watch(world, 3)
    assert "stuck_leg" in wrong(world)


def test_given_a_link_that_is_cut_then_asterisk_is_out_of_reach_until_it_is_back(world: World) -> None:
    world.register("op1")
    world.press(WANG)
    watch(world, 3)
    world.lose_link()
    watch(world, 4)
    assert wrong(world) == set()
    assert not world.controller.watch.well()
    assert world.controller.watch.trouble() == ""
    watch(world, 30)
    assert wrong(world) == {"asterisk"}
    assert world.controller.watch.trouble() == "asterisk"
    world.regain_link()
    watch(world, 6)
    assert "asterisk" not in wrong(world)


def test_given_a_watchdog_that_no_longer_looks_then_it_does_not_say_that_all_is_well(world: World) -> None:
    """R27: its own silence is an alarm."""
    world.register("op1")
    watch(world, 10)
    assert world.controller.watch.well()
    world.wait(61)
    assert not world.controller.watch.well()
    assert world.controller.watch.trouble() == "the watchdog stands still"


def test_given_a_restart_then_what_was_said_is_not_said_again(world: World) -> None:
    watch(world, 40)
    assert wrong(world) == {"no_seat"}
    world.crash()
    world.start()
    watch(world, 40)
    assert [fact.kind for fact in world.journal.facts() if fact.kind.startswith("watchdog")] == ["watchdog.raised"]


def test_given_numbers_for_alerts_then_what_is_critical_is_told_to_each_once(lonely: World) -> None:
    numbers = {"alert_numbers": ("13900000001", "13900000002")}
    lonely.controller.watch._settings = lonely.settings.model_copy(update=numbers)
    watch(lonely, 120)
    told = lonely.bodies(MessageRequested)
    assert [message.to for message in told] == ["13900000001", "13900000002"]
    assert all("坐席" in message.text and message.purpose == "alert" for message in told)


def test_given_calls_that_stop_coming_then_that_is_said_where_it_was_asked_for(world: World) -> None:
    world.register("op1")
    world.controller.watch._limits = replace(world.controller.watch._limits, quiet_hours=1 / 60)
    watch(world, 60)
    assert wrong(world) == set()
    watch(world, 2)
    assert wrong(world) == {"no_calls"}
    world.hotline(STRANGER)
    watch(world, 6)
    assert wrong(world) == set()


def test_given_a_pendant_that_falls_silent_then_it_is_found_after_two_missed_heartbeats(world: World) -> None:
    """F1; what it sent while we were away nobody could hear."""
    pendant, silent = Device(id="d1", kind="pendant", heartbeat_seconds=60), Device(id="d2", kind="pendant")
    directory = Directory([msgspec.structs.replace(ELDERS[1], devices=(pendant, silent))])
    heartbeats = Heartbeats(lambda: directory, world.controller.presence.last_heard, world.clock)
    world.clock.pass_time(120)
    assert heartbeats.silent() == ()
    world.clock.pass_time(1)
    assert heartbeats.silent() == ("d1",)
    world.controller.presence.hear("d1")
    assert heartbeats.silent() == ()
    world.clock.pass_time(121)
    assert heartbeats.silent() == ("d1",)
    directory = Directory(())
    assert heartbeats.silent() == ()


@pytest.mark.parametrize("seconds", [1, 59])
def test_given_a_hotline_caller_who_waits_then_that_is_no_emergency(world: World, seconds: int) -> None:
    world.register("op1")
    world.hotline(STRANGER)
    watch(world, 300 + seconds)
    assert wrong(world) <= {"none_ready"}
