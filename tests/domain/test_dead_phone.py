"""Case files of lines that die without a word (R14, R16): who is cut, who never is, who rings then."""

import asyncio
from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.emergency.silence import Silent
from callcenter.life.facts import LegResumed, LegStalled
from tests.support.fake_pbx import Channel
from tests.support.world import WANG, Account, World


def with_operator(world: World) -> tuple[Channel, Channel]:
    """Wang has pressed and op1 is with her; op2's phone is on too. Both sides have been heard for 3 s."""
    world.register("op1", "op2")
    elder = world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    elder.sends = seat.sends = True
    world.wait(3)
    return elder, seat


def ends(world: World, leg_id: str) -> list[str]:
    return [body.reason for body in world.bodies(cf.LegEnded) if body.leg_id == leg_id]


def loses_power(world: World, seat: Channel) -> None:
    """No BYE, no audio, no answer; the registration lives on for minutes."""
    seat.sends = False
    world.board.answers_options[seat.target] = False


def known_to_answer(world: World) -> None:
    """op1's phone has said what it is, and answered while it lay on its desk."""
    world.board.agents["op1"] = "baresip v1.0.0"
    world.register("op1")
    world.compare()
    world.wait(1)
    assert world.pbx.of("answers")


def seconds_until(world: World, ringing: str, most: float) -> float:
    waited = 0.0
    while not world.rings(ringing):
        world.wait(0.25)
        waited += 0.25
        assert waited <= most, f"{ringing} does not ring after {waited} s"
    return waited


def test_r14_a_phone_that_loses_power_leaves_and_others_ring_within_two_seconds(world: World) -> None:
    elder, seat = with_operator(world)
    seat.sends = False
    world.board.answers_options["op1"] = False
    assert seconds_until(world, "op2", 2) <= 2
    assert ends(world, seat.id) == ["dead"]
    assert not world.rings("op1")
    assert world.controller.emergencies.waiting(world.incident().id)
    world.answer(world.ringing("op2"))
    assert not world.all_ringing()
    assert elder.room is not None


def test_r14_a_dead_phone_is_not_rung_until_it_is_back(world: World) -> None:
    _, seat = with_operator(world)
    seat.sends = False
    world.board.answers_options["op1"] = False
    world.wait(2)
    world.wait(20)
    assert not world.controller.routing.has_phone("op1")
    assert not world.rings("op1")
    world.board.answers_options["op1"] = True
    world.wait(6)
    assert world.controller.routing.has_phone("op1")
    assert world.rings("op1")


def test_r14_a_dead_phone_that_registers_anew_is_back_at_once(world: World) -> None:
    _, seat = with_operator(world)
    seat.sends = False
    world.board.answers_options["op1"] = False
    world.wait(2)
    world.register("op1")
    world.wait(16)
    assert world.controller.routing.has_phone("op1")


@pytest.mark.parametrize(
    ("sends_at_all", "answers"),
    [
        (True, True),  # mute, hold, VAD: it answers
        (False, False),  # a phone without audio from the start
        (False, None),
        (True, None),  # a browser, connected still
    ],
)
def test_r14_a_phone_that_is_there_is_never_cut(world: World, sends_at_all: bool, answers: bool | None) -> None:
    world.register("op1", "op2")
    world.board.answers_options["op1"] = answers
    elder = world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    elder.sends, seat.sends = True, sends_at_all
    world.wait(3)
    seat.sends = False
    world.wait(120)
    assert seat.room == elder.room
    assert not world.rings("op2")


@pytest.mark.parametrize("said_a_word", [True, False])
def test_r14_a_phone_that_dies_in_the_first_second_of_a_talk_is_noticed(world: World, said_a_word: bool) -> None:
    """It was never asked in this call; but before, on its desk, it answered."""
    known_to_answer(world)
    elder = world.press(WANG)
    seat = world.ringing("op1")
    seat.sends = said_a_word
    world.answer(seat)
    elder.sends = True
    loses_power(world, seat)
    world.register("op2")
    assert seconds_until(world, "op2", 5) <= 5
    assert ends(world, seat.id) == ["dead"]


def test_r14_a_phone_that_only_listens_and_answers_stays(world: World) -> None:
    known_to_answer(world)
    elder = world.press(WANG)
    seat = world.ringing("op1")
    world.answer(seat)
    elder.sends = True
    world.wait(60)
    assert seat.room == elder.room


def test_r14_a_phone_that_never_answers_an_options_is_not_judged_by_it(world: World) -> None:
    world.board.answers_options["op1"] = False
    _, seat = with_operator(world)
    seat.sends = False
    world.wait(60)
    assert seat.room is not None


