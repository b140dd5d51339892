"""The hotline's queues at work: skills, priority, last operator, ring-no-answer, wrap-up, overflow, phones (B1, B7)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.calls.model import Call
from callcenter.errors import Conflict, PbxUnavailable
from callcenter.queues.model import Book, Hours, Overflow, Queue, Skills
from callcenter.routing import facts as f
from callcenter.routing.hotline import Hotline
from callcenter.routing.seats import LONGEST_WRAP_UP
from callcenter.telephony.events import HangupReason, PhoneStatus
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, World

OTHER_CENTRE = "051287654321"
CLOSED = (Hours((1,), "03:00", "03:01"),)
"""Never when a test runs: the hand clock stands still in the day."""


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[list[World]]:
    made: list[World] = []
    yield made
    for world in made:
        world.close()


@pytest.fixture
def build(tmp_path: Path, worlds: list[World]) -> "Build":
    return Build(tmp_path, worlds)


class Build:
    """Worlds with queues."""

    def __init__(self, folder: Path, made: list[World]) -> None:
        self._folder, self._made = folder, made

    def __call__(self, *queues: Queue, **skills: dict[str, int]) -> World:
        book = Book(queues, [Skills(user, levels) for user, levels in skills.items()])
        self._made.append(World(self._folder, book=book))
        return self._made[-1]


def queue(code: str, **settings: object) -> Queue:
    return Queue(code=code, name=code, **settings)  # type: ignore[arg-type]


def arrives(world: World, number: str, code: str = "", **wishes: object) -> Channel:
    """Somebody calls the hotline and is put into a queue, as a menu does."""
    channel = world.hotline(number, "")
    call_id = channel.variables["CC_CALL"]
    world.run(lambda: world.controller.hotline.enqueue(call_id, queue=code, **wishes))  # type: ignore[arg-type]
    world.run(lambda: world.board.to_room(channel))
    return channel


def ringing(world: World) -> set[str]:
    return {channel.target for channel in world.all_ringing()}


def hotline(world: World) -> Hotline:
    return world.controller.hotline


def state(world: World, user: str) -> str:
    return world.controller.routing.state_of(world.controller.routing.seat(user))


def talk(world: World, user: str, seconds: float, caller: Channel) -> None:
    world.answer(world.ringing(user))
    world.wait(seconds)
    world.hang_up(caller)


# --- distribution ----------------------------------------------------------------------------------------------


def test_a_skill_reaches_who_has_it_at_its_level_the_better_first(build: Build) -> None:
    world = build(queue("wu", skill="吴语", min_level=3), op1={"吴语": 2}, op2={"吴语": 3}, op3={"吴语": 5})
    world.register("op1", "op2", "op3")
    arrives(world, WANG, "wu")
    assert ringing(world) == {"op3"}
    arrives(world, LI, "wu")
    assert ringing(world) == {"op3", "op2"}
    arrives(world, STRANGER, "wu")
    assert ringing(world) == {"op3", "op2"}
    assert len(hotline(world).queue("wu")) == 3
    assert hotline(world).queue_of(arrives(world, STRANGER, "nowhere").variables["CC_CALL"]) == "general"


def test_priority_goes_before_and_waiting_makes_up_for_it(build: Build) -> None:
    world = build(queue("low", ageing_seconds=10), queue("high", priority=2, ageing_seconds=10))
    low = arrives(world, WANG, "low")
    world.wait(15)
    high = arrives(world, LI, "high")
    order = [high.variables["CC_CALL"], low.variables["CC_CALL"]]
    assert hotline(world).queue() == order
    world.wait(15)
    later = arrives(world, STRANGER, "high")
    assert hotline(world).queue() == [*order, later.variables["CC_CALL"]]
    first, second, third = (hotline(world).callers(code) for code in ("low", "high", "general"))
    assert [(c.position, c.waited_seconds) for c in second] == [(1, 15.0), (2, 0.0)]
    assert (first[0].priority, third) == (3.0, [])


def test_her_last_operator_has_her_first_for_some_seconds_even_from_another_call(build: Build) -> None:
    world = build(queue("general", sticky_seconds=20, wrap_up_seconds=0))
    world.register("op1")
    talk(world, "op1", 5, arrives(world, WANG))
    arrives(world, LI)
    world.answer(world.ringing("op1"))
    world.register("op2")
    again = arrives(world, WANG)
    world.wait(19)
    assert ringing(world) == set(), "op1 talks, but is there"
    world.wait(1.25)
    assert ringing(world) == {"op2"}
    world.hang_up(again)


def test_her_last_operator_is_rung_before_who_is_longer_idle(build: Build) -> None:
    world = build(queue("general", sticky_seconds=20, wrap_up_seconds=0))
    world.register("op1")
    talk(world, "op1", 5, arrives(world, WANG))
    world.register("op2", "op3")
    world.wait(5)
    arrives(world, WANG)
    assert ringing(world) == {"op1"}
    world.pause("op1")
    assert len(ringing(world)) == 1
    assert ringing(world) <= {"op2", "op3"}


def test_a_caller_sent_to_a_seat_waits_for_it_alone_but_not_for_ever(build: Build) -> None:
    world = build()
    world.register("op1", "op2")
    world.pause("op2")
    arrives(world, WANG, prefer="op2", only=True)
    world.wait(29)
    assert ringing(world) == set()
    world.wait(1.5)
    assert ringing(world) == {"op1"}


def test_a_caller_keeps_the_place_that_she_was_promised(build: Build) -> None:
    """A call-back keeps one's place."""
    world = build()
    early = world.clock.now() - timedelta(minutes=5)
    first = arrives(world, WANG)
    back = arrives(world, LI, since=early)
    assert hotline(world).queue() == [back.variables["CC_CALL"], first.variables["CC_CALL"]]
    world.crash()
    world.start()
    assert hotline(world).queue() == [back.variables["CC_CALL"], first.variables["CC_CALL"]]


