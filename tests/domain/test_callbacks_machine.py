"""Whatever happens to those who are to be called back: never two lines to one number, and nobody is forgotten (B1)."""

import tempfile
from pathlib import Path

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from callcenter.callbacks.model import State
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
from tests.support.world import LI, WANG, World

NUMBERS = (WANG, LI, "13900000077")
SEATS = ("op1", "op2")


class CallBacksMachine(RuleBasedStateMachine):
    """Callers, seats and crashes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self._folder.name))
        self.world.register(*SEATS)

    def teardown(self) -> None:
        for one in self.world.controller.callbacks.known():
            event(f"a call-back that is {one.state}, after {len(one.attempts)} attempts")
        self.world.close()
        self._folder.cleanup()

    def _waiting(self) -> list[Channel]:
        queue = set(self.world.controller.hotline.queue())
        channels = self.world.board.channels.values()
        return [one for one in channels if one.target == "trunk" and one.variables.get("CC_CALL") in queue and one.room]

    def _dialled(self) -> list[Channel]:
        return [one for one in self.world.all_ringing() if one.target in NUMBERS]

    @rule(number=st.sampled_from(NUMBERS), digit=st.sampled_from(["0", "1"]))
    def somebody_calls(self, number: str, digit: str) -> None:
        if len(self.world.board.channels) < 12:
            self.world.hotline(number, digit)

    @precondition(lambda self: self._waiting())
    @rule(data=st.data(), keys=st.sampled_from([("", "1"), ("", "0"), ("", "2", "13900000077", "1"), ("",)]))
    def somebody_waiting_presses_1(self, data: st.DataObject, keys: tuple[str, ...]) -> None:
        caller = data.draw(st.sampled_from(self._waiting()))
        self.world.run(lambda: self.world.board.key(caller, "caller-1"))
        for key in keys:
            if caller.context == "cc-menu" and caller.id in self.world.board.channels:
                self.world.choose(caller, key)

    @rule(number=st.sampled_from(NUMBERS))
    def the_desk_asks(self, number: str) -> None:
        world = self.world
        world.run(lambda: world.controller.callbacks.ask(number, queue="", since=world.clock.now(), actor="op1"))

    @precondition(lambda self: self.world.all_ringing())
    @rule(data=st.data())
    def a_phone_is_picked_up(self, data: st.DataObject) -> None:
        self.world.answer(data.draw(st.sampled_from(self.world.all_ringing())))

    @precondition(lambda self: self.world.all_ringing())
    @rule(data=st.data(), reason=st.sampled_from([HangupReason.NO_ANSWER, HangupReason.BUSY, HangupReason.FAILED]))
    def a_phone_is_not(self, data: st.DataObject, reason: HangupReason) -> None:
        phone = data.draw(st.sampled_from(self.world.all_ringing()))
        self.world.run(lambda: self.world.board.refuse(phone, reason))

    @precondition(lambda self: self.world.board.channels)
    @rule(data=st.data())
    def somebody_hangs_up(self, data: st.DataObject) -> None:
        self.world.hang_up(data.draw(st.sampled_from(list(self.world.board.channels.values()))))

    @rule(number=st.sampled_from(NUMBERS))
    def somebody_presses_her_pendant(self, number: str) -> None:
        if len(self.world.board.channels) < 12:
            self.world.press(number)

    @rule(lost=st.integers(0, 2))
    def the_controller_is_killed(self, lost: int) -> None:
        self.world.crash(lost)
        self.world.start()

    @rule(she=st.sampled_from(["answers", "is busy", "does not answer"]))
    def the_desk_works(self, she: str) -> None:
        """Seats get free, pick up what rings, and whoever is dialled then does as ``she`` says."""
        for channel in list(self.world.board.channels.values()):
            if channel.up and channel.target in SEATS:
                self.world.hang_up(channel)
        self.world.wait(8, step=0.5)
        self.world.answer(*(channel for channel in self.world.all_ringing() if channel.target in SEATS))
        for channel in self._dialled():
            if she == "answers":
                self.world.answer(channel)
            else:
                reason = HangupReason.BUSY if she == "is busy" else HangupReason.NO_ANSWER
                self.world.run(lambda one=channel, why=reason: self.world.board.refuse(one, why))  # type: ignore[misc]

    @rule(seconds=st.sampled_from([1.0, 6.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds, step=0.5)

    @rule(minutes=st.sampled_from([3, 10, 40, 200]))
    def much_time_passes(self, minutes: int) -> None:
        for channel in list(self.world.board.channels.values()):
            self.world.hang_up(channel)
        self.world.wait(2)
        if not self.world.board.channels:
            self.world.clock.pass_time(minutes * 60)
            self.world.wait(1)

    @invariant()
    def one_call_back_and_one_line_for_a_number(self) -> None:
        open_ones = [one.number for one in self.world.controller.callbacks.waiting()]
        assert len(open_ones) == len(set(open_ones))
        ours = self._hotline_lines()
        assert len(ours) == len(set(ours)), ours

    def _hotline_lines(self) -> list[str]:
        return [
            channel.target
            for channel in self.world.board.channels.values()
            if channel.target in NUMBERS
            and channel.variables.get("CC_ROLE") == "elder"
            and channel.context != "cc-callback"
            and not self._of_an_emergency(channel)
        ]

    def _of_an_emergency(self, channel: Channel) -> bool:
        call = self.world.controller.calls.find(channel.variables.get("CC_CALL", ""))
        return call is None or call.incident_id is not None

    @invariant()
    def whoever_is_being_called_has_a_call_that_lives(self) -> None:
        for one in self.world.controller.callbacks.waiting():
            if one.state is State.CALLING:
                call = self.world.controller.calls.find(one.call_id or "")
                assert call is not None, one
                assert call.open, one


CallBacksMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestCallBacks = CallBacksMachine.TestCase
