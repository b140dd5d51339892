"""Case files of a controller that dies, a link that breaks and a clock that is set (R1, R3, R23)."""

import asyncio

from callcenter.calls import facts as cf
from callcenter.telephony.events import PbxConnected
from tests.support.world import (
    LI,
    WANG,
    WANG_PENDANT,
    World,
)


def test_r1_a_restart_in_the_middle_takes_up_the_talk_and_the_ladder(world: World) -> None:
    world.register("op1", "op2")
    world.press(WANG)
    world.answer(world.ringing("op1"))
    world.press(LI)
    assert world.rings("op2")
    rung = world.dialled("op2")
    world.crash()
    world.wait(4)
    world.start()
    assert world.dialled("op2") == rung
    wang, li = world.controller.emergencies.known()
    assert wang.human_answer_ms == 0
    world.answer(world.ringing("op2"))
    assert world.controller.emergencies.get(li.id).human_answer_ms == 4000


def test_r1_who_hung_up_while_the_controller_was_away_is_called_back(world: World) -> None:
    elder = world.press(WANG)
    world.crash()
    world.hang_up(elder)
    world.start()
    world.wait(3)
    assert world.rings(WANG)


def test_r1_a_call_admitted_in_the_last_moment_of_a_crash_is_adopted_in_the_room_where_she_is(world: World) -> None:
    """The second press joined the first one's room; the crash took its facts, not the room."""
    world.register("op1")
    world.press(WANG)
    world.wait(1)
    world.journal.flush()
    known = len(world.journal.lines)
    second = world.press(WANG_PENDANT)
    world.journal.flushed = known
    world.crash(lost=1000)
    world.start()
    assert len(world.controller.emergencies.known()) == 1
    assert world.call_of(second).via == "adopted"
    assert world.call_of(second).incident_id == world.incident().id
    assert second.room == world.incident().room


def test_r1_a_lone_call_that_no_journal_knows_is_adopted_and_rings(world: World) -> None:
    world.register("op1")
    known = len(world.journal.lines)
    elder = world.press(WANG)
    world.journal.flushed = known
    world.crash(lost=1000)
    world.start()
    assert world.call_of(elder).via == "adopted"
    assert world.ringing("op1").variables["CC_ROOM"] == elder.room


def test_r1_a_seat_dialled_in_the_last_moment_of_a_crash_is_taken_over(world: World) -> None:
    """It rings, or is in the room already; to ring the others would only tell them that it is taken."""
    world.register("op1", "op2")
    world.press(WANG)
    world.wait(1)
    kept = [f for f in world.journal.facts() if not isinstance(f.body, cf.LegAdded)]
    seat = world.ringing("op1")
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*kept)
    world.answer(seat)
    world.start()
    assert world.controller.calls.leg_of_channel(seat.id) is not None
    assert world.incident().answered_by == "op1"
    assert not world.rings("op2")


def test_r1_a_seat_dialled_on_a_call_that_the_crash_forgot_is_taken_over_by_the_incident_of_its_room(
    world: World,
) -> None:
    elder = world.press("anonymous")
    world.hang_up(elder)
    world.register("op1")
    assert world.ringing("op1").variables["CC_CALL"] != elder.variables["CC_CALL"]
    kept = [f for f in world.journal.facts() if f.call_id in (None, elder.variables["CC_CALL"])]
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*kept)
    seat = world.ringing("op1")
    world.answer(seat)
    world.start()
    found = world.controller.calls.leg_of_channel(seat.id)
    assert found is not None
    assert found[0].incident_id == world.incident().id
    assert world.dialled("op1") == 1


def test_r1_a_seat_that_rings_for_nothing_any_more_is_stopped(world: World) -> None:
    world.register("op1")
    world.hotline(WANG)
    world.pbx.held.add("hangup")
    world.hang_up(next(c for c in world.board.channels.values() if c.elder))
    assert world.rings("op1")
    kept = [f for f in world.journal.facts() if not (isinstance(f.body, cf.LegAdded))]
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*kept)
    world.start()
    assert not world.rings("op1")