# --- seats -----------------------------------------------------------------------------------------------------


def test_who_lets_the_hotline_ring_out_is_paused_and_back_after_two_minutes_by_itself(build: Build) -> None:
    world = build(queue("general", ring_seconds=15))
    world.register("op1")
    caller = arrives(world, WANG)
    world.wait(14.75)
    assert world.rings("op1")
    world.register("op2")
    world.wait(0.5)
    assert ringing(world) == {"op2"}, "offered on at once"
    seat = world.controller.routing.seat("op1")
    assert (state(world, "op1"), seat.reason) == ("paused", "no_answer")
    deadline = world.controller.routing.deadline(seat)
    assert deadline is not None
    assert abs(deadline - world.clock.now() - timedelta(seconds=120)) < timedelta(seconds=1)
    (body,) = world.bodies(f.SeatDeclared)
    assert (body.seat, body.reason) == ("op1", "no_answer")
    assert {fact.actor for fact in world.journal.facts() if fact.kind == "seat.declared"} == {"system"}
    talk(world, "op2", 5, caller)
    world.crash()
    world.start()
    assert state(world, "op1") == "paused"
    world.wait(120)
    assert state(world, "op1") == "ready"


def test_who_was_paused_so_is_back_by_hand_and_an_emergency_never_minded(build: Build) -> None:
    """A9: the hotline's pause does not keep an elder from the seat."""
    world = build(queue("general", ring_seconds=15))
    world.register("op1")
    arrives(world, WANG)
    world.wait(15.5)
    assert state(world, "op1") == "paused"
    world.press(LI)
    assert ringing(world) == {"op1"}
    world.hang_up(world.ringing("op1"))
    world.close_incident()
    world.ready("op1")
    assert world.controller.routing.seat("op1").pause_ends == 0


@pytest.mark.parametrize("reason", [HangupReason.REJECTED, HangupReason.BUSY, HangupReason.UNREACHABLE])
def test_only_ringing_out_pauses(build: Build, reason: HangupReason) -> None:
    world = build()
    world.register("op1")
    arrives(world, WANG)
    world.run(lambda: world.board.refuse(world.ringing("op1"), reason))
    assert state(world, "op1") in ("ready", "ringing")


