"""Supervisors on a call: listen, whisper, join, take over; each a fact, each over with the call (B7)."""

import pytest

from callcenter.calls import facts as cf
from callcenter.errors import Conflict, NotFound
from callcenter.recordings.facts import RecordingStarted, RecordingStopped
from callcenter.reports.seat_time import SeatTimes
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, World


def seat(world: World, user: str) -> Channel:
    return [channel for channel in world.board.channels.values() if channel.target == user][-1]


def there(world: World, user: str) -> bool:
    return any(channel.target == user for channel in world.board.channels.values())


def talking(world: World, caller: str = STRANGER) -> Channel:
    world.register("op1")
    line = world.hotline(caller)
    world.answer(world.ringing("op1"))
    world.register("sup1")
    return line


def start(world: World, line: Channel, mode: str) -> Channel:
    """The supervisor's phone is picked up."""
    world.run(lambda: world.controller.monitoring.start(world.call_of(line), "sup1", mode))
    world.answer(world.ringing("sup1"))
    return seat(world, "sup1")


def change(world: World, line: Channel, mode: str) -> None:
    world.run(lambda: world.controller.monitoring.change(world.call_of(line), "sup1", mode))


def modes(world: World, line: Channel) -> dict[str, str]:
    return {monitor.user: monitor.mode for monitor in world.call_of(line).monitors.values()}


@pytest.mark.parametrize("mode", ["listen", "whisper"])
def test_listening_is_on_the_operators_line_and_not_in_the_room(world: World, mode: str) -> None:
    line = talking(world)
    spy = start(world, line, mode)
    assert spy.context == "cc-monitor"
    assert spy.room is None
    assert spy.variables["CC_SPY"] == seat(world, "op1").id
    assert spy.variables["CC_MODE"] == mode
    assert modes(world, line) == {"sup1": mode}
    assert [(body.user, body.mode) for body in world.bodies(cf.CallMonitored)] == [("sup1", mode)]
    assert world.call_of(line).staffed
    assert not world.bodies(cf.MonitorEnded)


def test_it_ends_with_the_call_and_that_is_a_fact(world: World) -> None:
    line = talking(world)
    start(world, line, "listen")
    world.hang_up(line)
    assert not there(world, "sup1")
    assert not world.call_of(line).open
    assert [body.user for body in world.bodies(cf.MonitorEnded)] == ["sup1"]


def test_the_supervisor_hangs_up_and_the_call_goes_on(world: World) -> None:
    line = talking(world)
    world.hang_up(start(world, line, "listen"))
    assert world.call_of(line).open
    assert modes(world, line) == {}
    start(world, line, "whisper")
    world.run(lambda: world.controller.monitoring.end(world.call_of(line), "sup1"))
    assert modes(world, line) == {}
    with pytest.raises(NotFound):
        world.controller.monitoring.end(world.call_of(line), "sup1")


def test_from_listening_to_whispering_the_line_stays(world: World) -> None:
    line = talking(world)
    spy = start(world, line, "listen")
    change(world, line, "whisper")
    assert world.pbx.of("redirect")[-1] == (spy.id, "cc-monitor", "s")
    assert spy.variables["CC_MODE"] == "whisper"
    assert modes(world, line) == {"sup1": "whisper"}
    assert world.dialled("sup1") == 1


def test_from_listening_to_joining_and_back(world: World) -> None:
    line = talking(world)
    spy = start(world, line, "listen")
    change(world, line, "join")
    assert spy.room == line.room
    assert modes(world, line) == {"sup1": "join"}
    assert world.controller.routing.state_of(world.controller.routing.seat("sup1")) == "talking"
    change(world, line, "listen")
    assert spy.room is None
    assert spy.context == "cc-monitor"
    assert modes(world, line) == {"sup1": "listen"}
    assert there(world, "op1")
    assert world.call_of(line).open
    assert world.dialled("sup1") == 1
    assert not world.bodies(cf.MonitorEnded)


@pytest.mark.parametrize("first", ["", "whisper", "join"])
def test_taking_over_releases_the_operator_and_the_call_stays(world: World, first: str) -> None:
    line = talking(world)
    if first:
        start(world, line, first)
        change(world, line, "take_over")
    else:
        start(world, line, "take_over")
    assert not there(world, "op1")
    assert seat(world, "sup1").room == line.room
    call = world.call_of(line)
    assert call.open
    assert next(leg.reason for leg in call.legs.values() if leg.number == "op1") == "taken_over"
    world.wait(2)
    world.hang_up(seat(world, "sup1"))
    assert not world.call_of(line).open


