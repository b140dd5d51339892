"""Callers in menus: versions, every way out of one, voicemail by hour, by rule and by key (B1)."""

import pytest

from callcenter.callbacks import facts as cb
from callcenter.menus.book import Book
from callcenter.menus.model import Action, Do, Menu, Node
from callcenter.queues.model import Book as Queues
from callcenter.queues.model import Hours, Overflow, Queue
from callcenter.routing import facts as rf
from callcenter.telephony.events import SeatCode
from callcenter.voicemail import facts as f
from callcenter.voicemail.service import BEGUN, ENDED
from tests.support.fake_pbx import Channel
from tests.support.world import LI, WANG, World

QUEUE, EMERGENCY = Action(Do.QUEUE), Action(Do.EMERGENCY)


def menu(id: str, otherwise: Action = QUEUE, **keys: Action) -> Menu:
    choices = {name.removeprefix("k"): action for name, action in keys.items()}
    main = Node(prompts=("menu",), choices={"0": QUEUE, "9": EMERGENCY, **choices}, otherwise=otherwise)
    more = Node(prompts=("hotline-welcome",), choices={"9": EMERGENCY, "1": QUEUE}, otherwise=QUEUE, tries=1)
    return Menu(id=id, root="main", nodes={"main": main, "more": more})


def publish(world: World, *menus: Menu) -> None:
    """The last is live, the others are what it replaced."""
    world.menus = Book(menus[-1], menus[:-1])


def code(world: World, caller: Channel, what: str) -> None:
    """The dialplan tells of her voicemail."""
    world.run(lambda: world.board.events.append(SeatCode("voicemail", caller.id, what)))


# --- menus -----------------------------------------------------------------------------------------------------


def test_a_caller_in_a_menu_when_a_new_one_goes_live_ends_in_the_one_she_began_with(world: World) -> None:
    old, new = menu("old", k1=Action(Do.QUEUE, "service")), menu("new", k1=Action(Do.VOICEMAIL))
    world.book = Queues([Queue(code="service", name="服务")])
    publish(world, old)
    caller = world.hotline(WANG, "")
    world.choose(caller, "7")
    publish(world, old, new)
    world.choose(caller, "1")
    assert world.controller.hotline.queue("service") == [caller.variables["CC_CALL"]]
    other = world.hotline(LI, "1")
    assert other.context == "cc-voicemail"


def test_a_menu_that_nobody_knows_any_more_is_an_operator(world: World) -> None:
    publish(world, menu("old"))
    caller = world.hotline(WANG, "")
    world.choose(caller, "7")
    publish(world, menu("newest", otherwise=Action(Do.VOICEMAIL)))
    world.choose(caller, "7")
    assert world.controller.hotline.queue() == [caller.variables["CC_CALL"]]


def test_a_restart_in_the_middle_of_a_menu_loses_nobody(world: World) -> None:
    publish(world, menu("m", k1=Action(Do.NODE, "more")))
    caller = world.hotline(WANG, "1")
    assert caller.variables["CC_PROMPTS"] == "hotline-welcome"
    world.crash()
    world.start()
    world.choose(caller, "1")
    assert world.controller.hotline.queue() == [caller.variables["CC_CALL"]]


def test_a_key_to_an_outside_number_dials_it_and_she_waits_for_a_seat_as_well(world: World) -> None:
    publish(world, menu("m", k4=Action(Do.NUMBER, "051288889999")))
    caller = world.hotline(WANG, "4")
    world.wait(1)
    assert world.rings("051288889999")
    world.register("op1")
    assert world.rings("op1")
    assert caller.context == "cc-room"


def test_a_key_to_a_call_back_asks_for_her_number_at_once(world: World) -> None:
    publish(world, menu("m", k5=Action(Do.CALLBACK)))
    caller = world.hotline(WANG, "5")
    assert caller.variables["CC_PROMPTS"].startswith("callback-number&")
    world.choose(caller, "1")
    assert [body.number for body in world.bodies(cb.CallBackAsked)] == [WANG]


def test_an_uploaded_prompt_is_played_from_its_own_folder(world: World) -> None:
    main = Node(prompts=("custom-spring", "menu"), choices={"9": EMERGENCY}, otherwise=QUEUE)
    publish(world, Menu(id="m", root="main", nodes={"main": main}))
    caller = world.hotline(WANG, "")
    world.choose(caller, "7")
    assert caller.variables["CC_PROMPTS"] == "wrong-input&custom/custom-spring&menu"


# --- voicemail -------------------------------------------------------------------------------------------------


