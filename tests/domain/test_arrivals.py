"""A call arrives: who calls, on which line, into which room, told in one answer; nobody is turned away (A8, R20)."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from callcenter.agi import invite_time, recording_of
from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.emergency.plan import Plan, Step
from callcenter.errors import Conflict
from callcenter.people.directory import Contact, Elder
from callcenter.telephony.fastagi import AgiCall
from tests.support.memory import START
from tests.support.world import DAUGHTER, LI, WANG, WANG_PENDANT, FakeAgi, World

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (f"{NOW.timestamp() - 0.25:.6f}", NOW - timedelta(seconds=0.25)),
        (f"{NOW.timestamp():.6f}", NOW),
        (f"{NOW.timestamp() - 59:.6f}", NOW - timedelta(seconds=59)),
        (f"{NOW.timestamp() - 61:.6f}", NOW),
        (f"{NOW.timestamp() + 1:.6f}", NOW),
        ("", NOW),
        ("soon", NOW),
        ("nan", NOW),
        ("inf", NOW),
        ("1e300", NOW),
    ],
)
def test_the_invites_time_is_asterisks_if_it_can_be_else_now(epoch: str, expected: datetime) -> None:
    """A1 counts from the INVITE; R23: a clock that jumped must not count minutes."""
    assert invite_time(epoch, NOW) == expected


def test_a_recording_lies_under_the_day_in_shanghai() -> None:
    assert recording_of("call-1", datetime(2026, 3, 1, 15, 59, tzinfo=UTC)) == "2026/03/01/call-1"
    assert recording_of("call-1", datetime(2026, 3, 1, 16, 0, tzinfo=UTC)) == "2026/03/02/call-1"


async def test_who_arrives_has_been_answered_which_is_on_record_though_asterisk_said_so_too_early(world: World) -> None:
    """A1: Asterisk answers before it asks us, so that its own word comes before there is a call."""
    agi = FakeAgi(("emergency", "95120", "", ""), {"uniqueid": "1.1", "callerid": WANG})
    await world.controller.arrivals.arrive(cast(AgiCall, agi))
    (opened,), (answered,) = world.bodies(cf.CallOpened), world.bodies(cf.LegAnswered)
    assert answered.leg_id == opened.leg_id == agi.variables["CC_LEG"]


def test_the_dialplan_is_told_all_it_needs_and_the_admission_last(world: World) -> None:
    elder = world.press(WANG)
    call = world.call_of(elder)
    told = {name: value for name, value in elder.variables.items() if name != "CC_LINE"}
    assert list(told) == ["CC_CALL", "CC_LEG", "CC_ROOM", "CC_REC", "CC_ADMITTED"]
    assert told == {
        "CC_CALL": call.id,
        "CC_LEG": call.elder_legs[0].id,
        "CC_ROOM": call.room,
        "CC_REC": str(world.settings.recordings_dir / call.recording),
        "CC_ADMITTED": "1",
    }
    assert (call.line, call.did, call.invited_at, call.via) == ("emergency", "95120", START, "controller")


@pytest.mark.parametrize(
    ("raw", "canonical"), [(WANG, WANG), ("+86" + WANG, WANG), ("0086" + WANG, WANG), ("138-0000-0001", WANG)]
)
def test_the_elder_is_known_however_the_trunk_writes_her_number(world: World, raw: str, canonical: str) -> None:
    elder = world.press(raw)
    call = world.call_of(elder)
    assert (call.caller, call.elder_id, call.elder_name, call.ambiguous) == (canonical, "elder-wang", "王秀英", False)
    assert world.incident().elder_id == "elder-wang"


def test_her_pendant_is_named_and_her_daughters_phone_stands_for_her(world: World) -> None:
    assert world.call_of(world.press(WANG_PENDANT)).device_id == "device-1"
    assert world.call_of(world.hotline(DAUGHTER)).elder_id == "elder-wang"


def test_a_number_of_two_elders_is_marked_so_that_a_person_decides(world: World) -> None:
    shared = "051287654321"
    world.directory = type(world.directory)(
        [Elder(id=f"e{number}", code=str(number), name="张", phones=(shared,)) for number in range(2)]
    )
    call = world.call_of(world.press(shared))
    assert (call.elder_id, call.ambiguous, call.caller) == (None, True, shared)


def test_an_unknown_line_is_the_hotline_and_no_arguments_are_survived(world: World) -> None:
    channel = world._call_in("gossip", WANG)
    assert world.call_of(channel).line == "hotline"


def test_the_elders_own_plan_is_frozen_onto_the_incident(world: World) -> None:
    """A6."""
    plan = Plan(id="p1", name="独居预案", steps=(Step(0, ("duty",)),))
    elder = Elder(
        id="e1", code="1", name="张", phones=(LI,), plan_id="p1", contacts=(Contact("family", "x", DAUGHTER),)
    )
    world.directory = type(world.directory)([elder], [plan])
    world.press(LI)
    assert world.incident().plan == plan
    world.directory = type(world.directory)([elder], [])
    assert world.incident().plan == plan
    assert [body.plan for body in world.bodies(ef.EmergencyOpened)] == [plan]


def test_what_is_taken_in_twice_opens_one_call_and_counts_one_press(world: World) -> None:
    """A spooled call is read until the journal has it."""

    def take_in() -> None:
        world.controller.arrivals.open(
            line="emergency",
            did="95120",
            raw_caller=WANG,
            channel_id="1767225600.9",
            invited_at=START,
            via="fallback",
            call_id="call-spooled",
        )

    world.run(take_in)
    world.run(take_in)
    assert len(world.bodies(cf.CallOpened)) == 1
    assert len(world.bodies(ef.EmergencyOpened)) == 1
    assert world.bodies(ef.EmergencyPressed) == []


def test_a_call_of_ours_that_is_known_already_has_no_leg_of_hers_to_tell(world: World) -> None:
    world.register("op1")
    world.hang_up(world.press("anonymous"))
    world.wait(1)
    ours = world.controller.calls.open_calls()[0]
    known: list[tuple[str, str, str, str]] = []
    world.run(
        lambda: known.append(
            world.controller.arrivals.open(
                line="emergency", did="", raw_caller="", channel_id="", invited_at=START, call_id=ours.id
            )
        )
    )
    assert known[0][:2] == (ours.room, ours.id)


def test_r2_an_arrival_that_waited_while_the_fallback_took_the_call_opens_no_second_one(world: World) -> None:
    """We hung; when we go on, the spool may be read before the question that was asked of us meanwhile."""
    world.register("op1")
    channel = world.press(WANG)
    agi = FakeAgi(("emergency", "95120", ""), {"callerid": WANG, "uniqueid": channel.id})

    async def late() -> None:
        with pytest.raises(Conflict):
            await world.controller.arrivals.arrive(cast("AgiCall", agi))

    world.runner.run(late())
    assert len(world.bodies(cf.CallOpened)) == 1
    assert "CC_ADMITTED" not in agi.variables