def test_an_emergency_can_be_listened_to_and_joined(world: World) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.register("sup1")
    spy = start(world, elder, "listen")
    assert spy.room is None
    change(world, elder, "join")
    assert spy.room == elder.room
    assert there(world, "op1")
    world.hang_up(seat(world, "op1"))
    world.wait(2)
    assert not world.rings("op1"), "the supervisor is with her"


def test_listening_alone_is_no_human_for_an_elder(world: World) -> None:
    """A1: a supervisor who only listens is not with her; when the operator drops, the ladder rings."""
    world.register("op1", "op2")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.register("sup1")
    start(world, elder, "listen")
    world.hang_up(seat(world, "op1"))
    world.wait(2)
    assert world.rings("op2")


def test_several_supervisors_at_once(world: World) -> None:
    line = talking(world)
    start(world, line, "listen")
    world.register("op2")
    world.run(lambda: world.controller.monitoring.start(world.call_of(line), "op2", "whisper"))
    world.answer(world.ringing("op2"))
    assert modes(world, line) == {"sup1": "listen", "op2": "whisper"}
    with pytest.raises(Conflict):
        world.controller.monitoring.start(world.call_of(line), "sup1", "whisper")


def test_nobody_to_listen_to(world: World) -> None:
    world.register("sup1")
    line = world.hotline(LI)
    with pytest.raises(Conflict):
        world.controller.monitoring.start(world.call_of(line), "sup1", "listen")


@pytest.mark.parametrize("mode", ["listen", "join"])
def test_a_restart_knows_who_listens(world: World, mode: str) -> None:
    line = talking(world)
    spy = start(world, line, mode)
    world.crash()
    world.start()
    assert modes(world, line) == {"sup1": mode}
    change(world, line, "whisper")
    assert spy.context == "cc-monitor"
    world.crash()
    world.board.hang_up(spy)
    world.start()
    assert modes(world, line) == {}
    assert world.call_of(line).staffed


@pytest.mark.parametrize("mode", ["listen", "whisper"])
def test_an_emergency_takes_the_operator_and_who_listened_does_not_go_along(world: World, mode: str) -> None:
    """The spy is on the operator's line: without this it would hear another call, of another elder, on no record."""
    line = talking(world)
    spy = start(world, line, mode)
    elder = world.press(WANG)
    world.wait(8)
    assert seat(world, "op1").room == elder.room, "moved (A9)"
    assert spy.id not in world.board.channels
    assert modes(world, line) == {}
    assert [body.user for body in world.bodies(cf.MonitorEnded)] == ["sup1"]


def test_who_listens_to_one_call_does_not_listen_to_another(world: World) -> None:
    """A seat has one phone: the second ring would be refused as busy, and be on the record as listening."""
    line = talking(world)
    start(world, line, "listen")
    world.register("op2")
    second = world.hotline(LI)
    world.answer(world.ringing("op2"))
    with pytest.raises(Conflict):
        world.controller.monitoring.start(world.call_of(second), "sup1", "whisper")
    assert modes(world, second) == {}
    world.run(lambda: world.controller.monitoring.end(world.call_of(line), "sup1"))
    start(world, second, "listen")
    assert modes(world, second) == {"sup1": "listen"}


# --- the supervisor's own seat -----------------------------------------------------------------------------------


def state(world: World, user: str = "sup1") -> str:
    return str(world.controller.routing.state_of(world.controller.routing.seat(user)))


@pytest.mark.parametrize("mode", ["listen", "whisper"])
@pytest.mark.parametrize("declared", ["ready", "paused"])
def test_who_listens_is_seen_to_and_is_what_he_was_when_he_leaves(world: World, mode: str, declared: str) -> None:
    """B7: a phone in use is not ready for anything but an emergency."""
    line = talking(world)
    if declared == "paused":
        world.pause("sup1")
    assert state(world) == declared
    world.run(lambda: world.controller.monitoring.start(world.call_of(line), "sup1", mode))
    spy = world.ringing("sup1")
    world.answer(spy)
    assert state(world) == "monitoring"
    assert world.controller.routing.seat("sup1").monitoring_on == world.call_of(line).id
    with pytest.raises(Conflict):
        world.controller.control.call_out(LI, "sup1")
    world.crash()
    world.start()
    assert state(world) == "monitoring", "after a restart as well"
    world.hang_up(spy)
    assert state(world) == declared