def test_an_emergency_that_rings_out_pauses_nobody(build: Build) -> None:
    world = build()
    world.register("op1")
    world.press(WANG)
    world.run(lambda: world.board.refuse(world.ringing("op1"), HangupReason.NO_ANSWER))
    assert world.controller.routing.seat("op1").declared == "ready"


def test_wrap_up_is_the_queues_can_be_made_longer_within_bounds_and_ends_by_word_or_clock(build: Build) -> None:
    world = build(queue("general", wrap_up_seconds=30))
    routing = world.controller.routing
    world.register("op1")
    talk(world, "op1", 5, arrives(world, WANG))
    assert state(world, "op1") == "wrap_up"
    world.wait(29)
    world.run(lambda: routing.extend_wrap_up("op1", 60))
    world.wait(60)
    assert state(world, "op1") == "wrap_up"
    for _ in range(10):
        world.run(lambda: routing.extend_wrap_up("op1", 300))
    deadline = routing.deadline(routing.seat("op1"))
    assert deadline is not None
    assert deadline - world.clock.now() < timedelta(seconds=LONGEST_WRAP_UP)
    arrives(world, LI)
    assert ringing(world) == set()
    world.run(lambda: routing.finish_wrap_up("op1"))
    assert ringing(world) == {"op1"}
    with pytest.raises(Conflict, match="not in wrap-up"):
        routing.finish_wrap_up("op1")


@pytest.mark.parametrize("paused", [False, True])
def test_who_says_ready_in_the_wrap_up_is_ready(build: Build, paused: bool) -> None:
    """B7: also who had said before that he would like a pause."""
    world = build(queue("general", wrap_up_seconds=60))
    world.register("op1")
    talk(world, "op1", 5, arrives(world, WANG))
    if paused:
        world.pause("op1")
        assert state(world, "op1") == "paused"
    world.ready("op1")
    assert state(world, "op1") == "ready"
    arrives(world, LI)
    assert ringing(world) == {"op1"}


def test_a_wrap_up_goes_on_over_a_restart_and_ends_when_it_would_have(build: Build) -> None:
    world = build(queue("general", wrap_up_seconds=30))
    world.register("op1")
    talk(world, "op1", 5, arrives(world, WANG))
    world.wait(20)
    world.crash()
    world.wait(5)
    world.start()
    assert state(world, "op1") == "wrap_up"
    world.wait(5.25)
    assert state(world, "op1") == "ready"


def test_every_state_says_since_when_it_is(build: Build) -> None:
    world = build(queue("general", wrap_up_seconds=10))
    routing = world.controller.routing

    def since() -> float:
        return round((world.clock.now() - routing.state_since(routing.seat("op1"))).total_seconds(), 2)

    world.wait(3)
    world.register("op1")
    world.wait(2)
    assert (state(world, "op1"), since()) == ("ready", 2)
    caller = arrives(world, WANG)
    world.wait(1)
    assert (state(world, "op1"), since()) == ("ringing", 1)
    world.answer(world.ringing("op1"))
    world.wait(4)
    assert (state(world, "op1"), since()) == ("talking", 4)
    world.hang_up(caller)
    world.wait(6)
    assert (state(world, "op1"), since()) == ("wrap_up", 6)
    world.wait(7)
    assert (state(world, "op1"), since()) == ("ready", 3)
    world.unregister("op1")
    world.wait(1)
    assert (state(world, "op1"), since()) == ("offline", 1)


def test_a_seat_is_rung_in_the_browser_while_its_page_is_there_else_on_its_phone(build: Build) -> None:
    """A seat whose page is gone is offline, unless it has another phone."""
    world = build()
    routing = world.controller.routing
    world.run(lambda: routing.phone(PhoneStatus("op1-web", True)))
    assert (routing.seat("op1").phone, routing.seat("op1").endpoint) == ("web", "op1-web")
    world.run(lambda: routing.page("op1", False))
    assert state(world, "op1") == "offline"
    world.run(lambda: routing.page("op1", True))
    assert state(world, "op1") == "ready"
    world.board.registered.add("op1-web")
    arrives(world, WANG)
    assert [dial.target for dial in world.board.dialled] == ["PJSIP/op1-web"]
    assert world.bodies(cf.LegAdded)[-1].number == "op1"
    world.run(lambda: routing.page("op1", False))
    assert ringing(world) == set()
    world.register("op1")
    assert (routing.seat("op1").phone, world.board.dialled[-1].target) == ("sip", "PJSIP/op1")
    world.run(lambda: routing.reconcile_phones(frozenset({"op1-web"})))
    assert state(world, "op1") == "offline", "the page is still gone"


