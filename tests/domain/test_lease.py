"""The lease on a caller in her room: renewed while the controller lives, longer in company (A10, R1)."""

import pytest

from callcenter.asterisk_config import COMPANY_SECONDS as ASKED_AGAIN
from callcenter.asterisk_config import LEASE_SECONDS
from callcenter.calls.lease import ALONE_SECONDS, COMPANY_SECONDS
from tests.support.world import WANG, WANG_PENDANT, World


def leases(world: World, channel_id: str) -> list[str]:
    asked = world.pbx.of("set_variable")
    return [str(value) for channel, name, value in asked if (channel, name) == (channel_id, "TIMEOUT(absolute)")]


def test_who_waits_alone_is_renewed_every_5_s_and_never_falls_to_the_duty_desk(world: World) -> None:
    elder = world.press(WANG)
    world.wait(60)
    assert elder.context == "cc-room"
    renewals = leases(world, elder.id)
    assert set(renewals) == {"15"}
    assert 11 <= len(renewals) <= 13


def test_in_company_the_lease_is_longer_and_seldom_renewed(world: World) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.wait(50)
    assert elder.room is not None
    assert leases(world, elder.id) == ["60", "60", "60"]


def test_alone_again_she_is_under_a_lease_within_a_second(world: World) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.wait(5)
    world.hang_up(next(c for c in world.board.channels.values() if c.target == "op1"))
    world.wait(1)
    assert elder.lease_ends is not None
    assert leases(world, elder.id) == ["60", "15"]


def test_two_lines_of_hers_in_one_room_are_not_company(world: World) -> None:
    first, second = world.press(WANG), world.press(WANG_PENDANT)
    world.wait(40)
    assert "60" not in leases(world, first.id) + leases(world, second.id)
    assert first.room == second.room


def test_a_waiting_hotline_caller_is_kept_as_well(world: World) -> None:
    caller = world.hotline(WANG)
    world.wait(40)
    assert caller.context == "cc-room"


def test_r1_when_the_controller_dies_who_is_alone_reaches_the_duty_desk_by_herself(world: World) -> None:
    elder = world.press(WANG)
    world.wait(3)
    world.crash()
    world.wait(ALONE_SECONDS)
    assert elder.context == "cc-fallback"


def test_r1_when_the_controller_dies_who_is_in_company_talks_on(world: World) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.wait(3)
    room = elder.room
    world.crash()
    world.wait(COMPANY_SECONDS + 3 * ASKED_AGAIN)
    assert elder.room == room


def test_r1_when_the_controller_is_dead_and_the_operator_hangs_up_she_reaches_the_duty_desk_by_herself(
    world: World,
) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.wait(3)
    world.crash()
    world.wait(COMPANY_SECONDS)
    assert elder.room is not None
    world.hang_up(next(c for c in world.board.channels.values() if c.target == "op1"))
    world.wait(ASKED_AGAIN)
    assert elder.context == "cc-fallback"


def test_r1_a_restarted_controller_renews_at_its_first_pulse(world: World) -> None:
    elder = world.press(WANG)
    world.crash()
    world.wait(LEASE_SECONDS - 1)
    world.start()
    world.wait(5)
    assert elder.context == "cc-room"


@pytest.mark.parametrize("trouble", ["refuses", "down"])
def test_a_lease_that_could_not_be_set_stops_nothing(world: World, trouble: str) -> None:
    world.register("op1")
    elder = world.press(WANG)
    if trouble == "refuses":
        world.pbx.refuses.add("set_variable")
    else:
        world.lose_link()
    world.wait(2)
    assert leases(world, elder.id) == (["15"] if trouble == "refuses" else [])