def left(world: World) -> list[tuple[str, float]]:
    return [(body.ended, body.seconds) for body in world.bodies(f.VoicemailLeft)]


def to_voicemail(world: World) -> Channel:
    publish(world, menu("m", k6=Action(Do.VOICEMAIL)))
    caller = world.hotline(WANG, "6")
    assert caller.context == "cc-voicemail"
    assert caller.variables["CC_PROMPTS"] == "voicemail-intro"
    world.wait(5)
    code(world, caller, BEGUN)
    return caller


@pytest.mark.parametrize("how", ["key", "hangup"])
def test_a_message_is_a_part_of_the_calls_recording_and_has_to_be_dealt_with(world: World, how: str) -> None:
    caller = to_voicemail(world)
    world.wait(10)
    if how == "key":
        code(world, caller, ENDED)
    world.hang_up(caller)
    (message,) = world.bodies(f.VoicemailLeft)
    assert (message.caller, message.elder_id, message.ended) == (WANG, "elder-wang", how)
    assert message.seconds == pytest.approx(10, abs=0.5)
    assert message.offset_seconds == pytest.approx(5, abs=0.5)


def test_silence_after_her_words_ends_it_and_does_not_count(world: World) -> None:
    caller = to_voicemail(world)
    world.run(lambda: world.board.talk(caller))
    world.wait(20)
    world.run(lambda: world.board.hush(caller))
    world.wait(7)
    assert left(world) == []
    world.wait(2)
    assert [ended for ended, _ in left(world)] == ["silence"]
    assert left(world)[0][1] == pytest.approx(20, abs=1)
    assert not world.board.channels


@pytest.mark.parametrize("how", ["at once", "without a word"])
def test_who_says_nothing_is_an_abandoned_call_and_no_voicemail(world: World, how: str) -> None:
    caller = to_voicemail(world)
    if how == "at once":
        world.wait(1.5)
        world.hang_up(caller)
    else:
        world.wait(16)
    assert left(world) == []
    assert len(world.bodies(f.VoicemailAbandoned)) == 1
    assert not world.board.channels


def test_a_closed_queue_sends_her_to_voicemail_with_the_word_that_it_is_closed(world: World) -> None:
    hours = Hours(days=(1, 2, 3, 4, 5, 6, 7), start="03:00", end="03:01")
    world.book = Queues([Queue(code="general", name="热线", hours=(hours,), closed_to="voicemail")])
    world.register("op1")
    caller = world.hotline(WANG)
    world.wait(1)
    assert caller.context == "cc-menu"
    world.choose(caller, "")
    assert caller.context == "cc-voicemail"
    assert caller.variables["CC_PROMPTS"] == "closed-hours&voicemail-intro"
    assert not world.board.dialled
    assert [body.to for body in world.bodies(rf.HotlineOverflowed)] == ["voicemail"]


@pytest.mark.parametrize(("to", "said"), [("voicemail", "all-seats-busy&voicemail-intro"), ("callback", "callback-nu")])
def test_who_waits_too_long_goes_where_her_queue_says(world: World, to: str, said: str) -> None:
    world.book = Queues([Queue(code="general", name="热线", overflow=(Overflow("wait", 30, to),))])
    caller = world.hotline(WANG)
    world.wait(29)
    assert caller.context == "cc-room"
    world.wait(3)
    world.choose(caller, "")
    assert caller.variables["CC_PROMPTS"].startswith(said)
    if to == "callback":
        world.choose(caller, "0")
        assert caller.context == "cc-room"
        assert world.controller.hotline.queue() == [caller.variables["CC_CALL"]]


def test_9_in_a_voicemail_is_an_emergency_and_no_voicemail(world: World) -> None:
    caller = to_voicemail(world)
    world.wait(3)
    caller.variables["CC_NODE"] = "emergency"
    world.choose(caller, "")
    assert caller.room == world.incident().room
    world.wait(30)
    assert left(world) == []


@pytest.mark.parametrize("how", ["refused", "crash"])
def test_who_was_sent_on_and_could_not_go_waits_again_in_her_place(world: World, how: str) -> None:
    """R25: nobody is left with music, waiting for nobody."""
    caller = world.hotline(WANG)
    world.wait(1)
    other = world.hotline(LI)
    world.pbx.refuses.add("redirect")
    world.run(lambda: world.board.key(caller, "caller-1"))
    assert world.controller.hotline.queue() == [other.variables["CC_CALL"]]
    if how == "crash":
        world.crash()
        world.start()
    world.wait(5)
    assert world.controller.hotline.queue() == [caller.variables["CC_CALL"], other.variables["CC_CALL"]]
