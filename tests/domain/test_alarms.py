"""Alarms besides calls, in a whole controller: one incident, nobody's test, no life refused (A5, A8, R18, R19, R26)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.alarms.facts import AlarmReceived, DeviceBatteryLow, TestAcknowledged
from callcenter.alarms.kinds import AlarmKind, AlarmState
from callcenter.alarms.service import CARRIED, MOST_STRANGERS, Place, Receipt, Report
from callcenter.emergency.facts import EmergencyOpened, EmergencyPressed
from callcenter.facts import Fact
from callcenter.notifications.facts import MessageRequested
from callcenter.people.directory import Contact, Device, Elder
from tests.support.memory import START
from tests.support.world import World

PENDANT, SMOKE, WATCH = "PD-0001", "SM-0001", "MT-0001"
PHONE, PENDANT_NUMBER, DAUGHTER = "13800000001", "13800000011", "13700000001"
WANG = Elder(
    id="elder-wang",
    code="SZ-0001",
    name="王秀英",
    phones=(PHONE,),
    area="姑苏区",
    devices=(
        Device("d-pendant", "pendant", PENDANT_NUMBER, PENDANT),
        Device("d-smoke", "smoke_detector", None, SMOKE),
        Device("d-watch", "mobile_terminal", "13800000012", WATCH, test_until=START + timedelta(minutes=30)),
    ),
    contacts=(Contact("family", "女儿", DAUGHTER),),
)
LI = Elder(id="elder-li", code="SZ-0002", name="李国强", phones=("13800000002",))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, elders=(WANG, LI))
    world.register("op1", "op2")
    yield world
    world.close()


def send(world: World, kind: AlarmKind = AlarmKind.MANUAL, reference: str = "1", **fields: object) -> Receipt:
    """One alarm of the source ``home``, from the pendant unless it says otherwise."""
    receipts: list[Receipt] = []
    report = Report(reference=reference, kind=kind, **({"device": PENDANT} | fields))  # type: ignore[arg-type]
    world.run(lambda: receipts.append(world.controller.alarms.receive("home", "吴中区", report)))
    return receipts[0]


def test_given_a_press_without_a_call_when_it_comes_then_there_is_an_incident_that_waits_for_her_voice(
    world: World,
) -> None:
    receipt = send(world, AlarmKind.FALL, battery=80)
    incident = world.incident()
    assert receipt == Receipt(receipt.id, AlarmState.RAISED, incident.id, duplicate=False)
    assert (incident.origin, incident.kind, incident.elder_id) == ("alarm", "fall", WANG.id)
    assert (incident.device_id, incident.caller, incident.area) == ("d-pendant", PENDANT_NUMBER, "姑苏区")
    assert incident.voice_by == START + timedelta(seconds=60)


@pytest.mark.parametrize("kind", [AlarmKind.SMOKE, AlarmKind.GAS, AlarmKind.INACTIVITY, AlarmKind.FENCE])
def test_a5_a_monitors_alarm_waits_for_no_voice_and_is_told_to_the_family_at_once(
    world: World, kind: AlarmKind
) -> None:
    send(world, kind, device=SMOKE)
    incident = world.incident()
    assert (incident.kind, incident.voice_by) == (kind.value, START)
    assert incident.caller == PHONE  # a detector cannot be called
    assert world.dialled(DAUGHTER) == 1
    assert DAUGHTER in {message.to for message in world.bodies(MessageRequested)}


def test_r18_a_thousand_resends_of_one_alarm_are_one_incident_and_one_fact(world: World) -> None:
    first = send(world)
    world.wait(0.25)
    before = len(world.journal.lines)
    answers = {send(world, battery=number % 100) for number in range(1000)}
    assert answers == {Receipt(first.id, first.state, first.incident_id, duplicate=True)}
    assert len(world.journal.lines) == before
    assert len(world.bodies(EmergencyOpened)) == 1
    assert world.incident().priority == 0


def test_r18_each_distinct_press_raises_the_one_incident(world: World) -> None:
    for number in range(8):
        send(world, reference=str(number))
        world.wait(1)
    assert len(world.bodies(EmergencyOpened)) == 1
    assert world.incident().priority == 7
    assert len(world.bodies(AlarmReceived)) == 8
    world.press(PENDANT_NUMBER)
    assert len(world.bodies(EmergencyOpened)) == 1


def test_r18_after_a_restart_a_resend_is_still_known(world: World) -> None:
    first = send(world)
    world.crash()
    world.start()
    assert send(world) == Receipt(first.id, first.state, first.incident_id, duplicate=True)


def test_given_a_new_journal_segment_when_it_begins_then_the_latest_alarms_are_in_it(world: World) -> None:
    first = send(world)
    for number in range(CARRIED + 5):
        world.controller.alarms.receive("home", "", Report(str(number), AlarmKind.TEST, device=PENDANT))
    carried = [fact for fact in world.journal.carry() if isinstance(fact.body, AlarmReceived)]
    # The incident's own facts are carried for as long as it is open.
    assert len(carried) == CARRIED + 1
    assert first.id in {body.alarm_id for fact in carried if isinstance(body := fact.body, AlarmReceived)}


def test_given_a_day_later_when_a_reference_comes_again_then_it_is_another_alarm(world: World) -> None:
    first = send(world)
    world.clock.pass_time(24 * 3600 + 1)
    assert send(world).id != first.id


def test_r26_a_test_is_answered_by_the_machine_and_nobody_is_called(world: World) -> None:
    receipt = send(world, AlarmKind.TEST)
    assert (receipt.state, receipt.incident_id) == (AlarmState.ACKNOWLEDGED, None)
    assert world.controller.emergencies.open_count == 0
    assert [body.device_id for body in world.bodies(TestAcknowledged)] == ["d-pendant"]
    assert not world.all_ringing()


def test_r26_a_test_never_hides_a_real_alarm_of_the_same_reference(world: World) -> None:
    send(world, AlarmKind.TEST)
    real = send(world, AlarmKind.MANUAL)
    assert (real.state, real.duplicate) == (AlarmState.RAISED, False)
    assert send(world, AlarmKind.TEST).duplicate
    assert world.incident().open


def test_r26_a_tests_acknowledgement_expires(world: World) -> None:
    first = send(world, AlarmKind.TEST)
    world.clock.pass_time(3601)
    again = send(world, AlarmKind.TEST)
    assert (again.duplicate, again.id == first.id) == (False, False)


def test_r26_a_device_on_test_that_presses_for_real_reaches_a_human_and_is_marked(world: World) -> None:
    receipt = send(world, AlarmKind.FALL, device=WATCH)
    assert receipt.incident_id == world.incident().id
    (alarm,) = world.bodies(AlarmReceived)
    assert alarm.on_test
    world.clock.pass_time(31 * 60)  # the test has ended by itself
    send(world, AlarmKind.FALL, reference="2", device=WATCH)
    assert not world.bodies(AlarmReceived)[-1].on_test


def test_given_two_devices_that_count_alike_when_both_alarm_then_neither_hides_the_other(world: World) -> None:
    assert not send(world, device=PENDANT).duplicate
    assert not send(world, device=SMOKE, kind=AlarmKind.SMOKE).duplicate
    assert not send(world, device="nobody-knows-me").duplicate


@pytest.mark.parametrize(
    ("fields", "elder", "caller"),
    [
        ({"device": PENDANT_NUMBER}, WANG.id, PENDANT_NUMBER),
        ({"device": "+86 138 0000 0011"}, WANG.id, PENDANT_NUMBER),
        ({"device": "XX-1", "elder_code": "SZ-0002"}, LI.id, LI.phones[0]),
        ({"device": "", "caller": PHONE}, WANG.id, PHONE),
        ({"device": PHONE}, WANG.id, PHONE),
        ({"device": PENDANT, "caller": "13999999999"}, WANG.id, "13999999999"),
        ({"device": "XX-1", "caller": "13999999999"}, None, "13999999999"),
        ({"device": "13912345678"}, None, ""),
    ],
)
def test_given_any_way_to_name_her_when_an_alarm_comes_then_she_is_found_as_surely_as_can_be(
    world: World, fields: dict[str, Any], elder: str | None, caller: str
) -> None:
    """A8, R20: whoever it is, there is an incident; a serial number is never dialled."""
    send(world, **fields)
    incident = world.incident()
    assert (incident.elder_id, incident.caller) == (elder, caller)
    assert incident.open


def test_a8_a_device_that_nobody_knows_is_one_incident_however_often_it_alarms(world: World) -> None:
    first = send(world, device="XX-1")
    for number in range(2, 10):
        assert send(world, device="XX-1", reference=str(number)).incident_id == first.incident_id
    assert world.incident().priority == 8
    assert world.incident().area == "吴中区"  # the source's
    assert world.incident().voice_by == START  # no call of hers could be told for one
    assert send(world, device="XX-2").incident_id != first.incident_id
    world.crash()
    world.start()
    assert send(world, device="XX-1", reference="10").incident_id == first.incident_id


def test_r19_her_own_call_joins_the_alarms_incident(world: World) -> None:
    receipt = send(world, AlarmKind.MANUAL)
    world.wait(5)
    call = world.press(PENDANT_NUMBER)
    assert world.call_of(call).incident_id == receipt.incident_id
    assert len(world.bodies(EmergencyOpened)) == 1
    assert world.bodies(EmergencyPressed)[-1].origin == "press"


def test_r19_an_alarm_whose_voice_does_not_come_is_called_back(world: World) -> None:
    send(world, AlarmKind.MANUAL)
    world.wait(50)
    assert not world.dialled(PENDANT_NUMBER)
    world.wait(15)
    assert world.dialled(PENDANT_NUMBER) == 1


def test_a5_a_monitors_alarm_rings_the_seats_at_once(world: World) -> None:
    send(world, AlarmKind.SMOKE, device=SMOKE)
    world.wait(1)
    assert world.rings("op1")
    assert world.rings("op2")


def test_r19_a_press_without_voice_rings_the_seats_when_it_is_late(world: World) -> None:
    send(world, AlarmKind.FALL)
    world.wait(62)
    assert world.rings("op1")


# --- batteries and signs of life ----------------------------------------------------------------------------


def test_f1_a_low_battery_is_no_emergency_but_is_told_to_the_family_once_a_day(world: World) -> None:
    receipt = send(world, AlarmKind.BATTERY, battery=12)
    assert (receipt.state, receipt.incident_id) == (AlarmState.NOTED, None)
    assert world.controller.emergencies.open_count == 0
    (told,) = world.bodies(DeviceBatteryLow)
    assert (told.device_id, told.percent, told.told) == ("d-pendant", 12, True)
    (message,) = world.bodies(MessageRequested)
    assert (message.to, message.role, message.purpose) == (DAUGHTER, "family", "battery")
    assert "12%" in message.text
    send(world, AlarmKind.BATTERY, reference="2")
    world.crash()
    world.start()
    send(world, AlarmKind.BATTERY, reference="3")
    world.clock.pass_time(24 * 3600 + 1)
    assert len(world.bodies(DeviceBatteryLow)) == 1
    send(world, AlarmKind.BATTERY, reference="4")
    assert len(world.bodies(DeviceBatteryLow)) == 2


@pytest.mark.parametrize(("battery", "told"), [(None, 0), (16, 0), (15, 1), (0, 1)])
def test_f1_a_heartbeat_is_heard_and_its_battery_looked_at(world: World, battery: int | None, told: int) -> None:
    world.run(lambda: world.controller.alarms.heartbeat(PENDANT, battery))
    assert world.controller.alarms.last_heard("d-pendant") == START
    assert world.controller.presence.battery("d-pendant") == battery
    assert len(world.bodies(DeviceBatteryLow)) == told


def test_given_a_device_that_nobody_knows_when_it_beats_then_it_is_said(world: World) -> None:
    assert world.controller.alarms.heartbeat("XX-1", 50) is False
    assert world.controller.alarms.position("XX-1", Place(31.3, 120.6)) == "unknown_device"
    assert world.controller.alarms.last_heard("XX-1") is None


def test_f1_whatever_a_device_sends_is_a_sign_of_life(world: World) -> None:
    send(world, AlarmKind.TEST, battery=90)
    assert world.controller.alarms.last_heard("d-pendant") == START
    world.wait(60)
    world.controller.alarms.position(WATCH, Place(31.3, 120.6))
    assert world.controller.alarms.last_heard("d-watch") == START + timedelta(seconds=60)
    assert world.controller.presence.battery("d-pendant") == 90


def test_given_an_alarm_with_a_place_when_taken_then_she_is_located(world: World) -> None:
    send(world, AlarmKind.FALL, device=WATCH, place=Place(31.3175, 120.6353, 12.0, START))
    fix = world.controller.location.latest(WANG.id)
    assert fix is not None
    assert (fix.latitude, fix.longitude, fix.accuracy_m, fix.device_id) == (31.3175, 120.6353, 12.0, "d-watch")
    (alarm,) = world.bodies(AlarmReceived)
    assert (alarm.latitude, alarm.accuracy_m, alarm.fix_at) == (31.3175, 12.0, START)


def test_a4_the_place_of_a_device_that_nobody_knows_is_hers_when_she_is_named(world: World) -> None:
    send(world, AlarmKind.FALL, device="XX-1", elder_code=WANG.code, place=Place(31.3175, 120.6353))
    fix = world.controller.location.latest(WANG.id)
    assert fix is not None
    assert (fix.latitude, fix.device_id) == (31.3175, None)


def test_given_a_place_that_is_none_when_an_alarm_has_it_then_the_alarm_is_taken_all_the_same(world: World) -> None:
    assert send(world, AlarmKind.FALL, place=Place(0.0, 0.0, -1.0, START)).incident_id
    assert world.controller.location.latest(WANG.id) is None


def test_given_alarms_when_listed_then_the_latest_are_known_without_the_database(world: World) -> None:
    for number in range(3):
        send(world, AlarmKind.TEST, reference=str(number))
    facts: list[Fact] = world.controller.alarms.latest()
    assert [fact.body.reference for fact in facts if isinstance(fact.body, AlarmReceived)] == ["0", "1", "2"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(AlarmKind), st.integers(1, 3), st.sampled_from([PENDANT, SMOKE, "XX-1"])), max_size=15
    )
)
def test_r18_whatever_is_sent_however_often_in_whatever_order_each_alarm_counts_once(
    sent: list[tuple[AlarmKind, int, str]],
) -> None:
    """One open incident a person; tests and batteries open none; a resend changes nothing."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder), elders=(WANG, LI))
        try:
            answers = {
                (kind, number, device): send(world, kind, str(number), device=device) for kind, number, device in sent
            }
            again = [send(world, kind, str(number), device=device) for kind, number, device in sent]
            assert all(receipt.duplicate for receipt in again)
            assert len(world.bodies(AlarmReceived)) == len(answers)
            raised = {device for kind, _, device in sent if kind not in (AlarmKind.TEST, AlarmKind.BATTERY)}
            persons = {"stranger" if device == "XX-1" else WANG.id for device in raised}
            assert world.controller.emergencies.open_count == len(persons)
        finally:
            world.close()


