"""Places and fences in a whole controller: the newest fix, one alarm a way out, also over a restart (A4, A5)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from callcenter.alarms.service import Place
from callcenter.emergency.facts import EmergencyOpened
from callcenter.location.facts import FenceCrossed, FenceReturned
from callcenter.location.fences import Fence, Side
from callcenter.location.geo import moved
from callcenter.location.service import MOST_PENDING
from callcenter.people.directory import Contact, Device, Directory, Elder
from tests.support.memory import START
from tests.support.world import World

HOME = (31.2987, 120.5560)
WATCH, PHONE, DAUGHTER = "MT-0004", "13800001004", "13800001104"
FENCE = Fence("fence-1", "小区", centre=HOME, radius_m=300, margin_m=30, fixes=2, seconds=120, tell=("family",))
ZHANG = Elder(
    id="elder-zhang",
    code="4",
    name="张玉珍",
    phones=(PHONE,),
    devices=(Device("d-watch", "mobile_terminal", "13800003004", WATCH), Device("d-pendant", "pendant", None, "PD-4")),
    contacts=(Contact("family", "女儿", DAUGHTER),),
    latitude=HOME[0],
    longitude=HOME[1],
    fences=(FENCE,),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, elders=(ZHANG,))
    world.register("op1")
    yield world
    world.close()


def go(world: World, *north: float, accuracy: float | None = 10.0, device: str = WATCH, pause: float = 30.0) -> None:
    """Fixes so many metres north of home, with a pause after each."""
    for metres in north:
        place = Place(*moved(HOME, metres, 0), accuracy, world.clock.now())
        world.run(lambda place=place: world.controller.alarms.position(device, place))  # type: ignore[misc]
        world.wait(pause, step=5)


def test_a5_whoever_leaves_the_fence_is_alarmed_for_once_and_the_family_is_told(world: World) -> None:
    go(world, 0, 100, 320, 600)
    assert not world.bodies(EmergencyOpened)
    go(world, 800, 1000, 1200, 1400)
    (opened,) = world.bodies(EmergencyOpened)
    assert (opened.kind, opened.elder_id, opened.device_id, opened.caller) == (
        "fence",
        ZHANG.id,
        "d-watch",
        "13800003004",
    )
    (crossed,) = world.bodies(FenceCrossed)
    assert (crossed.side, crossed.accuracy_m) == ("outside", 10)
    assert crossed.metres == pytest.approx(500, abs=2)
    assert world.dialled(DAUGHTER)


def test_a5_she_comes_back_and_leaves_again_then_the_open_incident_is_raised(world: World) -> None:
    go(world, 0, 0, 600, 600, 0, 0)
    assert [body.side for body in world.bodies(FenceReturned)] == ["inside"]
    facts = [fact for fact in world.journal.facts() if isinstance(fact.body, FenceReturned)]
    assert facts[0].incident_id == world.incident().id
    go(world, 600, 600)
    assert len(world.bodies(FenceCrossed)) == 2
    assert len(world.bodies(EmergencyOpened)) == 1
    assert world.incident().priority >= 1


def test_a5_a_terminal_that_falls_silent_on_its_way_out_is_believed_after_a_while(world: World) -> None:
    go(world, 0, 0, 700)
    assert not world.bodies(FenceCrossed)
    world.wait(100, step=5)
    assert len(world.bodies(FenceCrossed)) == 1
    world.wait(600, step=5)
    assert len(world.bodies(FenceCrossed)) == 1


def test_given_a_crossing_when_we_restart_then_it_is_not_alarmed_again(world: World) -> None:
    go(world, 0, 0, 600, 600)
    world.crash()
    world.start()
    go(world, 700, 800, 900)
    assert len(world.bodies(FenceCrossed)) == 1
    assert world.controller.location.side("fence-1", "d-watch") is Side.OUTSIDE
    # And a new segment of the journal knows it too.
    assert [fact for fact in world.journal.carry() if isinstance(fact.body, FenceCrossed)]


def test_given_old_fixes_when_they_come_late_then_they_are_history_and_alarm_nobody(world: World) -> None:
    hour = timedelta(hours=1)
    for minutes in range(4):
        place = Place(*moved(HOME, 900, 0), 10.0, START - hour + timedelta(minutes=minutes))
        assert world.controller.alarms.position(WATCH, place) == ""
    assert not world.bodies(FenceCrossed)
    latest = world.controller.location.latest(ZHANG.id)
    assert latest is not None
    assert latest.at == START - hour + timedelta(minutes=3)
    go(world, 0)
    world.controller.alarms.position(WATCH, Place(*moved(HOME, 900, 0), 10.0, START - hour))
    newest = world.controller.location.latest(ZHANG.id)
    assert newest is not None
    assert newest.at == START
    assert len(world.controller.location.take_news()) == 6


def test_given_two_terminals_when_asked_then_the_newest_fix_of_either(world: World) -> None:
    go(world, 100)
    go(world, 200, device="PD-4")
    fix = world.controller.location.latest(ZHANG.id)
    assert fix is not None
    assert fix.device_id == "d-pendant"
    seen = world.controller.location.last_seen(ZHANG.id)
    assert seen is not None
    assert (seen.latitude, seen.accuracy_m, seen.at) == (fix.latitude, 10.0, fix.at)


def test_i1_a_terminal_that_was_another_elders_tells_nothing_of_this_one(world: World) -> None:
    go(world, 100)
    heir = Elder(id="elder-heir", code="5", name="周福根", devices=ZHANG.devices)
    world.directory = Directory([heir])
    assert world.controller.location.latest("elder-heir") is None
    assert world.controller.location.latest(ZHANG.id) is None


def test_given_a_fence_that_was_taken_down_when_time_passes_then_nothing_alarms(world: World) -> None:
    go(world, 0, 0, 700)
    world.directory = Directory([Elder(id=ZHANG.id, code="4", name=ZHANG.name, devices=ZHANG.devices)])
    world.wait(300, step=5)
    assert not world.bodies(FenceCrossed)


def test_given_no_database_for_long_when_fixes_wait_then_the_oldest_are_forgotten_first(world: World) -> None:
    location, elder = world.controller.location, world.directory.elders[ZHANG.id]
    go(world, 0)
    first = location.take_news()
    location.give_back(first * (MOST_PENDING + 10))
    go(world, 5)
    news = location.take_news()
    assert len(news) == MOST_PENDING
    assert news[-1].fix.latitude > first[0].fix.latitude
    assert elder.fences == (FENCE,)


def test_a4_a_map_link_has_both_degrees(world: World) -> None:
    assert world.controller.location.map_link(*HOME) == (
        "https://uri.amap.com/marker?position=120.556000,31.298700&coordinate=wgs84"
    )