# --- overflow --------------------------------------------------------------------------------------------------


def test_who_waits_too_long_overflows_to_another_queue_and_keeps_her_place(build: Build) -> None:
    world = build(
        queue("wu", skill="吴语", overflow=(Overflow("wait", 20, "queue:general"),)),
        queue("general", overflow=(Overflow("wait", 5, "queue:wu"),)),
    )
    world.register("op1")
    caller = arrives(world, WANG, "wu")
    world.wait(20)
    assert ringing(world) == set()
    world.wait(0.5)
    assert ringing(world) == {"op1"}
    (body,) = world.bodies(f.HotlineOverflowed)
    assert (body.queue, body.to, body.why) == ("wu", "queue:general", "wait")
    world.pause("op1")
    world.wait(60)
    assert len(world.bodies(f.HotlineOverflowed)) == 1, "not back to where she came from"
    (waiting,) = hotline(world).callers("general")
    assert (waiting.call_id, waiting.waited_seconds >= 80) == (caller.variables["CC_CALL"], True)


def test_the_last_to_come_overflow_by_length(build: Build) -> None:
    world = build(queue("general", overflow=(Overflow("length", 1, "queue:b"),)), queue("b"))
    first, second = arrives(world, WANG), arrives(world, LI)
    world.wait(0.5)
    assert hotline(world).queue("general") == [first.variables["CC_CALL"]]
    assert hotline(world).queue("b") == [second.variables["CC_CALL"]]


@pytest.mark.parametrize("rule", ["length", "expected_wait", "full"])
def test_of_several_at_once_nobody_is_sent_away_for_whom_a_seat_is_free(build: Build, rule: str) -> None:
    """B1: three callers, three seats; the fourth goes."""
    overflow = () if rule == "full" else (Overflow(rule, 1, "queue:b"),)
    full = {"max_length": 1, "closed_to": "queue:b"} if rule == "full" else {}
    world = build(queue("general", overflow=overflow, **full), queue("b", skill="none"))
    world.register("op1", "op2", "op3")
    callers = [arrives(world, number) for number in (WANG, LI, STRANGER, "13700000009")]
    world.wait(0.5)
    assert ringing(world) == {"op1", "op2", "op3"}
    assert hotline(world).queue("general") == [one.variables["CC_CALL"] for one in callers[:3]]
    assert hotline(world).queue("b") == [callers[3].variables["CC_CALL"]]


def test_by_expected_wait_those_go_who_would_wait_too_long(build: Build) -> None:
    world = build(queue("general", overflow=(Overflow("expected_wait", 200, "queue:b"),)), queue("b", skill="none"))
    world.register("op1")
    world.answer(world.ringing("op1")) if arrives(world, STRANGER) else None
    first, second = arrives(world, WANG), arrives(world, LI)
    assert hotline(world).expected_wait("general", 2) == 360
    world.wait(0.5)
    assert hotline(world).queue("general") == [first.variables["CC_CALL"]]
    assert hotline(world).queue("b") == [second.variables["CC_CALL"]]
    assert hotline(world).expected_wait("b") is None


def test_another_centre_is_rung_while_she_keeps_her_place(build: Build) -> None:
    world = build(queue("general", overflow=(Overflow("wait", 10, f"number:{OTHER_CENTRE}"),)))
    caller = arrives(world, WANG)
    world.wait(10.5)
    assert world.rings(OTHER_CENTRE)
    assert hotline(world).queue() == [caller.variables["CC_CALL"]]
    world.run(lambda: world.board.refuse(world.ringing(OTHER_CENTRE), HangupReason.BUSY))
    world.wait(50)
    assert (world.dialled(OTHER_CENTRE), hotline(world).queue()) == (1, [caller.variables["CC_CALL"]])
    world.wait(15)
    world.answer(world.ringing(OTHER_CENTRE))
    assert hotline(world).queue() == []
    assert {channel.target for channel in world.board.channels.values() if channel.room == caller.room} == {
        "trunk",
        OTHER_CENTRE,
    }
    world.hang_up(caller)
    assert not world.board.channels


