"""Case files of proof of life: a phone that answers by itself has not accepted (R12), and there is one owner (R13)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.calls.model import Leg, Role
from callcenter.emergency import facts as ef
from callcenter.errors import Conflict, NotFound
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, Account, World

AUTO = (
    Account("op1", auto_answer=True),
    Account("op2"),
    Account("op3", auto_answer=True),
    Account("sup1", "supervisor"),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """op1 and op3 answer by themselves when told to."""
    world = World(tmp_path, seats=AUTO)
    yield world
    world.close()


def seat_channel(world: World, user: str) -> Channel:
    return next(channel for channel in world.board.channels.values() if channel.target == user)


def seat_legs(world: World, elder: Channel, user: str) -> list[Leg]:
    return [leg for leg in world.call_of(elder).legs.values() if leg.number == user]


def state(world: World, user: str) -> str:
    return str(world.controller.routing.state_of(world.controller.routing.seat(user)))


def answered_by_itself(world: World) -> Channel:
    """Wang has pressed, and op1's phone has answered by itself."""
    world.register("op1")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    assert seat_channel(world, "op1").room == elder.room
    return elder


def test_only_seats_that_allow_it_are_told_to_answer_by_themselves_and_only_in_an_emergency(world: World) -> None:
    world.register("op1", "op2")
    world.press(WANG)
    headers = {dial.target: dict(dial.headers) for dial in world.board.dialled}
    assert headers["PJSIP/op1"]["Call-Info"].endswith("answer-after=0")
    assert "alert-autoanswer" in headers["PJSIP/op1"]["Alert-Info"]
    assert headers["PJSIP/op2"] == {}
    assert [body.auto for body in world.bodies(cf.LegAdded)] == [True, False]


def test_a_routine_call_and_a_paused_seat_ring_as_always(world: World) -> None:
    world.register("op1")
    caller = world.hotline(STRANGER)
    assert not world.board.dialled[-1].headers
    world.hang_up(caller)
    world.pause("op1")
    world.press(WANG)
    world.wait(3.5)
    assert world.board.dialled[-1].target == "PJSIP/op1"
    assert not world.board.dialled[-1].headers
    assert world.board.dialled[-1].variables["CC_AUTO"] == "0"


def test_r12_nobody_is_there_then_it_is_not_accepted_and_the_ladder_has_gone_on(world: World) -> None:
    elder = answered_by_itself(world)
    (leg,) = seat_legs(world, elder, "op1")
    assert not leg.accepted
    assert world.call_of(elder).human_at is None
    world.register("op2")
    assert world.rings("op2"), "whoever must be picked up by hand goes on ringing"
    world.wait(7.5)
    assert seat_channel(world, "op1").room == elder.room
    world.wait(0.75)
    assert seat_legs(world, elder, "op1")[0].reason == "no_life"
    assert world.dialled("op1") == 1
    world.wait(29)
    assert world.dialled("op1") == 1, "the seat rests for her"
    world.answer(world.ringing("op2"))
    assert world.incident().answered_by == "op2"


def test_a_seat_that_showed_no_life_rests_for_that_emergency_alone(world: World) -> None:
    answered_by_itself(world)
    world.wait(9)
    world.press(LI)
    assert world.rings("op1")


def test_while_one_is_unproved_its_like_are_left_alone_and_after_it_they_are_next(world: World) -> None:
    elder = answered_by_itself(world)
    world.register("op3")
    assert not world.rings("op3")
    world.wait(8.5)
    assert world.ringing("op3").variables["CC_ROOM"] == elder.room


@pytest.mark.parametrize("how", ["speech", "key", "code", "click"])
def test_a_sign_of_life_is_acceptance(world: World, how: str) -> None:
    elder = answered_by_itself(world)
    channel = seat_channel(world, "op1")
    world.wait(4)
    match how:
        case "speech":
            world.run(lambda: world.board.speak(channel))
        case "key":
            world.run(lambda: world.board.key(channel, "alive"))
        case "code":
            world.run(lambda: world.board.key(channel, "add-120"))
        case _:
            world.run(lambda: world.controller.acceptance.click(world.incident().id, "op1"))
    (leg,) = seat_legs(world, elder, "op1")
    assert leg.accepted
    assert [body.how for body in world.bodies(cf.LegAccepted)] == ["key" if how == "code" else how]
    assert channel.claims == elder.room, "by hand nobody comes in any more"
    world.wait(20)
    assert channel.room == elder.room
    assert world.dialled("120") == (how == "code")


