"""Case files of help that an operator asks for: 120, family, a second trunk, a crash (A2, R10)."""

from pathlib import Path

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.notifications.facts import MessageGivenUp
from callcenter.telephony.events import HangupReason
from tests.support.outside import outside, with_operator
from tests.support.world import (
    AMBULANCE,
    DAUGHTER,
    DOCTOR,
    GUARDIAN,
    SON,
    World,
)


def test_r10_120_that_is_busy_is_tried_again_and_the_operator_is_told_at_once(world: World) -> None:
    with_operator(world)
    world.board.busy.add(AMBULANCE)
    world.request("120")
    world.wait(0.5)
    assert ("ambulance-not-reached",) in [prompts for _, prompts in world.board.played]
    world.wait(60)
    assert world.dialled(AMBULANCE) == 3
    (failed,) = world.bodies(ef.HelpFailed)
    assert failed.role == "120"
    assert failed.why == "busy"


def test_r10_with_a_second_trunk_the_second_attempt_goes_out_by_it_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, trunk2="sip:127.0.0.1:5071")
    with_operator(world)
    world.request("120")
    world.run(lambda: world.board.refuse(world.ringing(AMBULANCE), HangupReason.UNREACHABLE))
    world.wait(0.25)
    routes = [dial.target for dial in world.board.dialled if AMBULANCE in dial.target]
    assert routes == ["PJSIP/120@trunk", "PJSIP/120@trunk2"]
    assert len(world.all_ringing(AMBULANCE)) == 1
    world.close()


def test_r10_120_that_answers_and_says_nothing_is_told_and_the_other_route_tried(tmp_path: Path) -> None:
    world = World(tmp_path, trunk2="sip:127.0.0.1:5071")
    with_operator(world)
    world.request("120")
    world.answer(world.ringing(AMBULANCE))
    world.wait(14)
    assert not world.bodies(ef.HelpSilent)
    world.wait(2)
    assert len(world.bodies(ef.HelpSilent)) == 1
    assert ("ambulance-silent",) in [prompts for _, prompts in world.board.played]
    assert [dial.target for dial in world.board.dialled if "120" in dial.target][-1] == "PJSIP/120@trunk2"
    assert len([c for c in world.board.channels.values() if c.role == "120"]) == 1
    world.close()


def test_r10_120_that_spoke_once_is_never_taken_for_silent(tmp_path: Path) -> None:
    world = World(tmp_path, trunk2="sip:127.0.0.1:5071")
    with_operator(world)
    world.request("120")
    ambulance = world.ringing(AMBULANCE)
    world.answer(ambulance)
    assert ambulance.listened_to, "else nobody would say that it speaks"
    world.wait(3)
    world.run(lambda: world.controller.emergencies.heard(ambulance.id))
    world.wait(60)
    assert not world.bodies(ef.HelpSilent)
    assert world.dialled(AMBULANCE) == 1
    world.close()


def test_family_is_called_in_order_until_somebody_comes_and_twice_at_most(world: World) -> None:
    with_operator(world)
    world.board.busy |= {DAUGHTER, SON, GUARDIAN}
    world.request("family")
    world.wait(5)
    tried = [
        dial.target for dial in world.board.dialled if dial.target.partition("@")[0][6:] in {DAUGHTER, SON, GUARDIAN}
    ]
    assert tried == [f"PJSIP/{number}@trunk" for number in (DAUGHTER, SON, GUARDIAN)]
    world.wait(120)
    assert [world.dialled(number) for number in (DAUGHTER, SON, GUARDIAN)] == [2, 2, 2]
    assert [body.role for body in world.bodies(ef.HelpFailed)] == ["family"]


def test_all_of_the_family_at_once_when_asked_for(world: World) -> None:
    with_operator(world)
    world.run(
        lambda: world.controller.emergencies.request_help(
            world.incident().id, "family", None, actor="op1", everybody=True
        )
    )
    assert {DAUGHTER, SON, GUARDIAN} <= outside(world)


def test_of_all_who_were_asked_for_one_came_then_the_request_has_not_failed_when_she_goes(world: World) -> None:
    with_operator(world)
    world.board.busy |= {SON, GUARDIAN}
    incident = world.incident().id
    world.run(lambda: world.controller.emergencies.request_help(incident, "family", None, actor="op1", everybody=True))
    daughter = world.ringing(DAUGHTER)
    world.accept(daughter)
    world.wait(60)
    world.hang_up(daughter)
    world.wait(60)
    assert [world.dialled(number) for number in (DAUGHTER, SON, GUARDIAN)] == [1, 2, 2]
    assert world.bodies(ef.HelpFailed) == []


def test_a_second_click_while_the_first_relative_talks_calls_the_next(world: World) -> None:
    with_operator(world)
    first = world.request("family")
    world.accept(world.ringing(DAUGHTER))
    second = world.request("family")
    assert second != first
    assert world.rings(SON)


def test_whom_an_operator_takes_off_is_not_called_again(world: World) -> None:
    with_operator(world)
    leg = world.request("doctor")
    world.run(lambda: world.controller.emergencies.remove(world.incident().id, leg, actor="op1"))
    world.wait(60)
    assert world.dialled(DOCTOR) == 1
    (ended,) = [body for body in world.bodies(cf.LegEnded) if body.role == "doctor"]
    assert ended.reason == "cancelled", "it rang; the record says why it stopped"


def test_a4_a_briefing_that_never_went_out_is_sent_anew_at_the_next_click(world: World) -> None:
    with_operator(world)
    incident, controller = world.incident().id, world.controller

    def click() -> str:
        (message,) = controller.emergencies.brief(
            incident, "doctor", None, actor="op1", confirmed=False, request_id=None
        )
        return message.id

    first = click()
    assert click() == first
    given_up = MessageGivenUp(message_id=first, why="no_channel")
    world.run(lambda: controller.ledger.record(given_up, actor="system", incident_id=incident))
    second = click()
    assert second != first
    assert click() == second


def test_one_request_is_not_dialled_again_after_a_crash_that_swallowed_its_end(world: World) -> None:
    """The other end may have heard it ring: only a human may say whether to call again."""
    with_operator(world)
    world.request("120", request_id="click")
    ambulance = world.ringing(AMBULANCE)
    world.crash()
    world.board.hang_up(ambulance)
    world.start()
    world.wait(60)
    assert world.dialled(AMBULANCE) == 1
    assert [(body.role, body.why) for body in world.bodies(ef.HelpFailed)] == [("120", "lost")]