def test_an_emergency_that_takes_busy_seats_has_the_listening_supervisor(world: World) -> None:
    """A9: his monitoring ends, his one phone rings for her; a phone that listens would answer 486."""
    world.register("op1")
    first = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.register("sup1")
    spy = start(world, first, "whisper")
    second = world.press(LI)
    world.wait(2)
    assert spy.id in world.board.channels, "free phones first"
    world.wait(2)
    assert spy.id not in world.board.channels
    assert [body.reason for body in world.bodies(cf.LegEnded) if body.leg_id == spy.id] == ["preempted"]
    assert modes(world, first) == {}
    ring = world.ringing("sup1")
    assert ring.variables["CC_ROOM"] == second.room
    world.answer(ring)
    assert state(world) == "talking"
    world.hang_up(ring)
    assert state(world) == "ready"


def test_an_operator_who_listens_is_not_offered_a_hotline_call(world: World) -> None:
    line = talking(world)
    world.register("op2")
    world.run(lambda: world.controller.monitoring.start(world.call_of(line), "op2", "listen"))
    spy = world.ringing("op2")
    world.answer(spy)
    other = world.hotline(LI)
    world.wait(20)
    assert world.dialled("op2") == 1
    world.hang_up(spy)
    world.wait(1)
    world.answer(world.ringing("op2"))
    assert world.call_of(other).staffed


def test_the_time_that_a_supervisor_listens_counts_as_that(world: World) -> None:
    """B7: live and in the record by one fold."""
    line = talking(world)
    spy = start(world, line, "listen")
    world.wait(30)
    world.hang_up(spy)
    times, spans = SeatTimes(), []
    for fact in world.journal.facts():
        spans += times.take(fact, 0.0)
    mine = [(span.state, round((span.until - span.since).total_seconds())) for span in spans if span.user == "sup1"]
    assert ("monitoring", 30) in mine
    assert times.clocks["sup1"].at(world.clock.now())[0] == "ready"


# --- with the call, whoever has it -------------------------------------------------------------------------------


def listens_to(world: World, spy: Channel) -> str:
    """Whose line a supervisor is on; empty when his own has ended."""
    if spy.id not in world.board.channels or spy.context != "cc-monitor":
        return ""
    channel = world.board.channels.get(spy.variables["CC_SPY"])
    return channel.target if channel is not None else "nobody"


@pytest.mark.parametrize("mode", ["listen", "whisper"])
@pytest.mark.parametrize("way", ["blind", "attended", "park", "dead"])
def test_the_supervisor_stays_with_the_call_whoever_has_it_next(world: World, mode: str, way: str) -> None:
    """B7: on the caller's line, never heard on it, until there is an operator again; then as before."""
    line = talking(world)
    spy = start(world, line, mode)
    world.register("op2")
    first, control = seat(world, "op1"), world.controller.control
    if way == "park":
        world.run(lambda: control.park(world.call_of(line), "op1"))
    elif way == "dead":
        world.pause("op2")
        world.run(lambda: world.board.refuse(first, HangupReason.UNREACHABLE))
    else:
        world.run(lambda: control.transfer(world.call_of(line), "seat:op2", way, "op1"))
        if way == "attended":
            world.answer(world.ringing("op2"))
            assert listens_to(world, spy) == "op1"
            world.hang_up(first)
            assert listens_to(world, spy) == "op2", "at once, with nothing in between"
    world.wait(2)
    if way != "attended":
        assert listens_to(world, spy) == "trunk"
        assert spy.variables["CC_MODE"] == "listen", "nobody speaks into a caller's line unseen"
        assert modes(world, line) == {"sup1": mode}
    if way == "park":
        world.run(lambda: control.retrieve(world.call_of(line), "op2"))
    elif way == "dead":
        world.ready("op2")
        world.wait(1)
    if way != "attended":
        world.answer(world.ringing("op2"))
    assert listens_to(world, spy) == "op2"
    assert spy.variables["CC_MODE"] == mode
    assert modes(world, line) == {"sup1": mode}
    assert not world.bodies(cf.MonitorEnded)
    world.hang_up(line)
    assert not there(world, "sup1")
    assert len(world.bodies(cf.MonitorEnded)) == 1