def test_a8_two_elders_whom_nobody_knows_yet_are_two_emergencies(world: World) -> None:
    """A register that is behind: the second fire must not vanish in the first."""
    first = send(world, AlarmKind.SMOKE, "1", device="", elder_code="NEW-1")
    second = send(world, AlarmKind.SMOKE, "2", device="", elder_code="NEW-2")
    again = send(world, AlarmKind.SMOKE, "3", device="", elder_code="NEW-1")
    assert first.incident_id != second.incident_id
    assert again.incident_id == first.incident_id
    world.crash()
    world.start()
    assert send(world, AlarmKind.SMOKE, "4", device="", elder_code="NEW-2").incident_id == second.incident_id


@pytest.mark.parametrize("caller", ["", "139{:08d}"])
def test_r18_a_source_gone_wild_does_not_bury_the_desk(world: World, caller: str) -> None:
    """Thousands of devices that nobody knows, from one source, are a few emergencies; elders on file are their own."""
    for number in range(200):
        send(world, AlarmKind.SMOKE, str(number), device=f"XX-{number}", caller=caller.format(number))
    assert world.controller.emergencies.open_count == MOST_STRANGERS
    assert len(world.bodies(AlarmReceived)) == 200
    send(world, AlarmKind.SMOKE, "wang", device=SMOKE)
    assert world.controller.emergencies.open_count == MOST_STRANGERS + 1
    assert world.incident().elder_id == WANG.id