def test_r1_a_choice_of_9_that_the_crash_forgot_is_still_an_emergency_in_the_room_where_she_is(world: World) -> None:
    """Her room is the open incident's; no seat may be rung for a hotline room where nobody is."""
    world.press(WANG)
    caller = world.hotline(WANG, "9")
    kept = [f for f in world.journal.facts() if f.kind not in ("call.line_changed", "emergency.pressed")]
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*kept)
    world.start()
    call = world.call_of(caller)
    assert (call.line, call.room, call.incident_id) == ("emergency", caller.room, world.incident().id)
    assert world.controller.hotline.queue() == []


def test_r1_a_crash_between_the_incident_and_its_call_loses_no_press(world: World) -> None:
    world.register("op1")
    world.press(WANG)
    kept = [f for f in world.journal.facts() if f.kind in ("seat.phone", "emergency.opened")]
    world.crash()
    for channel in list(world.board.channels.values()):
        world.hang_up(channel)
    world.journal.lines.clear()
    world.journal.append(*kept)
    world.start()
    assert world.rings("op1")
    world.wait(3)
    assert world.rings(WANG)


def test_r1_a_call_that_comes_while_the_first_snapshot_is_listed_is_not_written_off(world: World) -> None:
    """She is younger than the list; her absence from it means nothing."""
    world.crash()
    world.linked = True
    world.run(lambda: None)
    before = world.board.snapshot()
    world.start()
    world.lose_link()
    world.linked, world.pbx.down = True, False
    elder = world.press(WANG)
    world.run(lambda: world.controller.hear(PbxConnected(before)))
    assert world.call_of(elder).elder_legs[0].live
    world.hang_up(elder)
    assert not world.call_of(elder).elder_legs[0].live


def test_r23_events_heard_while_the_comparison_is_asked_are_newer_than_its_answer(world: World) -> None:
    """The seat joins after the listing: the old list must not put it out of the room again."""
    world.register("op1", "op2")
    world.press(WANG)
    ring = world.ringing("op1")
    world.wait(1)
    world.pbx.held.add("snapshot")

    async def compare_while_answering() -> None:
        task = asyncio.create_task(world.controller.compare())
        await asyncio.sleep(0)
        world.clock.pass_time(0.02)
        world.board.pick_up(ring)
        world.board.phone("op3", True)
        await world._settle()
        world.pbx.release()
        await task
        await world._settle()

    world.runner.run(compare_while_answering())
    leg = world.controller.calls.get(world.incident().calls[0]).legs[ring.id]
    assert leg.in_room
    assert world.bodies(cf.LegLeft) == []
    assert world.controller.routing.seat("op3").registered


def test_r23_a_clock_set_back_makes_no_duration_negative(world: World) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.clock.set_wall(-3600)
    world.answer(world.ringing("op1"))
    assert world.incident().human_answer_ms == 0
    world.close_incident()
    assert [body.seconds for body in world.bodies(cf.CallEnded)] == [0.0]
    assert elder.id not in world.board.channels


def test_r3_while_asterisk_is_out_of_reach_nobody_is_dialled_and_afterwards_everybody(world: World) -> None:
    world.register("op1")
    world.lose_link()
    elder = world.press(WANG)
    world.wait(2)
    assert not world.board.dialled
    world.regain_link()
    assert elder.room is not None
    assert world.rings("op1")


def test_r3_what_was_hung_up_in_an_outage_is_noticed_at_once(world: World) -> None:
    world.register("op1", "op2")
    world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    world.wait(1)
    world.lose_link()
    world.hang_up(seat)
    world.wait(1)
    world.regain_link()
    assert world.rings("op2")


def test_an_elder_who_hung_up_in_an_outage_seconds_after_calling_is_noticed_soon(world: World) -> None:
    elder = world.press(WANG)
    world.wait(1)
    world.lose_link()
    world.hang_up(elder)
    world.regain_link()
    world.wait(3)
    assert world.rings(WANG)
