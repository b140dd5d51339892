"""The record of recordings: each leg's file begins and ends exactly once, whatever is repeated, lost or killed (B6)."""

from collections import Counter

import pytest

from callcenter.calls import facts as cf
from callcenter.recordings.facts import RecordingStarted, RecordingStopped
from tests.support.fake_pbx import Channel
from tests.support.world import DUTY, WANG, World


def talk(world: World) -> Channel:
    """Wang presses, op1 answers, 120 is added."""
    world.register("op1", "op2")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.request("120")
    world.answer(world.ringing("120"))
    return elder


def started(world: World) -> Counter[tuple[str, str]]:
    """Leg and kind of every recording that began."""
    return Counter((body.leg_id or "", body.kind) for body in world.bodies(RecordingStarted))


def test_the_elders_channel_has_the_mix_and_her_voice_every_other_leg_its_own(world: World) -> None:
    elder = talk(world)
    call = world.call_of(elder)
    legs = {leg.role: leg.id for leg in call.legs.values() if leg.joined_at}
    assert started(world) == {
        (legs["elder"], "mix"): 1,
        (legs["elder"], "leg"): 1,
        (legs["seat"], "leg"): 1,
        (legs["120"], "leg"): 1,
    }
    paths = {(body.leg_id, body.kind): body.path for body in world.bodies(RecordingStarted)}
    assert paths[legs["elder"], "mix"] == f"{call.recording}.wav"
    assert paths[legs["elder"], "leg"] == f"{call.recording}-{legs['elder']}.wav"
    assert paths[legs["seat"], "leg"] == f"{call.recording}-{legs['seat']}.wav"


def test_who_rang_and_never_came_in_has_no_recording(world: World) -> None:
    talk(world)
    op2 = next(body.leg_id for body in world.bodies(cf.LegAdded) if body.number == "op2")
    assert op2 not in {leg for leg, _ in started(world)}


def test_a_mobile_is_recorded_from_its_press_of_1_not_from_its_voicemail(world: World) -> None:
    world.press(WANG)
    world.wait(5.25)
    mobile = world.ringing(DUTY[0])
    world.answer(mobile)
    assert (mobile.id, "leg") not in started(world)
    world.run(lambda: world.board.press_one(mobile))
    assert started(world)[mobile.id, "leg"] == 1


def test_each_stops_once_when_its_leg_ends_with_its_length(world: World) -> None:
    talk(world)
    world.wait(30)
    world.close_incident()
    assert not world.board.channels
    begun = {body.recording_id for body in world.bodies(RecordingStarted)}
    stopped = [body.recording_id for body in world.bodies(RecordingStopped)]
    assert sorted(stopped) == sorted(begun)
    assert {body.expected_seconds for body in world.bodies(RecordingStopped)} == {30.0}


def test_an_elder_who_is_called_back_does_not_overwrite_her_first_recording(world: World) -> None:
    """B6: both lines are on one call; two mixes need two files."""
    world.register("op1")
    elder = world.press(WANG)
    world.hang_up(elder)
    world.wait(3)
    world.answer(world.ringing(WANG))
    paths = [body.path for body in world.bodies(RecordingStarted)]
    assert len(paths) == len(set(paths)) == 4
    assert len({fact.call_id for fact in world.journal.facts() if isinstance(fact.body, RecordingStarted)}) == 1


def test_a_hotline_call_is_recorded_from_the_menu_on(world: World) -> None:
    caller = world.hotline(WANG, "")
    assert started(world) == {(world.call_of(caller).elder_legs[0].id, kind): 1 for kind in ("mix", "leg")}


def test_r23_repeated_events_begin_and_end_nothing_twice(world: World) -> None:
    world.shuffle = lambda events: [event for event in events for _ in range(3)]
    talk(world)
    world.compare()
    world.close_incident()
    assert set(started(world).values()) == {1}
    stopped = Counter(body.recording_id for body in world.bodies(RecordingStopped))
    assert set(stopped.values()) == {1}
    assert len(stopped) == 4


@pytest.mark.parametrize("cut_at", [RecordingStarted, RecordingStopped])
def test_r28_what_a_crash_left_unsaid_is_said_after_the_restart(world: World, cut_at: type) -> None:
    """The leg's fact is on disk, its recordings' is not."""
    talk(world)
    if cut_at is RecordingStopped:
        world.close_incident()
    kept = [fact for fact in world.journal.facts() if not isinstance(fact.body, cut_at)]
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*kept)
    world.start()
    assert len(started(world)) == 4
    assert set(started(world).values()) == {1}
    assert len(world.bodies(RecordingStopped)) == (4 if cut_at is RecordingStopped else 0)


def test_r1_over_a_restart_each_still_begins_and_ends_once(world: World) -> None:
    talk(world)
    world.crash()
    world.start()
    world.wait(10)
    world.close_incident()
    assert set(started(world).values()) == {1}
    assert Counter(body.recording_id for body in world.bodies(RecordingStopped)) == Counter(
        body.recording_id for body in world.bodies(RecordingStarted)
    )


def test_r1_who_hung_up_while_the_controller_was_dead_has_no_length_that_her_file_could_miss(world: World) -> None:
    """Nobody heard the end: a whole file must not be shown as broken because we came back a minute later."""
    caller = talk(world)
    world.crash()
    world.wait(60)
    world.hang_up(caller)
    world.start()
    assert {body.expected_seconds for body in world.bodies(RecordingStopped)} == {None}


def test_the_fallbacks_own_file_of_the_elder_is_named_as_the_dialplan_named_it(world: World) -> None:
    """The fallback dialplan knows no leg ids."""
    arrivals = world.controller.arrivals
    opened: list[tuple[str, str, str, str]] = []
    world.run(
        lambda: opened.append(
            arrivals.open(
                line="emergency",
                did="",
                raw_caller=WANG,
                channel_id="1767225600.9",
                invited_at=world.clock.now(),
                via="fallback",
                call_id="call-f",
                recording="2026/03/01/fallback-1767225600.9",
            )
        )
    )
    leg_id = opened[0][2]
    world.run(
        lambda: world.controller.ledger.record(
            cf.LegAnswered(leg_id=leg_id, role="elder"), actor="fallback", call_id="call-f"
        )
    )
    assert {body.path for body in world.bodies(RecordingStarted)} == {
        "2026/03/01/fallback-1767225600.9.wav",
        "2026/03/01/fallback-1767225600.9-elder.wav",
    }
