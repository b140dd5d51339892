"""Whatever people do with calls in whatever order, no caller is lost and no elder in need is put anywhere (A2, A9, B7).

Operators hold, give away, ask, park, fetch, call out and hang up at any moment; supervisors come and go; phones refuse;
elders press in between; the link breaks, the controller is killed. After every act what is true in the switchboard is
held against what must be.
"""

import contextlib
import logging
from pathlib import Path

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callcenter.calls.model import Call, Role
from callcenter.errors import CallCenterError
from callcenter.telephony.events import HangupReason
from tests.support.fake_pbx import Channel
from tests.support.world import DAUGHTER, LI, SON, STRANGER, WANG, World

OPERATORS = ("op1", "op2", "op3")
TARGETS = st.sampled_from(["seat:op1", "seat:op2", "seat:op3", "queue:general", f"number:{DAUGHTER}", f"number:{SON}"])
MODES = st.sampled_from(["listen", "whisper", "join", "take_over"])
STEPS = st.sampled_from(
    [
        *("hold", "resume", "blind", "attended", "complete", "cancel", "invite", "park", "retrieve"),
        *("listen", "whisper", "join", "take_over"),
    ]
)
VERBS = ("redirect", "originate", "hangup", "set_variable")
REFUSALS = st.sampled_from([HangupReason.BUSY, HangupReason.NO_ANSWER, HangupReason.REJECTED])
PULSES = 1.5
"""Within this much simulated time whatever goes by time has been done."""