def test_r14_who_muted_long_ago_and_then_dies_is_noticed(world: World) -> None:
    _, seat = with_operator(world)
    seat.sends = False
    world.wait(30)
    world.board.answers_options["op1"] = False
    assert seconds_until(world, "op2", 3) <= 3
    assert ends(world, seat.id) == ["dead"]


def test_r14_a_hiccup_of_the_network_cuts_nobody(world: World) -> None:
    _, seat = with_operator(world)
    for _ in range(5):
        seat.sends = False
        world.board.answers_options["op1"] = False
        world.wait(0.75)
        seat.sends = True
        world.board.answers_options["op1"] = True
        world.wait(2)
    assert seat.room is not None


def test_r14_a_browser_that_is_closed_leaves(world: World) -> None:
    world.board.answers_options["op1"] = None
    _, seat = with_operator(world)
    seat.sends = False
    world.unregister("op1")
    assert seconds_until(world, "op2", 2) <= 2
    assert ends(world, seat.id) == ["dead"]


def test_r14_a_registration_that_runs_out_under_a_talk_cuts_nobody(world: World) -> None:
    world.board.answers_options["op1"] = None
    _, seat = with_operator(world)
    world.unregister("op1")
    world.wait(30)
    assert seat.room is not None


def with_page(world: World) -> Channel:
    """As `with_operator`, but op1's phone is in a page, which pings."""
    world.register("op1-web", "op2")
    world.board.answers_options["op1-web"] = None
    world.run(lambda: world.controller.routing.page("op1", True))
    elder = world.press(WANG)
    seat = world.ringing("op1-web")
    world.answer(seat)
    elder.sends = seat.sends = True
    world.wait(3)
    return seat


def test_r14_a_page_that_is_not_heard_is_told_so_and_stays_where_it_is_heard_again(world: World) -> None:
    """Its sound has lost its way: it makes a new one (ICE restart)."""
    seat = with_page(world)
    for time in (1, 2):
        seat.sends = False
        world.wait(4)
        stalled = world.bodies(LegStalled)
        assert [(body.seat, body.role) for body in stalled] == [("op1", Role.SEAT)] * time
        seat.sends = True
        world.wait(2)
        assert [body.seat for body in world.bodies(LegResumed)] == ["op1"] * time
        world.wait(30)
    assert seat.room is not None
    assert not world.rings("op2")


def test_r14_a_page_that_stays_unheard_is_taken_off_the_call_and_somebody_rings(world: World) -> None:
    seat = with_page(world)
    seat.sends = False
    assert seconds_until(world, "op2", 10) > 5
    assert ends(world, seat.id) == ["dead"]
    assert world.controller.routing.has_phone("op1")


def test_r14_a_page_that_is_never_heard_is_told_so_and_taken_off_the_call(world: World) -> None:
    """Its audio never found a way: a page sends from the first moment on, muted or not."""
    world.register("op1-web", "op2")
    world.board.answers_options["op1-web"] = None
    world.run(lambda: world.controller.routing.page("op1", True))
    world.press(WANG)
    seat = world.ringing("op1-web")
    world.answer(seat)
    world.wait(5)
    assert [body.seat for body in world.bodies(LegStalled)] == ["op1"]
    assert seconds_until(world, "op2", 8) > 3
    assert ends(world, seat.id) == ["dead"]


def test_r14_without_the_link_nobody_is_judged(world: World) -> None:
    _, seat = with_operator(world)
    world.lose_link()
    seat.sends = False
    world.wait(30)
    seat.sends = True
    world.regain_link()
    world.wait(10)
    assert seat.room is not None


def test_r16_an_elders_line_that_stalls_is_told_and_where_it_is_set_taken_for_dropped(tmp_path: Path) -> None:
    world = World(tmp_path, line_dropped=20)
    elder, seat = with_operator(world)
    elder.sends = False
    world.wait(7)
    assert world.bodies(LegStalled) == []
    world.wait(4)
    (stalled,) = world.bodies(LegStalled)
    assert (stalled.leg_id, stalled.role) == (world.call_of(elder).elder_legs[0].id, Role.ELDER)
    assert stalled.seconds >= 8
    assert world.incident().silence == "call_back"
    assert [(body.stage, body.why) for body in world.bodies(Silent)] == [("ask", "quiet"), ("call_back", "stalled")]
    world.wait(12)
    assert elder.room is None
    assert ends(world, stalled.leg_id) == ["dead"]
    assert seat.room is not None
    assert world.incident().open
    world.close()


