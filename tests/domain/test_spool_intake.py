"""Case files of calls that the fallback took while the controller was away: each on record once, none left there."""

import pytest

from callcenter.calls import facts as cf
from callcenter.calls.model import Call
from callcenter.errors import PbxRefused
from callcenter.fallback.intake import SpooledCall, read_spool
from callcenter.fallback.spool_call import spool
from tests.support.fake_pbx import Channel
from tests.support.world import WANG, World


@pytest.fixture
def fallen(world: World) -> tuple[World, Channel]:
    """Grandmother Wang pressed while the controller was dead; the duty desk rings for her, and it is back now."""
    world.register("op1")
    world.crash()
    elder = world.press(WANG)
    said = {"uniqueid": elder.id, "caller": WANG, "written": f"{world.clock.now().timestamp():.3f}"}
    told = {"event": "arrived", "line": "emergency", "did": "95120", "start": said["written"], "recording": "r"}
    spool(str(world.settings.spool_dir), said | told)
    world.start()
    world.controller.spool.resume()
    return world, elder


def step(world: World) -> None:
    """What the spool's loop does every half second."""
    world.runner.run(world.controller.spool.step())
    world.compare()


def waiting_files(world: World) -> int:
    return len(read_spool(world.settings.spool_dir, world.settings.node))


def test_r1_who_waits_in_the_fallback_is_fetched_into_her_room_and_seats_ring(fallen: tuple[World, Channel]) -> None:
    world, elder = fallen
    step(world)
    assert elder.room == world.incident().room
    assert world.rings("op1")
    assert waiting_files(world) == 0
    assert len(world.bodies(cf.TakenOver)) == 1


def test_r9_while_the_journal_cannot_be_written_the_spool_is_read_again_and_changes_nothing(
    fallen: tuple[World, Channel],
) -> None:
    """The ladder of a caller who is in her room by now must not be stopped by her own spool file."""
    world, elder = fallen
    world.journal.full = True
    step(world)
    ring = world.ringing("op1")
    for _ in range(3):
        step(world)
        assert waiting_files(world) == 1
    assert world.all_ringing("op1") == [ring]
    world.journal.full = False
    step(world)
    assert waiting_files(world) == 0
    assert elder.room == world.incident().room
    assert (len(world.bodies(cf.CallOpened)), len(world.bodies(cf.TakenOver))) == (1, 1)


def test_r3_a_link_that_breaks_while_she_is_fetched_does_not_leave_her_there(fallen: tuple[World, Channel]) -> None:
    world, elder = fallen
    world.pbx.refuses.add("redirect")
    with pytest.raises(PbxRefused):
        world.runner.run(world.controller.spool.step())
    assert elder.room is None
    world.pbx.refuses.clear()
    step(world)
    assert elder.room == world.incident().room
    assert world.rings("op1")


def test_r1_a_crash_between_taking_in_and_fetching_does_not_leave_her_there(fallen: tuple[World, Channel]) -> None:
    world, elder = fallen
    world.pbx.refuses.add("redirect")
    with pytest.raises(PbxRefused):
        world.runner.run(world.controller.spool.step())
    world.crash()
    world.start()
    world.controller.spool.resume()
    step(world)
    assert elder.room == world.incident().room
    assert world.rings("op1")


def test_r1_a_crash_after_fetching_and_before_that_was_told_finds_her_in_her_room(
    fallen: tuple[World, Channel],
) -> None:
    world, elder = fallen
    step(world)
    told = [isinstance(fact.body, cf.TakenOver) for fact in world.journal.facts()].index(True)
    del world.journal.lines[told:]
    world.crash()
    world.start()
    world.controller.spool.resume()
    step(world)
    assert world.call_of(elder).via == "controller"
    assert world.rings("op1")


def test_a10_one_spooled_call_that_cannot_be_taken_in_keeps_no_other_out(
    fallen: tuple[World, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, elder = fallen
    said = {"uniqueid": "1600000000.1", "caller": WANG, "written": "1600000000", "event": "arrived", "did": "95120"}
    spool(str(world.settings.spool_dir), said | {"line": "emergency", "start": "1600000000", "recording": "r"})
    take_in = world.controller.spool.take_in

    def failing(item: SpooledCall) -> Call:
        if item.uniqueid == "1600000000.1":
            raise ValueError("a defect of ours")
        return take_in(item)

    monkeypatch.setattr(world.controller.spool, "take_in", failing)
    step(world)
    assert elder.room == world.incident().room
    assert waiting_files(world) == 1


def test_r18_who_was_opened_late_fell_back_and_hung_up_before_her_file_came_is_one_call(world: World) -> None:
    """A starved controller opens her call after the dialplan has stopped waiting; the file knows nothing of it."""
    elder = world.press(WANG)
    said = {"uniqueid": elder.id, "caller": WANG, "written": f"{world.clock.now().timestamp():.3f}"}
    world.hang_up(elder)
    for event in ("arrived", "ended"):
        told = {"event": event, "line": "emergency", "did": "95120", "start": said["written"], "recording": "r"}
        spool(str(world.settings.spool_dir), said | told)
        step(world)
    assert [body.channel_id for body in world.bodies(cf.CallOpened) if body.via != "callback"] == [elder.id]
    assert waiting_files(world) == 0
