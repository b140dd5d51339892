"""Anything may happen in any order to the hotline's queues; what must never happen never does (B1, B7).

Callers come to queues with skills, hours and overflow, are transferred, hang up; seats come and go by two kinds of
phone, pause, answer, refuse, let it ring out; emergencies take them; the link breaks and the controller is killed.
After every act: no caller is lost, no seat is booked twice, nobody waits beside a seat that is free for her, and no
seat is in a state without a way out.
"""

import logging
from pathlib import Path

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callcenter.calls.model import Call
from callcenter.errors import CallCenterError, PbxUnavailable
from callcenter.queues.model import Book, Hours, Overflow, Queue, Skills
from callcenter.routing.model import Demand, SeatState, eligible
from callcenter.routing.seats import LONGEST_WRAP_UP
from callcenter.telephony.events import HangupReason, PhoneStatus
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, World

OTHER_CENTRE = "051287654321"
QUEUES = (
    Queue(code="general", name="g", sticky_seconds=10, overflow=(Overflow("wait", 40, f"number:{OTHER_CENTRE}"),)),
    Queue(
        code="wu", name="w", skill="吴语", min_level=2, priority=3, overflow=(Overflow("length", 2, "queue:general"),)
    ),
    Queue(code="care", name="c", skill="失能", overflow=(Overflow("wait", 20, "callback"),), wrap_up_seconds=2),
    Queue(code="closed", name="z", hours=(Hours((1,), "03:00", "03:01"),), closed_to="voicemail"),
)
BOOK = Book(
    QUEUES,
    [Skills("op1", {"吴语": 1}), Skills("op2", {"吴语": 3, "失能": 2}), Skills("op3", {"失能": 5})],
)
CODES = st.sampled_from([queue.code for queue in QUEUES])
OPERATORS = st.sampled_from(["op1", "op2", "op3"])
CALLERS = st.sampled_from([WANG, LI, STRANGER, "anonymous"])
REFUSALS = st.sampled_from([HangupReason.BUSY, HangupReason.NO_ANSWER, HangupReason.REJECTED, HangupReason.UNREACHABLE])
PULSES = 0.75
"""A few pulses: within this much simulated time whatever goes by time has been done."""
PAUSE_SECONDS = 120.0