class Desk(RuleBasedStateMachine):
    """The world, and whom somebody meant to hang up on."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.world = World(Path("unused"))
        self.board = self.world.board
        self.callers: dict[str, Channel] = {}
        """Call → a caller who has not hung up."""
        self.meant: set[str] = set()
        """Calls that somebody ended on purpose."""

    def teardown(self) -> None:
        self.world.close()
        structlog.reset_defaults()

    @initialize()
    def phones_are_on(self) -> None:
        self.world.register(*OPERATORS, "sup1")

    # --- callers -------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.up and len(self.callers) < 4)
    @rule(number=st.sampled_from([STRANGER, LI]))
    def hotline(self, number: str) -> None:
        channel = self.world.hotline(number)
        self.callers[channel.variables["CC_CALL"]] = channel

    @precondition(lambda self: self.callers)
    @rule(data=st.data())
    def caller_hangs_up(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.callers)))
        self.world.hang_up(self.callers.pop(call_id))

    @precondition(lambda self: self.world.up)
    @rule()
    def press(self) -> None:
        self.world.press(WANG)

    @precondition(lambda self: self.world.up and self.world.controller.emergencies.open_count)
    @rule()
    def close(self) -> None:
        self.world.close_incident()

    # --- phones --------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.all_ringing())
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        self.world.answer(data.draw(st.sampled_from(self.world.all_ringing())))

    @precondition(lambda self: self.world.all_ringing())
    @rule(data=st.data(), reason=REFUSALS)
    def refuse(self, data: st.DataObject, reason: HangupReason) -> None:
        channel = data.draw(st.sampled_from(self.world.all_ringing()))
        self._means_to_end(channel)
        self.world.run(lambda: self.board.refuse(channel, reason))

    @precondition(lambda self: self._up())
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        channel = data.draw(st.sampled_from(self._up()))
        self._means_to_end(channel)
        self.world.hang_up(channel)

    def _up(self) -> list[Channel]:
        return [channel for channel in self.board.channels.values() if channel.up and channel.target != "trunk"]

    def _means_to_end(self, channel: Channel) -> None:
        """Who leaves a caller who is in the room and nobody else's ends the call, as people do."""
        if not self.world.up:
            return
        call = self.world.controller.calls.find(channel.variables.get("CC_CALL", ""))
        found = self.world.controller.calls.leg_of_channel(channel.id)
        call = found[0] if found is not None else call
        if call is not None and not (call.held or call.transfer or call.parked or call.returning):
            self.meant.add(call.id)

    # --- what operators do ---------------------------------------------------------------------------------

    def _calls(self) -> list[str]:
        return [call.id for call in self.world.controller.calls.open_calls()] if self.world.up else []

    @precondition(lambda self: self._calls())
    @rule(
        data=st.data(),
        act=st.sampled_from(["hold", "resume", "complete", "cancel", "park", "retrieve"]),
        user=st.sampled_from(OPERATORS),
    )
    def act(self, data: st.DataObject, act: str, user: str) -> None:
        call = self._draw(data)
        control = self.world.controller.control
        self._try(lambda: control.retrieve(call, user) if act == "retrieve" else getattr(control, act)(call, user))

    @precondition(lambda self: self._calls())
    @rule(data=st.data(), to=TARGETS, mode=st.sampled_from(["blind", "attended"]), user=st.sampled_from(OPERATORS))
    def transfer(self, data: st.DataObject, to: str, mode: str, user: str) -> None:
        call = self._draw(data)
        self._try(lambda: self.world.controller.control.transfer(call, to, mode, user))

    @precondition(lambda self: self._calls())
    @rule(data=st.data(), to=TARGETS, user=st.sampled_from(OPERATORS))
    def invite(self, data: st.DataObject, to: str, user: str) -> None:
        call = self._draw(data)
        self._try(lambda: self.world.controller.control.invite(call, to, user))

    @precondition(lambda self: self.world.up)
    @rule(user=st.sampled_from(OPERATORS))
    def call_out(self, user: str) -> None:
        self._try(lambda: self.world.controller.control.call_out(SON, user))

    @precondition(lambda self: self._calls())
    @rule(data=st.data(), mode=MODES)
    def monitor(self, data: st.DataObject, mode: str) -> None:
        call = self._draw(data)
        self._try(lambda: self.world.controller.monitoring.start(call, "sup1", mode))

    @precondition(lambda self: self._calls())
    @rule(data=st.data(), mode=MODES)
    def change(self, data: st.DataObject, mode: str) -> None:
        call = self._draw(data)
        self._try(lambda: self.world.controller.monitoring.change(call, "sup1", mode))

    def _draw(self, data: st.DataObject) -> Call:
        return self.world.controller.calls.get(data.draw(st.sampled_from(self._calls())))

    def _try(self, act: object) -> None:
        def attempt() -> None:
            with contextlib.suppress(CallCenterError):
                act()  # type: ignore[operator]

        self.world.run(attempt)

    # --- what breaks ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.up)
    @rule(dead_for=st.sampled_from([0.0, 3.0, 20.0]))
    def is_killed(self, dead_for: float) -> None:
        self.crash(dead_for)

    def crash(self, dead_for: float) -> None:
        """Killed, and back: leases may run out meanwhile."""
        self.world.crash()
        if dead_for:
            self.world.wait(dead_for)
        self.world.start()

    @precondition(lambda self: self._calls())
    @rule(
        data=st.data(),
        step=STEPS,
        to=TARGETS,
        user=st.sampled_from(OPERATORS),
        undone=st.sampled_from([(), ("redirect",), ("originate",), ("hangup",), VERBS]),
        lost=st.sampled_from([0, 0, 1, 2, 4]),
        dead_for=st.sampled_from([0.0, 3.0, 20.0]),
        meanwhile=st.sampled_from(["", "answer", "hang_up"]),
    )
    def killed_in_a_step(
        self,
        data: st.DataObject,
        step: str,
        to: str,
        user: str,
        undone: tuple[str, ...],
        lost: int,
        dead_for: float,
        meanwhile: str,
    ) -> None:
        """kill -9 in the middle of an act (A10): it is on record and some or all of what it asks of Asterisk was not
        sent, or it was and the last facts are not on the disk; and people go on while nobody listens.
        """
        call = self._draw(data)
        self.world.pbx.held.update(undone)
        self._try(lambda: self._step(call, step, to, user))
        self.world.crash(lost)
        phones = self.world.all_ringing() if meanwhile == "answer" else self._up() if meanwhile else []
        if phones:
            phone = data.draw(st.sampled_from(phones))
            (self.board.pick_up if meanwhile == "answer" else self.board.hang_up)(phone)
        if dead_for:
            self.world.wait(dead_for)
        self.world.start()

    def _step(self, call: Call, step: str, to: str, user: str) -> None:
        control, monitoring = self.world.controller.control, self.world.controller.monitoring
        match step:
            case "blind" | "attended":
                control.transfer(call, to, step, user)
            case "invite":
                control.invite(call, to, user)
            case "retrieve":
                control.retrieve(call, user)
            case "listen" | "whisper" | "join" | "take_over" if any(m.user == "sup1" for m in call.monitors.values()):
                monitoring.change(call, "sup1", step)
            case "listen" | "whisper" | "join" | "take_over":
                monitoring.start(call, "sup1", step)
            case _:
                getattr(control, step)(call, user)

    @precondition(lambda self: self.world.linked)
    @rule()
    def link_breaks(self) -> None:
        self.world.lose_link()
        self.world.wait(1)
        self.world.regain_link()

    @rule(seconds=st.sampled_from([2.0, 31.0, 125.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds, step=0.5)

    # --- what must be --------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_lost(self) -> None:
        self.world.wait(PULSES)
        for call_id, channel in list(self.callers.items()):
            if channel.id in self.board.channels:
                continue
            assert call_id in self.meant, f"nobody meant to hang up on {call_id}"
            del self.callers[call_id]

    @invariant()
    def every_caller_is_somebodys(self) -> None:
        """In a queue, parked, with somebody, or somebody is on the way; on hold only while somebody holds her."""
        queue = self.world.controller.hotline.queue()
        for call in self.world.controller.calls.open_calls():
            lines = [leg for leg in call.elder_legs if leg.live]
            if not call.routine or call.via == "fallback" or not lines:
                continue
            assert call.in_hand or call.id in queue, f"{call.id} is nobody's"
            for leg in lines:
                channel = self.board.channels[leg.channel_id]
                if leg.held:
                    assert channel.context == "cc-hold"
                    assert call.in_hand, f"{call.id} is on hold for nobody"
                elif channel.up and channel.variables.get("CC_STAGE") != "fallback":
                    assert channel.room == call.room, f"{call.id} is in no room ({channel.context})"

    @invariant()
    def no_elder_in_need_is_put_anywhere(self) -> None:
        for call in self.world.controller.calls.open_calls():
            if not call.routine:
                assert call.parked is None
                assert call.transfer is None
                assert not any(leg.held for leg in call.legs.values() if leg.role == Role.ELDER)

    @invariant()
    def no_supervisor_hears_another_call(self) -> None:
        """Whose line he is on is in the call that he is on the record of; and his seat says that he listens."""
        calls, routing = self.world.controller.calls, self.world.controller.routing
        spies = {}
        for channel in self.board.channels.values():
            found = calls.leg_of_channel(channel.id)
            if found is None or found[1].role != Role.MONITOR or not found[1].live:
                continue
            spies[found[1].number] = found[0].id
            heard = self.board.channels.get(channel.variables.get("CC_SPY", ""))
            if channel.up and heard is not None:
                theirs = calls.leg_of_channel(heard.id)
                assert theirs is not None
                assert theirs[0].id == found[0].id, "he hears a call that he is not on"
        for user in (*OPERATORS, "sup1"):
            assert routing.seat(user).monitoring_on == spies.get(user)

    @invariant()
    def no_seat_has_two_calls(self) -> None:
        for user in (*OPERATORS, "sup1"):
            mine = [channel for channel in self.board.channels.values() if channel.target == user]
            assert len(mine) <= 1, f"{user} has {[channel.context for channel in mine]}"


Desk.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestDesk = Desk.TestCase