def test_who_is_sent_on_to_ourselves_is_not_sent_on_again(build: Build) -> None:
    """A way out that leads back here would take one more line of the trunk each time."""
    world = build(queue("general", overflow=(Overflow("wait", 10, f"number:{OTHER_CENTRE}"),)))
    caller = arrives(world, world.settings.trunk_caller)
    world.wait(30)
    assert world.dialled(OTHER_CENTRE) == 0
    assert hotline(world).queue() == [caller.variables["CC_CALL"]]


def test_the_other_centre_stops_ringing_when_a_seat_was_first(build: Build) -> None:
    world = build(queue("general", overflow=(Overflow("wait", 10, f"number:{OTHER_CENTRE}"),)))
    arrives(world, WANG)
    world.wait(10.5)
    world.register("op1")
    world.answer(world.ringing("op1"))
    assert ringing(world) == set()


@pytest.mark.parametrize("closed", [False, True])
def test_who_does_not_want_to_be_called_back_is_left_in_line_for_a_while(build: Build, closed: bool) -> None:
    """B1: no seat rings for her while she is asked; asked again and again she would hardly be in line at all."""
    rules = {"hours": CLOSED, "closed_to": "callback"} if closed else {"overflow": (Overflow("wait", 10, "callback"),)}
    world = build(queue("general", **rules))
    asked: list[float] = []

    def callback(_: Call) -> bool:
        asked.append(world.clock.monotonic())
        return True

    hotline(world).on_overflow("callback", callback)
    call_id = arrives(world, WANG).variables["CC_CALL"]
    world.wait(11)
    assert len(asked) == 1
    for times in (2, 3):
        world.run(lambda: hotline(world).enqueue(call_id))
        world.wait(59)
        assert hotline(world).queue() == [call_id]
        world.wait(2)
        assert len(asked) == times


def test_while_another_centre_rings_no_other_way_is_tried(build: Build) -> None:
    """B1: it would pick up to an empty room."""
    world = build(
        queue("general", overflow=(Overflow("wait", 10, f"number:{OTHER_CENTRE}"), Overflow("wait", 20, "x")))
    )
    taken: list[str] = []

    def elsewhere(call: Call) -> bool:
        taken.append(call.id)
        return True

    hotline(world).on_overflow("x", elsewhere)
    caller = arrives(world, WANG)
    world.wait(25)
    assert ringing(world) == {OTHER_CENTRE}
    assert taken == []
    world.run(lambda: world.board.refuse(world.ringing(OTHER_CENTRE), HangupReason.BUSY))
    world.wait(0.5)
    assert taken == [caller.variables["CC_CALL"]]


def test_who_leaves_the_queue_by_herself_is_not_called_for_at_another_centre(build: Build) -> None:
    """B1: she asked to be called back while it rang."""
    world = build(queue("general", overflow=(Overflow("wait", 10, f"number:{OTHER_CENTRE}"),)))
    caller = arrives(world, WANG)
    world.wait(10.5)
    assert ringing(world) == {OTHER_CENTRE}
    world.run(lambda: hotline(world).leave(caller.variables["CC_CALL"], "callback", "elder"))
    assert ringing(world) == set()


def test_a_closed_queue_sends_her_on_when_she_is_in_her_room_and_rings_nobody(build: Build) -> None:
    world = build(queue("general", hours=CLOSED, closed_to="voicemail"))
    taken: list[str] = []

    def voicemail(call: Call) -> bool:
        taken.append(call.id)
        return True

    hotline(world).on_overflow("voicemail", voicemail)
    world.register("op1")
    channel = world.hotline(WANG, "")
    call_id = channel.variables["CC_CALL"]
    world.run(lambda: hotline(world).enqueue(call_id))
    assert (ringing(world), taken) == (set(), [])
    world.run(lambda: world.board.to_room(channel))
    world.wait(0.5)
    assert (ringing(world), taken, hotline(world).queue()) == (set(), [call_id], [])
    assert world.controller.calls.get(call_id).open
    world.crash()
    world.start()
    assert (ringing(world), hotline(world).queue()) == (set(), []), "she does not come back by a restart"
    world.hang_up(channel)
    assert not world.controller.calls.get(call_id).open