class Hotline(RuleBasedStateMachine):
    """The world, and what has been true of it."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.world = World(Path("unused"), book=BOOK)
        self.board = self.world.board
        self.mood = "takes"
        self.taken: set[str] = set()
        """Calls whose caller a voicemail or call-back has."""
        self._register_handlers()

    def teardown(self) -> None:
        self.world.close()
        structlog.reset_defaults()

    def _register_handlers(self) -> None:
        def handle(call: Call) -> bool:
            if self.mood == "fails":
                raise PbxUnavailable("gone")
            if self.mood == "takes":
                self.taken.add(call.id)
            return self.mood == "takes"

        for kind in ("voicemail", "callback"):
            self.world.controller.hotline.on_overflow(kind, handle)

    # --- what may happen ---------------------------------------------------------------------------------

    @initialize(users=st.sets(OPERATORS, min_size=1))
    def phones_are_on(self, users: set[str]) -> None:
        self.world.register(*sorted(users))

    @precondition(lambda self: self.world.linked)
    @rule(number=CALLERS, code=CODES)
    def arrive(self, number: str, code: str) -> None:
        channel = self.world.hotline(number, "")
        self._enqueue(channel.variables["CC_CALL"], code)
        self.world.run(lambda: self.board.to_room(channel))

    def _enqueue(self, call_id: str, code: str, **wishes: object) -> None:
        line = self.world.controller.hotline
        self.taken.discard(call_id)
        self.world.run(lambda: line.enqueue(call_id, queue=code, **wishes))  # type: ignore[arg-type]

    @precondition(lambda self: self.world.linked and self._talking())
    @rule(data=st.data(), code=CODES, to=st.sampled_from(["", "op2"]))
    def transfer(self, data: st.DataObject, code: str, to: str) -> None:
        call, operator = data.draw(st.sampled_from(self._talking()))
        self._enqueue(call.id, code, prefer=to, only=bool(to))
        self.world.hang_up(operator)

    @precondition(lambda self: self.world.linked and len(self.board.channels) < 12)
    @rule(number=st.sampled_from([WANG, LI]))
    def press(self, number: str) -> None:
        self.world.press(number)

    @precondition(lambda self: self.world.up and self._open_incidents())
    @rule()
    def close(self) -> None:
        for incident_id in self._open_incidents():
            self.world.close_incident("送医", incident_id)

    @rule(user=OPERATORS, on=st.booleans())
    def phone(self, user: str, on: bool) -> None:
        (self.world.register if on else self.world.unregister)(user)

    @rule(user=OPERATORS, on=st.booleans())
    def browser(self, user: str, on: bool) -> None:
        self.world.run(lambda: self.board.phone(f"{user}-web", on))

    @precondition(lambda self: self.world.up)
    @rule(user=OPERATORS, there=st.booleans())
    def page(self, user: str, there: bool) -> None:
        self.world.run(lambda: self.world.controller.routing.page(user, there))

    @precondition(lambda self: self.world.up)
    @rule(user=OPERATORS, ready=st.booleans())
    def declare(self, user: str, ready: bool) -> None:
        (self.world.ready if ready else self.world.pause)(user)

    @precondition(lambda self: self.world.up)
    @rule(user=OPERATORS, seconds=st.sampled_from([0, 60, 300]))
    def wrap_up(self, user: str, seconds: float) -> None:
        routing = self.world.controller.routing

        def say() -> None:
            try:
                routing.extend_wrap_up(user, seconds) if seconds else routing.finish_wrap_up(user)
            except CallCenterError:
                assert routing.state_of(routing.seat(user)) != SeatState.WRAP_UP

        self.world.run(say)

    @precondition(lambda self: self.world.all_ringing())
    @rule(data=st.data(), number=st.integers(1, 2))
    def answer(self, data: st.DataObject, number: int) -> None:
        ringing = st.sampled_from(self.world.all_ringing())
        self.world.answer(*data.draw(st.lists(ringing, min_size=1, max_size=number, unique_by=lambda c: c.id)))

    @precondition(lambda self: self.world.all_ringing())
    @rule(data=st.data(), reason=REFUSALS)
    def refuse(self, data: st.DataObject, reason: HangupReason) -> None:
        channel = data.draw(st.sampled_from(self.world.all_ringing()))
        self.world.run(lambda: self.board.refuse(channel, reason))

    @precondition(lambda self: self._up())
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        self.world.hang_up(data.draw(st.sampled_from(self._up())))

    @rule(mood=st.sampled_from(["takes", "refuses", "fails"]))
    def others(self, mood: str) -> None:
        """How voicemail and call-back are today."""
        self.mood = mood

    @precondition(lambda self: self.world.linked)
    @rule()
    def lose_the_link(self) -> None:
        self.world.lose_link()

    @precondition(lambda self: self.world.up and not self.world.linked)
    @rule()
    def regain_the_link(self) -> None:
        self.world.regain_link()

    @precondition(lambda self: self.world.up)
    @rule()
    def crash(self) -> None:
        """Everything written is kept: what a crash may lose is another machine's matter (test_calls_machine)."""
        self.world.journal.flush()
        self.world.crash()
        self.world.start()
        self._register_handlers()

    @rule(seconds=st.sampled_from([0.25, 1.0, 5.0, 25.0, 130.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    # --- what is seen ------------------------------------------------------------------------------------

    def _up(self) -> list[Channel]:
        return [channel for channel in self.board.channels.values() if channel.up]

    def _talking(self) -> list[tuple[Call, Channel]]:
        """Hotline calls with their one operator."""
        found = []
        for channel in self.board.channels.values():
            leg = self.world.controller.calls.leg_of_channel(channel.id) if channel.role == "seat" else None
            if leg is not None and leg[0].line == "hotline" and leg[1].accepted and channel.room == leg[0].room:
                found.append((leg[0], channel))
        return found

    def _open_incidents(self) -> list[str]:
        return [incident.id for incident in self.world.controller.emergencies.known() if incident.open]

    def _settled(self) -> bool:
        return self.world.up and self.world.linked

    # --- what must be true -------------------------------------------------------------------------------

    @invariant()
    def all_is_well(self) -> None:
        if not self._settled():
            return
        self.nobody_is_lost()
        self.no_seat_is_booked_twice()
        self.world.wait(PULSES)
        self.nobody_is_lost()
        self.no_seat_is_booked_twice()
        self.no_seat_is_stuck()
        self.nobody_waits_beside_a_free_seat()

    def nobody_is_lost(self) -> None:
        """Whoever is in her room waits, talks, or has been taken over; who waits is on the line."""
        line = self.world.controller.hotline
        waiting = set(line.queue())
        for channel in self.board.channels.values():
            if not channel.elder or channel.room is None:
                continue
            call = self.world.controller.calls.get(channel.variables["CC_CALL"])
            assert call.open
            if call.line == "hotline":
                with_somebody = any(leg.live and leg.role != "elder" and leg.answered_at for leg in call.legs.values())
                assert call.id in waiting or with_somebody or call.id in self.taken, call
        for call_id in waiting:
            call = self.world.controller.calls.get(call_id)
            assert call.open
            assert any(leg.live for leg in call.elder_legs)

    def no_seat_is_booked_twice(self) -> None:
        seats = [channel.variables["CC_NUMBER"] for channel in self.board.channels.values() if channel.role == "seat"]
        assert len(seats) == len(set(seats)), seats
        rung = [channel.variables["CC_ROOM"] for channel in self.world.all_ringing() if channel.role == "seat"]
        routine = {call.room for call in self.world.controller.calls.open_calls() if call.line == "hotline"}
        calm = [room for room in rung if room in routine]
        assert len(calm) == len(set(calm)), "a hotline caller rings one seat"

    def no_seat_is_stuck(self) -> None:
        """Every state is borne out by a line, or has a clock, or is what the operator said."""
        routing, now = self.world.controller.routing, self.world.clock.monotonic()
        for seat in routing.seats():
            match seat.state(now):
                case SeatState.TALKING | SeatState.RINGING:
                    _, leg = routing.leg_of(seat.user)
                    assert leg is not None
                    assert leg.live
                case SeatState.WRAP_UP:
                    assert now < (seat.deadline(now) or 0) <= now + LONGEST_WRAP_UP
                case SeatState.PAUSED if seat.reason == "no_answer":
                    assert (seat.deadline(now) or 0) <= now + PAUSE_SECONDS
                    assert (seat.deadline(now) or 0) > now - PULSES
                case SeatState.PAUSED:
                    assert seat.declared == "paused"
                case SeatState.OFFLINE:
                    assert seat.phone is None
                case SeatState.READY:
                    assert seat.registered
            assert seat.state_since(now) <= now

    def nobody_waits_beside_a_free_seat(self) -> None:
        routing, line, now = (
            self.world.controller.routing,
            self.world.controller.hotline,
            self.world.clock.monotonic(),
        )
        free = [seat for seat in routing.seats() if seat.state(now) is SeatState.READY]
        rung = {channel.variables["CC_CALL"] for channel in self.world.all_ringing()}
        on_the_way = {call.id for call, _ in self._talking()}
        for demand in line.demands(now):
            if demand.call_id in rung | on_the_way or self._answered(demand.call_id) or _for_somebody(demand, now):
                continue
            beside = [seat.user for seat in free if eligible(seat, demand, now)]
            assert not beside, (demand, beside)

    def _answered(self, call_id: str) -> bool:
        """A seat has picked up, or hears that somebody else did."""
        call = self.world.controller.calls.get(call_id)
        return any(leg.live and leg.role != "elder" for leg in call.legs.values())


def _for_somebody(demand: Demand, now: float) -> bool:
    """Whether she waits for a certain operator, for some seconds."""
    return demand.only or now < demand.prefer_until


def test_the_endpoint_of_the_browser_is_the_seats() -> None:
    """What the machine's phones stand on."""
    world = World(Path("unused"))
    world.run(lambda: world.controller.routing.phone(PhoneStatus("op1-web", True)))
    assert world.controller.routing.seat("op1").endpoint == "op1-web"
    world.close()


TestHotline = Hotline.TestCase
TestHotline.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
