"""A hotline call that turns out to be an emergency: the operator says so, and nobody who speaks is parted (A2, B1)."""

import pytest

from callcenter.calls import facts as cf
from callcenter.emergency.kinds import Kind
from callcenter.emergency.model import Incident, Who
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.people.directory import Directory
from callcenter.telephony.events import HangupReason
from tests.domain.test_control import hold, park, seat, talking
from tests.support.fake_pbx import Channel
from tests.support.world import DAUGHTER, STRANGER, WANG, World


def raised(world: World, line: Channel, actor: str = "op1") -> Incident:
    """Somebody at the desk says that the call of this line is an emergency."""
    directory: Directory = world.directory
    call = world.call_of(line)
    elder = directory.elder(call.elder_id) if call.elder_id else None
    who = directory.who(elder, call.caller, world.clock.now().date())
    return world.run_result(
        lambda: world.controller.ways.raise_by_hand(
            call, who, directory.plan_for(elder), kind=Kind.ILLNESS, actor=actor
        )
    )


@pytest.mark.parametrize("caller", [WANG, STRANGER])
def test_in_a_talk_both_stay_together_nobody_else_is_rung_and_help_joins_them(world: World, caller: str) -> None:
    line = talking(world, "op2", caller=caller)
    incident = raised(world, line)
    world.wait(6)
    assert (incident.origin, incident.kind) == ("desk", Kind.ILLNESS)
    assert line.room == seat(world, "op1").room == incident.room
    assert world.call_of(line).incident_id == incident.id
    assert not world.all_ringing(), "her operator is with her"
    assert world.incident().human_answer_ms is not None
    assert not world.incident().late, "no breach"
    world.run(lambda: world.controller.emergencies.request_help(incident.id, "120", None, actor="op1"))
    world.wait(0.5)
    assert [channel for channel in world.board.channels.values() if channel.target.startswith("120")]


def test_when_her_operator_leaves_the_ladder_goes_on_and_the_call_does_not_end(world: World) -> None:
    line = talking(world, "op2")
    raised(world, line)
    world.run(lambda: world.board.end(seat(world, "op1").id, HangupReason.NORMAL))
    world.wait(0.5)
    assert line.id in world.board.channels
    assert world.rings("op2")


def test_on_hold_she_is_back_with_her_operator(world: World) -> None:
    line = talking(world, "op2")
    hold(world, line)
    incident = raised(world, line)
    world.wait(0.5)
    assert line.room == seat(world, "op1").room == incident.room
    assert not world.call_of(line).held


def test_waiting_or_parked_she_is_rung_for_at_once(world: World) -> None:
    parked = talking(world, "op2")
    park(world, parked)
    world.wait(1)
    raised(world, parked, "sup1")
    world.wait(0.5)
    assert world.rings("op2")
    assert parked.room == world.incident().room


def test_who_has_an_open_emergency_goes_there_with_whom_she_talks_to(world: World) -> None:
    """A8, R19: her smoke alarm comes while she talks with the desk: one emergency, one room."""
    line = talking(world, caller=WANG)
    who = Who(caller=WANG, elder_id="elder-wang", elder_name="王秀英")
    world.run(
        lambda: world.controller.emergencies.alarm(who, Kind.SMOKE, DEFAULT_PLAN, actor="source:t", voice_seconds=60)
    )
    before = world.incident()
    assert line.room != before.room
    incident = raised(world, line)
    world.wait(0.5)
    assert incident.id == before.id
    assert line.room == seat(world, "op1").room == before.room
    assert world.controller.emergencies.open_count == 1


def test_after_a_crash_it_is_the_same(world: World) -> None:
    """A10."""
    line = talking(world, "op2")
    incident = raised(world, line)
    world.wait(0.5)
    world.crash()
    world.start()
    world.wait(2)
    assert world.controller.emergencies.get(incident.id).open
    assert line.room == seat(world, "op1").room == incident.room
    assert world.call_of(line).incident_id == incident.id


def test_her_own_running_call_is_found(world: World) -> None:
    """Raised from her file: who is on the line already is not called."""
    line = talking(world, caller=WANG)
    call = world.call_of(line)
    who = world.directory.who(world.directory.elder(call.elder_id or ""), WANG, world.clock.now().date())
    found = world.controller.arrivals.line_of(who)
    assert found is not None
    assert found.id == call.id
    other = world.directory.who(None, "13900009999", world.clock.now().date())
    assert world.controller.arrivals.line_of(other) is None


def test_who_is_with_the_duty_desk_is_left_there(world: World) -> None:
    """A10: the fallback has her, and rings or talks; her line is not ours to move."""
    line = world.hotline(WANG)
    who = world.directory.who(world.directory.elder("elder-wang"), WANG, world.clock.now().date())
    world.run(lambda: world.controller.ledger.record(cf.FellBack(), actor="pbx", call_id=line.variables["CC_CALL"]))
    assert world.controller.arrivals.line_of(who) is None


def test_her_daughters_call_is_not_hers(world: World) -> None:
    world.hotline(DAUGHTER)
    who = world.directory.who(world.directory.elder("elder-wang"), WANG, world.clock.now().date())
    assert world.controller.arrivals.line_of(who) is None