@pytest.mark.parametrize("how", ["refused", "failed", "nowhere"])
def test_an_overflow_that_does_not_take_her_leaves_her_where_she_is(build: Build, how: str) -> None:
    """No caller is lost."""
    world = build(queue("general", hours=CLOSED, closed_to="queue:none" if how == "nowhere" else "callback"))

    def callback(_: Call) -> bool:
        if how == "failed":
            raise PbxUnavailable("gone")
        return False

    hotline(world).on_overflow("callback", callback)
    world.register("op1")
    caller = arrives(world, WANG)
    world.wait(0.5)
    assert hotline(world).queue() == [caller.variables["CC_CALL"]]
    assert ringing(world) == {"op1"}


def test_who_came_to_a_closed_queue_is_sent_on_again_and_again_while_it_is_closed(build: Build) -> None:
    world = build(queue("general", hours=CLOSED, closed_to=f"number:{OTHER_CENTRE}"))
    caller = arrives(world, WANG)
    world.wait(0.5)
    world.run(lambda: world.board.refuse(world.ringing(OTHER_CENTRE), HangupReason.BUSY))
    world.wait(59)
    assert world.dialled(OTHER_CENTRE) == 1
    world.wait(1.5)
    assert world.dialled(OTHER_CENTRE) == 2
    assert hotline(world).queue() == [caller.variables["CC_CALL"]]
    world.run(lambda: world.board.refuse(world.ringing(OTHER_CENTRE), HangupReason.BUSY))
    world.book = Book()
    world.wait(120)
    assert world.dialled(OTHER_CENTRE) == 2, "it is open now"


def test_a_full_queue_is_as_if_closed_and_a_closed_target_is_refused(build: Build) -> None:
    world = build(
        queue("general", max_length=1, closed_to="queue:b"),
        queue("b", overflow=(Overflow("wait", 1, "queue:c"),)),
        queue("c", hours=CLOSED),
    )
    arrives(world, WANG)
    second = arrives(world, LI)
    world.wait(0.5)
    assert hotline(world).queue("b") == [second.variables["CC_CALL"]]
    world.wait(10)
    assert hotline(world).queue("b") == [second.variables["CC_CALL"]]
    assert [body.why for body in world.bodies(f.HotlineOverflowed)] == ["full"]


@pytest.mark.parametrize("last", ["voicemail", "queue:general", "stay"])
def test_a_closed_queue_that_sends_to_a_closed_one_sends_to_where_that_one_does(build: Build, last: str) -> None:
    """B1: a holiday closes the day's queue and the night's; a ring of closed ones, or one that keeps everybody, leaves
    her where she is."""
    world = build(
        queue("general", hours=CLOSED, closed_to="queue:b"),
        queue("b", hours=CLOSED, closed_to="queue:c"),
        queue("c", hours=CLOSED, closed_to=last),
    )
    taken: list[str] = []

    def voicemail(call: Call) -> bool:
        taken.append(call.id)
        return True

    hotline(world).on_overflow("voicemail", voicemail)
    caller = arrives(world, WANG).variables["CC_CALL"]
    world.wait(1)
    assert (taken, hotline(world).queue("general")) == (([caller], []) if last == "voicemail" else ([], [caller]))
    said = [(body.to, body.why) for body in world.bodies(f.HotlineOverflowed)]
    assert said == ([("voicemail", "closed")] if last == "voicemail" else [])