def test_who_listens_to_an_emergency_hears_her_when_her_operator_is_gone(world: World) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.register("sup1")
    spy = start(world, elder, "whisper")
    world.hang_up(seat(world, "op1"))
    assert listens_to(world, spy) == "trunk"
    assert spy.variables["CC_MODE"] == "listen"
    world.wait(2)
    world.answer(world.ringing("op1"))
    assert listens_to(world, spy) == "op1"
    assert spy.variables["CC_MODE"] == "whisper"


def test_a_restart_in_a_transfer_brings_the_listening_supervisor_on(world: World) -> None:
    line = talking(world)
    spy = start(world, line, "listen")
    world.register("op2")
    world.run(lambda: world.controller.control.transfer(world.call_of(line), "seat:op2", "blind", "op1"))
    ring = world.ringing("op2")
    world.crash()
    world.board.pick_up(ring)
    world.start()
    world.wait(1)
    assert listens_to(world, spy) == "op2"
    assert world.call_of(line).staffed


def test_without_a_controller_who_listened_is_hung_up_and_hears_nobody_elses_call(world: World) -> None:
    line = talking(world)
    spy = start(world, line, "listen")
    world.crash()
    world.board.hang_up(seat(world, "op1"))
    world.board.hang_up(line)
    world.wait(12)
    assert spy.id not in world.board.channels
    world.start()
    assert [body.user for body in world.bodies(cf.MonitorEnded)] == ["sup1"]
    assert state(world) == "ready"


# --- the record of a whisper -------------------------------------------------------------------------------------


def whispers(world: World) -> list[str]:
    """Recordings of what was whispered: the path of each."""
    return [body.path for body in world.bodies(RecordingStarted) if body.kind == "whisper"]


def stopped(world: World) -> list[float]:
    """How long those are that have ended."""
    ids = {body.recording_id for body in world.bodies(RecordingStarted) if body.kind == "whisper"}
    return [round(body.expected_seconds or 0) for body in world.bodies(RecordingStopped) if body.recording_id in ids]


def test_what_is_whispered_is_a_recording_of_its_own_in_no_mix(world: World) -> None:
    """B6, B7: from when he is heard to when he is not; each time a file of its own, none is written over."""
    line = talking(world)
    spy = start(world, line, "listen")
    world.wait(5)
    assert not whispers(world)
    change(world, line, "whisper")
    (path,) = whispers(world)
    assert path == f"{world.call_of(line).recording}-whisper-{spy.variables['CC_PART']}.wav"
    world.wait(7)
    change(world, line, "listen")
    assert stopped(world) == [7]
    world.wait(5)
    change(world, line, "whisper")
    world.wait(3)
    change(world, line, "join")
    assert stopped(world) == [7, 3]
    assert len(set(whispers(world))) == 2
    change(world, line, "whisper")
    world.wait(4)
    world.hang_up(line)
    assert stopped(world) == [7, 3, 4]
    mixes = [body.path for body in world.bodies(RecordingStarted) if body.kind == "mix"]
    assert mixes == [f"{world.call_of(line).recording}.wav"]


def test_a_whisper_is_recorded_from_when_his_phone_is_picked_up(world: World) -> None:
    line = talking(world)
    world.run(lambda: world.controller.monitoring.start(world.call_of(line), "sup1", "whisper"))
    world.wait(4)
    assert not whispers(world)
    world.answer(world.ringing("sup1"))
    world.wait(6)
    world.hang_up(seat(world, "sup1"))
    assert stopped(world) == [6]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_crash_in_a_whisper_loses_nothing_of_its_record(world: World, lost: int) -> None:
    """A10, B6: also when the fact of it was not yet on the disk."""
    line = talking(world)
    spy = start(world, line, "listen")
    change(world, line, "whisper")
    world.crash(lost)
    world.wait(5)
    world.board.hang_up(spy)
    world.start()
    told = {body.recording_id for body in world.bodies(RecordingStarted) if body.kind == "whisper"}
    ended = {body.recording_id for body in world.bodies(RecordingStopped)}
    on_record = {body.part for body in world.bodies(cf.CallMonitored) if body.part}
    assert told == on_record
    assert told <= ended