def test_r16_an_elders_line_that_stalls_is_never_cut_by_itself_unless_that_is_set(world: World) -> None:
    """She may be unconscious beside a terminal that sends nothing while she is silent."""
    elder, _ = with_operator(world)
    elder.sends = False
    world.wait(300)
    assert len(world.bodies(LegStalled)) == 1
    assert elder.room is not None


def test_r16_an_elders_line_that_comes_back_stays_and_later_pauses_never_end_it(world: World) -> None:
    """A terminal that sends nothing while nobody speaks to it must not be cut under a silent elder."""
    elder, _ = with_operator(world)
    elder.sends = False
    world.wait(12)
    elder.sends = True
    world.wait(3)
    assert len(world.bodies(LegStalled)) == len(world.bodies(LegResumed)) == 1
    elder.sends = False
    world.wait(120)
    assert len(world.bodies(LegStalled)) == 2
    assert elder.room is not None


def test_r16_an_elder_without_audio_from_the_start_is_not_cut(world: World) -> None:
    world.register("op1")
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.wait(60)
    assert elder.room is not None
    assert world.bodies(LegStalled) == []


def test_r14_lines_are_watched_again_after_a_restart(world: World) -> None:
    _, seat = with_operator(world)
    world.crash()
    world.start()
    world.wait(3)
    seat.sends = False
    world.board.answers_options["op1"] = False
    assert seconds_until(world, "op2", 2) <= 2
    assert ends(world, seat.id) == ["dead"]


def test_a_phone_that_only_rings_is_not_asked_and_one_that_talks_is_once(world: World) -> None:
    world.register("op1")
    world.hotline(WANG)
    world.wait(5)
    assert world.pbx.of("answers") == []
    world.answer(world.ringing("op1"))
    world.wait(2)
    assert len(world.pbx.of("answers")) == 1


def test_fifty_talks_are_all_read_a_few_at_a_time(tmp_path: Path) -> None:
    """Asterisk answers one question at a time: an originate must not stand behind a hundred of ours."""
    users = [f"op{number}" for number in range(1, 51)]
    world = World(tmp_path, seats=[Account(user) for user in users], duty=())
    most = now = asked = 0
    read = world.pbx.rtp_received

    async def counted(channel_id: str) -> int | None:
        nonlocal most, now, asked
        now, asked = now + 1, asked + 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return await read(channel_id)

    world.pbx.rtp_received = counted  # type: ignore[method-assign]
    try:
        world.register(*users)
        seats = []
        for number in range(50):
            elder = world.press(f"1390000{number:04}")
            seat = world.all_ringing()[0]
            world.answer(seat)
            elder.sends = seat.sends = True
            seats.append(seat)
        world.wait(5)
        asked = 0
        world.wait(10)
        assert 500 <= asked <= 1100
        assert most == 4
        for seat in seats[:3]:
            seat.sends = False
            world.board.answers_options[seat.target] = False
        world.wait(2.5)
        assert [len(ends(world, seat.id)) for seat in seats] == [1] * 3 + [0] * 47
    finally:
        world.close()


def at_a_page(world: World) -> Channel:
    """Wang has pressed and op1 is with her at a page; op1's telephone and op2's are on too. All are heard."""
    world.register("op1", "op1-web", "op2")
    world.run(lambda: world.controller.routing.page("op1", True))
    elder = world.press(WANG)
    seat = world.ringing("op1")
    assert world.controller.routing.seat("op1").endpoint == "op1-web"
    world.board.answers_options["op1-web"] = None
    world.answer(seat)
    elder.sends = seat.sends = True
    world.wait(3)
    return seat


def test_r14_a_page_that_is_frozen_leaves_although_the_seats_telephone_lives(world: World) -> None:
    """A browser cannot be asked: its page's pings are the second piece of evidence."""
    seat = at_a_page(world)
    seat.sends = False
    world.wait(5)
    assert not ends(world, seat.id)
    world.run(lambda: world.controller.routing.page("op1", False))
    assert seconds_until(world, "op2", 2) <= 2
    assert ends(world, seat.id) == ["dead"]
    assert world.controller.routing.seat("op1").phone == "sip"


def test_r14_a_page_whose_socket_broke_but_who_is_heard_is_left_in_peace(world: World) -> None:
    """The line to our process is another one than that to Asterisk."""
    seat = at_a_page(world)
    world.run(lambda: world.controller.routing.page("op1", False))
    world.wait(30)
    assert not ends(world, seat.id)