def test_who_waits_when_the_queue_closes_is_served_but_not_left_alone_when_everybody_has_gone_home(
    build: Build,
) -> None:
    """B1: closing time with somebody on the line: music all night, for nobody."""
    world = build(queue("general", closed_to="voicemail"))
    taken: list[str] = []

    def voicemail(call: Call) -> bool:
        taken.append(call.id)
        return True

    hotline(world).on_overflow("voicemail", voicemail)
    world.register("op1")
    world.answer((arrives(world, LI), world.ringing("op1"))[1])
    caller = arrives(world, WANG).variables["CC_CALL"]
    world.book = Book([queue("general", hours=CLOSED, closed_to="voicemail")])
    world.wait(60)
    assert (taken, hotline(world).queue()) == ([], [caller]), "an operator is there, and will have her"
    world.pause("op1")
    world.wait(20)
    world.ready("op1")
    world.wait(1)
    world.pause("op1")
    world.wait(20)
    assert (taken, hotline(world).queue()) == ([], [caller]), "who is back soon has not gone home"
    world.wait(11)
    assert (taken, hotline(world).queue()) == ([caller], [])


def test_a_queue_that_is_no_more_leaves_its_callers_in_the_general_one(build: Build) -> None:
    world = build(queue("wu", skill="吴语"))
    caller = arrives(world, WANG, "wu")
    world.register("op1")
    assert ringing(world) == set()
    world.book = Book()
    world.wait(0.5)
    assert ringing(world) == {"op1"}
    assert hotline(world).queue("general") == [caller.variables["CC_CALL"]]


# --- what she hears, and what others may know ------------------------------------------------------------------


def test_place_and_wait_are_said_as_the_queue_has_it(build: Build) -> None:
    world = build(queue("general", announce_wait=True), queue("quiet", announce_position=False))
    world.register("op1")
    talk(world, "op1", 5, arrives(world, STRANGER))
    world.pause("op1")
    loud, quiet = arrives(world, WANG), arrives(world, LI, "quiet")
    world.wait(8.25)
    assert world.board.played == [(loud.room, ("next-in-line",))], "nobody serves: no wait is promised"
    world.wait(20)
    world.ready("op1")
    world.answer(world.ringing("op1"))
    third = arrives(world, STRANGER)
    world.wait(8.25)
    assert (third.room, ("next-in-line", "expected-wait", "digit-3", "minutes")) in world.board.played
    assert not [room for room, _ in world.board.played if room == quiet.room]


def test_a_free_seat_for_a_place_is_one_that_nobody_before_it_waits_for(build: Build) -> None:
    world = build(queue("wu", skill="吴语"), op1={"吴语": 1})
    line = hotline(world)
    assert (line.free_for("general"), line.expected_wait("general")) == (False, None)
    world.register("op1", "op2")
    assert (line.free_for("wu"), line.free_for("general"), line.expected_wait("wu")) == (True, True, 0.0)
    world.pause("op1")
    assert (line.free_for("wu"), line.free_for("general")) == (False, True)
    world.pause("op2")
    arrives(world, WANG)
    world.wait(10)
    world.ready("op2")
    assert line.free_for("general") is False
    assert line.free_for("general", datetime(2020, 1, 1, tzinfo=UTC)) is False, "op2 rings for her already"


def test_a_caller_who_leaves_the_queue_stays_on_the_line(build: Build) -> None:
    world = build()
    caller = arrives(world, WANG)
    call_id = caller.variables["CC_CALL"]
    world.run(lambda: hotline(world).leave(call_id, "parked", "op1"))
    world.run(lambda: hotline(world).leave(call_id, "parked", "op1"))
    world.register("op1")
    world.wait(1)
    assert (ringing(world), hotline(world).queue(), world.call_of(caller).open) == (set(), [], True)
    world.run(lambda: hotline(world).enqueue(call_id))
    assert ringing(world) == {"op1"}


def test_a_transferred_caller_waits_again_and_her_call_goes_on_when_the_operator_leaves(build: Build) -> None:
    world = build(queue("wu", skill="吴语"), op2={"吴语": 5})
    world.register("op1")
    caller = arrives(world, WANG)
    world.answer(world.ringing("op1"))
    operator = next(channel for channel in world.board.channels.values() if channel.target == "op1")
    call_id = caller.variables["CC_CALL"]
    world.run(lambda: hotline(world).enqueue(call_id, queue="wu", actor="op1"))
    world.hang_up(operator)
    assert world.call_of(caller).open
    assert ringing(world) == set()
    world.register("op2")
    world.answer(world.ringing("op2"))
    assert world.call_of(caller).staffed
