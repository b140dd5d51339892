"""Seats in any order: phones that answer by themselves, operators taken from routine calls, crashes (R12, R13).

What must hold after every act: nobody has two seats and no seat two callers; there is one owner of an emergency;
a routine caller whose operator was taken is never forgotten. Held against what is true in the switchboard.
"""

import logging
from collections import Counter
from pathlib import Path

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Line, Role
from callcenter.routing.facts import HotlineHeld
from callcenter.routing.model import SeatState
from callcenter.routing.preemption import AGAIN_SECONDS
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
from tests.support.world import LI, STRANGER, WANG, Account, World

ACCOUNTS = (
    Account("op1", auto_answer=True),
    Account("op2"),
    Account("op3", auto_answer=True),
    Account("sup1", "supervisor", auto_answer=True),
)
USERS = st.sampled_from([account.user for account in ACCOUNTS])
SILENT_SECONDS = 8.5
"""Proof of life within 8 s, and a pulse or two."""


class Seats(RuleBasedStateMachine):
    """Four seats, two elders, routine callers."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.world = World(Path("unused"), seats=ACCOUNTS, duty=())
        self.board = self.world.board
        self.board.obedient |= {"op1", "sup1"}
        self.unproved_since: dict[str, float] = {}
        self.restarted_at = 0.0

    def teardown(self) -> None:
        self.world.close()
        structlog.reset_defaults()

    # --- what may happen ---------------------------------------------------------------------------------

    @initialize(talks=st.integers(0, 3))
    def phones_are_on(self, talks: int) -> None:
        self.world.register(*(account.user for account in ACCOUNTS))
        for _ in range(talks):
            self.routine_talk(STRANGER)

    @rule(number=st.sampled_from([WANG, LI]))
    def press(self, number: str) -> None:
        self.world.press(number)

    @rule(number=st.sampled_from([STRANGER, "051266660001"]))
    def hotline(self, number: str) -> None:
        self.world.hotline(number)

    @rule(number=st.sampled_from([STRANGER, "051266660001"]))
    def routine_talk(self, number: str) -> None:
        """A caller comes, and whoever rings for her picks up."""
        room = self.world.hotline(number).room
        self.world.answer(*[channel for channel in self._ringing() if channel.variables["CC_ROOM"] == room])

    @rule(number=st.sampled_from([WANG, LI]))
    def press_that_waits(self, number: str) -> None:
        """The plan asks for busy seats by now."""
        self.world.press(number)
        self.world.wait(3.25)

    @rule(user=USERS, on=st.sampled_from([True, True, True, False]))
    def phone(self, user: str, on: bool) -> None:
        (self.world.register if on else self.world.unregister)(user)

    @rule(user=USERS, ready=st.sampled_from([True, True, True, False]))
    def declare(self, user: str, ready: bool) -> None:
        (self.world.ready if ready else self.world.pause)(user)

    @precondition(lambda self: self._ringing())
    @rule(data=st.data(), number=st.integers(1, 3))
    def answer(self, data: st.DataObject, number: int) -> None:
        """Phones are picked up, several in the same moment."""
        ringing = st.sampled_from(self._ringing())
        self.world.answer(*data.draw(st.lists(ringing, min_size=1, max_size=number, unique_by=lambda c: c.id)))

    @precondition(lambda self: self._ringing() and self._unproved())
    @rule(data=st.data(), life_first=st.booleans())
    def answer_in_the_moment_of_life(self, data: st.DataObject, life_first: bool) -> None:
        by_hand, alone = data.draw(st.sampled_from(self._ringing())), data.draw(st.sampled_from(self._unproved()))

        def both() -> None:
            if life_first:
                self.board.speak(alone)
            self.board.pick_up(by_hand)
            if not life_first:
                self.board.speak(alone)

        self.world.run(both)

    @precondition(lambda self: self._unproved())
    @rule(data=st.data(), how=st.sampled_from(["speech", "key", "click"]))
    def life(self, data: st.DataObject, how: str) -> None:
        channel = data.draw(st.sampled_from(self._unproved()))
        match how:
            case "speech":
                self.world.run(lambda: self.board.speak(channel))
            case "key":
                self.world.run(lambda: self.board.key(channel, "alive"))
            case _:
                self.world.run(lambda: self._click(channel))

    def _click(self, channel: Channel) -> None:
        found = self.world.controller.calls.leg_of_channel(channel.id)
        if found is not None:
            self.world.controller.acceptance.click(found[0].incident_id or "", channel.target)

    @precondition(lambda self: self._ringing())
    @rule(data=st.data(), reason=st.sampled_from([HangupReason.BUSY, HangupReason.NO_ANSWER]))
    def refuse(self, data: st.DataObject, reason: HangupReason) -> None:
        channel = data.draw(st.sampled_from(self._ringing()))
        self.world.run(lambda: self.board.refuse(channel, reason))

    @precondition(lambda self: self._up())
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        self.world.hang_up(data.draw(st.sampled_from(self._up())))

    @rule(seconds=st.sampled_from([0.25, 1.0, 3.25, 9.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        emergencies = [one.id for one in self.world.controller.emergencies.known() if one.open]
        if emergencies:
            self.world.close_incident(incident_id=data.draw(st.sampled_from(emergencies)))

    @rule(lost=st.integers(0, 6), meanwhile=st.sampled_from([0.0, 2.0]))
    def crash(self, lost: int, meanwhile: float) -> None:
        """kill -9 with facts unwritten; two seconds after the restart all is compared."""
        self.world.crash(lost)
        self.world.wait(meanwhile)
        self.world.start()
        self.world.wait(2.0)
        self.restarted_at = self.world.clock.monotonic()

    @rule(meanwhile=st.sampled_from([0.0, 2.0]))
    def lose_the_link(self, meanwhile: float) -> None:
        self.world.lose_link()
        self.world.wait(meanwhile)
        self.world.regain_link()
        self.world.wait(2.0)

    # --- what must be true -------------------------------------------------------------------------------

    @invariant()
    def who_is_where_is_known(self) -> None:
        calls = self.world.controller.calls
        for channel in self._seat_channels():
            found = calls.leg_of_channel(channel.id)
            assert found is not None, channel
            call, leg = found
            assert leg.live or calls.leaving(leg)
            assert leg.in_room == (channel.room is not None), (leg, channel)
            assert channel.room in (None, call.room), (call, channel)
        for call in calls.open_calls():
            for leg in call.live_legs:
                assert leg.channel_id in self.board.channels or calls.leaving(leg), leg

    @invariant()
    def no_seat_has_two_callers(self) -> None:
        live = Counter(
            leg.number
            for call in self.world.controller.calls.open_calls()
            for leg in call.live_legs
            if leg.role == Role.SEAT
        )
        assert all(number == 1 for number in live.values()), live
        for seat in self.world.controller.routing.seats():
            state = self.world.controller.routing.state_of(seat)
            assert live[seat.user] or state not in (SeatState.TALKING, SeatState.RINGING), (seat, state)

    @invariant()
    def an_emergency_has_one_owner(self) -> None:
        rooms: dict[str, list[bool]] = {}
        for call in self.world.controller.calls.open_calls():
            for leg in call.live_legs:
                if leg.role in STAFF and leg.in_room and not self.world.controller.calls.leaving(leg):
                    rooms.setdefault(call.room, []).append(leg.accepted)
        assert all(len(there) == 1 for there in rooms.values()), rooms

    @invariant()
    def a_silent_phone_is_not_there_for_long(self) -> None:
        now = self.world.clock.monotonic()
        there = {channel.id for channel in self._unproved()}
        since = {channel_id: max(self.unproved_since.get(channel_id, now), self.restarted_at) for channel_id in there}
        self.unproved_since = since
        assert all(now - at <= SILENT_SECONDS for at in since.values())

    @invariant()
    def no_routine_caller_is_forgotten(self) -> None:
        queue = self.world.controller.hotline.queue()
        for call in self.world.controller.calls.open_calls():
            if call.line != Line.HOTLINE or call.via == "fallback":
                continue
            assert any(leg.live for leg in call.elder_legs), call
            if any(leg.in_room for leg in call.elder_legs):
                assert call.staffed != (call.id in queue), call

    @invariant()
    def only_routine_calls_give_way_and_one_for_each_emergency(self) -> None:
        taken: dict[str, float] = {}
        for fact in self.world.journal.facts():
            if isinstance(fact.body, HotlineHeld):
                assert self.world.controller.calls.get(fact.call_id or "").incident_id is None
            if isinstance(fact.body, cf.LegAdded) and fact.body.channel_id not in ("", fact.body.leg_id):
                at = fact.at.timestamp()
                if self.restarted_at == 0.0:
                    assert at - taken.get(fact.incident_id or "", -1e9) >= AGAIN_SECONDS - 0.01
                taken[fact.incident_id or ""] = at

    # --- helpers -----------------------------------------------------------------------------------------

    def _seat_channels(self) -> list[Channel]:
        return [channel for channel in self.board.channels.values() if channel.role == "seat"]

    def _ringing(self) -> list[Channel]:
        return [channel for channel in self._seat_channels() if not channel.up]

    def _up(self) -> list[Channel]:
        return [channel for channel in self.board.channels.values() if channel.up]

    def _unproved(self) -> list[Channel]:
        return [
            channel
            for channel in self._seat_channels()
            if channel.claims_auto is not None and channel.claims is None and channel.room is not None
        ]


TestSeats = Seats.TestCase
TestSeats.settings = settings(
    max_examples=80,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