def test_a_click_twice_is_one_acceptance_and_a_stranger_or_who_is_not_there_is_told_so(world: World) -> None:
    answered_by_itself(world)
    incident = world.incident().id
    acceptance = world.controller.acceptance
    world.run(lambda: acceptance.click(incident, "op1"))
    world.run(lambda: acceptance.click(incident, "op1"))
    assert len(world.bodies(cf.LegAccepted)) == 1
    for user, emergency in (("op2", incident), ("op1", "another")):
        with pytest.raises(NotFound):
            world.run(lambda user=user, emergency=emergency: acceptance.click(emergency, user))  # type: ignore[misc]


def test_who_picks_up_by_hand_comes_in_beside_an_unproved_phone_which_is_told_and_free(world: World) -> None:
    """R13: never two owners; both are free, and in the right state."""
    elder = answered_by_itself(world)
    world.register("op2")
    world.answer(world.ringing("op2"))
    assert seat_channel(world, "op2").room == elder.room
    assert seat_channel(world, "op1").room is None
    assert world.incident().answered_by == "op2"
    world.run(lambda: world.board.speak(seat_channel(world, "op1")))
    with pytest.raises(NotFound):
        world.run(lambda: world.controller.acceptance.click(world.incident().id, "op1"))
    world.press(LI)
    assert world.rings("op1"), "what it is told takes three seconds; another elder does not wait for its end"
    assert seat_legs(world, elder, "op1")[0].reason == "already_answered"
    world.wait(5)
    assert (state(world, "op1"), state(world, "op2")) == ("ringing", "talking")


def test_who_picks_up_by_hand_in_the_moment_of_life_is_told_and_free(world: World) -> None:
    """The dialplan had not been told yet that the phone which answers by itself has her."""
    elder = answered_by_itself(world)
    world.register("op2")
    by_hand = world.ringing("op2")

    def both() -> None:
        world.controller.acceptance.click(world.incident().id, "op1")
        world.board.pick_up(by_hand)

    world.run(both)
    assert world.call_of(elder).staffed
    assert seat_channel(world, "op1").room == elder.room
    assert by_hand.room is None
    assert world.incident().answered_by in ("op1", "")
    world.wait(4)
    assert by_hand.id not in world.board.channels
    assert (state(world, "op1"), state(world, "op2")) == ("talking", "ready")
    assert not world.all_ringing()


def test_a_click_after_somebody_else_is_there_is_refused(world: World) -> None:
    answered_by_itself(world)
    world.register("op2")
    by_hand = world.ringing("op2")
    refused: list[Exception] = []

    def both() -> None:
        world.board.pick_up(by_hand)
        world._deliver()
        try:
            world.controller.acceptance.click(world.incident().id, "op1")
        except (Conflict, NotFound) as error:
            refused.append(error)

    world.run(both)
    assert len(refused) == 1
    assert not world.bodies(cf.LegAccepted)


def test_two_phones_answer_by_themselves_in_the_same_10_ms_then_one_is_in(world: World) -> None:
    """R13, R12."""
    world.register("op1", "op3")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"), world.ringing("op3"))
    inside = [
        channel for channel in world.board.channels.values() if channel.room == elder.room and channel is not elder
    ]
    assert [channel.target for channel in inside] == ["op1"]
    assert state(world, "op3") == "ready"
    assert world.incident().human_answer_ms is None or not world.call_of(elder).staffed


def test_a_phone_that_answers_by_itself_and_drops_rests_like_one_without_life(world: World) -> None:
    answered_by_itself(world)
    world.wait(4)
    world.hang_up(seat_channel(world, "op1"))
    world.wait(25)
    assert world.dialled("op1") == 1


@pytest.mark.parametrize("proved", [False, True])
def test_what_was_known_of_life_outlives_a_crash(world: World, proved: bool) -> None:
    elder = answered_by_itself(world)
    channel = seat_channel(world, "op1")
    if proved:
        world.run(lambda: world.board.speak(channel))
    world.wait(1)
    world.crash()
    world.start()
    (leg,) = seat_legs(world, elder, "op1")
    assert leg.accepted is proved
    world.wait(9)
    assert (channel.id in world.board.channels) is proved


def test_a_phone_that_answered_in_the_last_moment_of_a_crash_is_still_unproved(world: World) -> None:
    """Found live, known to no journal: it must not pass for a human."""
    world.register("op1")
    elder = world.press(WANG)
    world.wait(0.25)
    world.journal.stalled = True
    world.answer(world.ringing("op1"))
    world.crash(20)
    world.start()
    world.wait(2)
    assert not any(leg.accepted for leg in world.call_of(elder).legs.values() if leg.role == Role.SEAT)
    world.wait(8)
    assert not world.call_of(elder).staffed


def test_an_emergency_is_late_while_only_a_dead_phone_has_answered(world: World) -> None:
    """A1: the human's answer counts, not the phone's."""
    answered_by_itself(world)
    world.wait(6)
    assert world.bodies(ef.AnswerLate)
    assert not world.bodies(ef.EmergencyAnswered)
