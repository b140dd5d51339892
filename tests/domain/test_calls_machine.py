"""Anything may happen in any order to a controller on a simulated switchboard; what must never happen never does.

People press, answer, refuse and hang up at any moment; phones come and go; the link breaks; events are repeated and
reordered; the controller is killed with facts unwritten and starts again. After every act what the controller
believes is held against what is true in the switchboard (R1, R3, R13, R16, R18, R23).
"""

import contextlib
import logging
from pathlib import Path

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callcenter.calls import facts as cf
from callcenter.calls.model import Call
from callcenter.controller import RECOMPARE_SECONDS
from callcenter.emergency.model import Incident, Who, awaits_voice
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.errors import CallCenterError
from callcenter.recordings.facts import RecordingStarted, RecordingStopped
from callcenter.telephony.events import HangupReason, PbxEvent
from tests.support.fake_pbx import Channel
from tests.support.world import DAUGHTER, DUTY, LI, STRANGER, WANG, WANG_PENDANT, World, folded

OPERATORS = ("op1", "op2", "op3")
CALLERS = st.sampled_from([WANG, WANG_PENDANT, LI, STRANGER, "anonymous"])
REFUSALS = st.sampled_from([HangupReason.BUSY, HangupReason.NO_ANSWER, HangupReason.REJECTED, HangupReason.UNREACHABLE])
SEATS = st.sampled_from([*OPERATORS, "sup1"])
LONGEST_REST = 10.0
"""Of a seat that rejected a call."""
PULSES = 0.75
"""A few pulses: within this much simulated time whatever goes by time has been done."""
DUTY_REST = 40.0
"""A mobile's ring and its rest together."""


class Line(RuleBasedStateMachine):
    """The world, and what has been true of it."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.world = World(Path("unused"))
        self.board = self.world.board
        self.over: set[str] = set()
        """Calls and incidents whose end is in the journal."""
        self.closed: set[str] = set()
        """Incidents that were closed on purpose, even if a crash forgot it."""
        self.elders: dict[str, str] = {}
        """Elder channel → call."""
        self.hotline_calls: set[str] = set()
        self.taken_off: set[str] = set()
        """Legs that an operator wanted off."""
        self.wishes: dict[tuple[str, str], set[str]] = {}
        self.needy_since: dict[str, float] = {}
        self.gone_since: dict[str, tuple[float, int]] = {}
        """Incident → since when she is on no line, and how often she had been called back by then."""
        self.steady_since = 0.0

    def teardown(self) -> None:
        try:
            if self.world.up:
                self.everything_on_record_once()
        finally:
            self.world.close()
            structlog.reset_defaults()

    # --- what may happen ---------------------------------------------------------------------------------

    @initialize(users=st.sets(SEATS, min_size=1))
    def phones_are_on(self, users: set[str]) -> None:
        self.world.register(*sorted(users))

    @rule(number=CALLERS)
    def press(self, number: str) -> None:
        channel = self.world.press(number)
        self._note(channel)

    @rule(number=CALLERS, digit=st.sampled_from(["", "0", "1", "9"]))
    def hotline(self, number: str, digit: str) -> None:
        channel = self.world.hotline(number, digit if self.world.up else "")
        self._note(channel)
        if channel.variables.get("CC_CALL"):
            self.hotline_calls.add(channel.variables["CC_CALL"])

    @precondition(lambda self: self.world.up and self._in_menu())
    @rule(data=st.data(), digit=st.sampled_from(["1", "9"]))
    def choose(self, data: st.DataObject, digit: str) -> None:
        self.world.choose(data.draw(st.sampled_from(self._in_menu())), digit)

    @rule(user=SEATS, on=st.booleans())
    def phone(self, user: str, on: bool) -> None:
        (self.world.register if on else self.world.unregister)(user)

    @precondition(lambda self: self.world.up)
    @rule(user=SEATS, ready=st.booleans())
    def declare(self, user: str, ready: bool) -> None:
        (self.world.ready if ready else self.world.pause)(user)

    @precondition(lambda self: self.world.all_ringing())
    @rule(data=st.data(), number=st.integers(1, 2))
    def answer(self, data: st.DataObject, number: int) -> None:
        """One phone, or two in the same moment (R13)."""
        ringing = st.sampled_from(self.world.all_ringing())
        self.world.answer(*data.draw(st.lists(ringing, min_size=1, max_size=number, unique_by=lambda c: c.id)))

    @precondition(lambda self: self._accepting())
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        channel = data.draw(st.sampled_from(self._accepting()))
        self.world.run(lambda: self.board.press_one(channel))

    @precondition(lambda self: self.world.all_ringing())
    @rule(data=st.data(), reason=REFUSALS)
    def refuse(self, data: st.DataObject, reason: HangupReason) -> None:
        channel = data.draw(st.sampled_from(self.world.all_ringing()))
        self.world.run(lambda: self.board.refuse(channel, reason))

    @precondition(lambda self: self._on_the_line())
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        self.world.hang_up(data.draw(st.sampled_from(self._on_the_line())))

    @precondition(lambda self: self._open_incidents())
    @rule(data=st.data(), role=st.sampled_from(["120", "family"]), request=st.sampled_from(["click-1", "click-2"]))
    def help(self, data: st.DataObject, role: str, request: str) -> None:
        incident = data.draw(st.sampled_from(self._open_incidents()))

        def ask() -> None:
            try:
                leg = self.world.controller.emergencies.request_help(
                    incident.id, role, None, actor="op1", request_id=f"{role} {request}"
                )
            except CallCenterError:
                return  # a stranger has no family
            if leg.request_id == f"{role} {request}":  # else it was dialled for an earlier wish already
                self.wishes.setdefault((incident.id, leg.request_id), set()).add(leg.id)

        self.world.run(ask)

    @precondition(lambda self: self.world.up)
    @rule(number=st.sampled_from([WANG, LI]), voice=st.sampled_from([0.0, 10.0]))
    def alarm(self, number: str, voice: float) -> None:
        """A terminal's message without a call (R19)."""
        who = Who(caller=number, elder_id="elder-wang" if number == WANG else "elder-li")
        line = self.world.controller.emergencies
        self.world.run(lambda: line.alarm(who, "fall", DEFAULT_PLAN, actor="source:t", voice_seconds=voice))

    @precondition(lambda self: self._open_incidents())
    @rule(data=st.data())
    def take_off(self, data: st.DataObject) -> None:
        """An operator takes somebody off, or stops a call-back."""
        incident = data.draw(st.sampled_from(self._open_incidents()))
        legs = [leg.id for call in self.world.controller.emergencies.calls_of(incident) for leg in call.live_legs]
        if not legs:
            return
        leg = data.draw(st.sampled_from(legs))

        self.taken_off.add(leg)

        def remove() -> None:
            with contextlib.suppress(CallCenterError):  # the elder on the line
                self.world.controller.emergencies.remove(incident.id, leg, actor="op1")

        self.world.run(remove)

    @precondition(lambda self: self._open_incidents())
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        incident = data.draw(st.sampled_from(self._open_incidents()))
        self.closed.add(incident.id)
        self.world.close_incident("送医", incident.id)

    @precondition(lambda self: self.world.linked)
    @rule()
    def lose_the_link(self) -> None:
        self.world.lose_link()

    @precondition(lambda self: self.world.up and not self.world.linked)
    @rule()
    def regain_the_link(self) -> None:
        self.world.regain_link()
        self.steady_since = self.world.clock.monotonic()

    @precondition(lambda self: self.world.up)
    @rule(lost=st.integers(0, 4))
    def crash(self, lost: int) -> None:
        self.world.crash(lost)
        calls, incidents = folded(self.world.journal.facts())
        self.over = {call.id for call in calls.values() if not call.open}
        self.over |= {incident.id for incident in incidents.values() if not incident.open}

    @precondition(lambda self: not self.world.up)
    @rule()
    def restart(self) -> None:
        self.world.start()
        self.steady_since = self.world.clock.monotonic()

    @rule(seconds=st.sampled_from([0.25, 0.25, 1.0, 3.0, 6.0, 12.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(by=st.sampled_from([-3600.0, 3600.0]))
    def set_the_wall_clock(self, by: float) -> None:
        self.world.clock.set_wall(by)

    @precondition(lambda self: self.world.linked)
    @rule(data=st.data(), how=st.sampled_from(["repeated", "reordered", "lost"]))
    def disorder(self, data: st.DataObject, how: str) -> None:
        """Events come twice, out of order or not at all; the next comparison heals what they spoilt."""

        def spoil(events: list[PbxEvent]) -> list[PbxEvent]:
            if how == "repeated":
                return [event for event in events for _ in range(2)]
            if how == "lost":
                return []
            return data.draw(st.permutations(events))

        channels = list(self.board.channels.values())
        self.world.shuffle = spoil
        if channels:
            channel = data.draw(st.sampled_from(channels))
            if channel in self.world.all_ringing():
                self.world.answer(channel)
            else:
                self.world.hang_up(channel)
        self.world.wait(0.25)
        self.world.shuffle = list
        self.world.wait(0.25)
        self.world.compare()
        self.steady_since = self.world.clock.monotonic()

    # --- what is true ------------------------------------------------------------------------------------

    def _note(self, channel: Channel) -> None:
        self.elders[channel.id] = channel.variables.get("CC_CALL", "")

    def _on_the_line(self) -> list[Channel]:
        return [channel for channel in self.board.channels.values() if channel.up]

    def _in_menu(self) -> list[Channel]:
        return [channel for channel in self.board.channels.values() if channel.context == "cc-hotline"]

    def _accepting(self) -> list[Channel]:
        return [channel for channel in self.board.channels.values() if channel.context == "cc-accept" and channel.up]

    def _open_incidents(self) -> list[Incident]:
        if not self.world.up:
            return []
        return [incident for incident in self.world.controller.emergencies.known() if incident.open]

    def _in_room(self, room: str) -> list[Channel]:
        return [channel for channel in self.board.channels.values() if channel.room == room]

    def _needs_human(self, incident: Incident) -> bool:
        """By the switchboard's truth, not by ours."""
        roles = {channel.role for channel in self._in_room(incident.room)}
        if roles & {"seat", "duty"}:
            return False
        return incident.human_answer_ms is None or roles == {"elder"}

    def _settled(self) -> bool:
        return self.world.up and self.world.linked

    @invariant()
    def always(self) -> None:
        """Everything below, after every act."""
        self.times_are_kept()
        self.what_we_believe_is_what_is()
        self.what_is_over_stays_over()
        self.one_of_the_staff_in_a_room_and_one_phone_a_seat()
        self.no_wish_is_dialled_twice()
        self.an_elders_line_is_cut_only_by_a_close()
        self.whoever_needs_a_human_has_somebody_tried()
        self.everybody_who_waits_has_a_seat_when_there_are_enough()
        self.a_dropped_elder_is_called_back()
        self.no_phone_outside_is_rung_twice_at_a_time()
        self.her_people_are_tried_when_ours_do_not_come()
        self.rest_and_wrap_up_end()
        self.hotline_callers_wait_or_talk_and_nobody_sits_in_an_empty_room()

    # --- what must always be so ----------------------------------------------------------------------------

    def times_are_kept(self) -> None:
        """Not a rule of the product: notes what the rules below need."""
        now = self.world.clock.monotonic()
        for channel in self.board.channels.values():
            if channel.elder:
                self._note(channel)
        gone = {incident.id: incident for incident in self._open_incidents() if self._dropped(incident)}
        self.gone_since = {
            id_: self.gone_since.get(id_, (now, self._call_backs(incident))) for id_, incident in gone.items()
        }
        if not self._settled():
            self.needy_since.clear()
            self.steady_since = now
            return
        needy = {incident.id for incident in self._open_incidents() if self._needs_human(incident)}
        self.needy_since = {id_: self.needy_since.get(id_, now) for id_ in needy}

    def what_we_believe_is_what_is(self) -> None:
        """No leg is in two rooms, none in the wrong one, none is unknown, none is a ghost."""
        if not self._settled():
            return
        controller = self.world.controller
        for channel in self.board.channels.values():
            found = controller.calls.leg_of_channel(channel.id)
            if found is None:
                assert channel.context == "cc-fallback", channel
                continue
            call, leg = found
            assert leg.live, channel
            assert leg.in_room == (channel.room is not None), (leg, channel)
            assert channel.room in (None, call.room)
        for call in controller.calls.open_calls():
            for leg in call.live_legs:
                if leg.dialled or self.world.clock.monotonic() - self.steady_since > RECOMPARE_SECONDS + PULSES:
                    assert leg.channel_id in self.board.channels, leg

    def what_is_over_stays_over(self) -> None:
        """A closed call never reopens, nor an incident."""
        if not self.world.up:
            return
        controller = self.world.controller
        for call in controller.calls.known():
            if not call.open:
                self.over.add(call.id)
            else:
                assert call.id not in self.over
        for incident in controller.emergencies.known():
            if not incident.open:
                self.over.add(incident.id)
            else:
                assert incident.id not in self.over

    def one_of_the_staff_in_a_room_and_one_phone_a_seat(self) -> None:
        """Never more than one accepted; a seat rings for at most one call."""
        if not self._settled():
            return
        for incident in self._open_incidents():
            staff = [channel for channel in self._in_room(incident.room) if channel.role in ("seat", "duty")]
            assert len(staff) <= 1
        phones = [channel.target for channel in self.board.channels.values() if channel.role in ("seat", "duty")]
        assert len(phones) == len(set(phones)), phones

    def no_wish_is_dialled_twice(self) -> None:
        """Not over restarts either; and while 120 is on its way nobody calls a second one."""
        dialled = {dial.channel_id for dial in self.board.dialled}
        for wish, legs in self.wishes.items():
            assert len(legs & dialled) <= 1, wish
        rooms = [channel.variables["CC_ROOM"] for channel in self.board.channels.values() if channel.role == "120"]
        assert len(rooms) == len(set(rooms))

    def an_elders_line_is_cut_only_by_a_close(self) -> None:
        if not self.world.up:
            return
        cut = {*self.board.hung_up_by_us, *self.board.kicked} - self.taken_off
        for channel_id in cut & self.elders.keys():
            call = self.world.controller.calls.find(self.elders[channel_id])
            assert call is not None
            assert call.incident_id in self.closed or (call.incident_id is None and call.id in self.hotline_calls)

    def whoever_needs_a_human_has_somebody_tried(self) -> None:
        """All who may ring do: free seats at once, paused ones and supervisors from 3 s, mobiles from 5 s."""
        if not self._settled() or not self.needy_since:
            return
        now = self.world.clock.monotonic()
        if now - self.steady_since < PULSES:
            return
        waited = max(now - since for since in self.needy_since.values())
        if waited < PULSES:
            return
        present = {channel.target for channel in self.board.channels.values()}
        for seat in self.world.controller.routing.seats():
            rested = now - self.board.last_ended.get(seat.user, -100.0) > LONGEST_REST + PULSES
            if seat.user not in self.board.registered or seat.user in present or not rested:
                continue
            first_choice = seat.role == "operator" and seat.declared == "ready"
            assert not first_choice, f"{seat.user} is idle while somebody waits"
            assert waited < 3 + PULSES, f"{seat.user} is left alone while somebody waits"
        if waited >= 5 + PULSES:
            for number in DUTY:
                dials = [d for d in self.board.dialled if d.target == f"PJSIP/{number}@trunk"]
                assert number in present or dials, f"{number} was never rung"

    def everybody_who_waits_has_a_seat_when_there_are_enough(self) -> None:
        if not self._settled() or self.world.clock.monotonic() - self.steady_since < PULSES:
            return
        now = self.world.clock.monotonic()
        waiting = [id_ for id_, since in self.needy_since.items() if now - since >= PULSES]
        if any(now - ended <= LONGEST_REST + PULSES for ended in self.board.last_ended.values()):
            return
        rung = {channel.variables["CC_ROOM"] for channel in self.world.all_ringing() if channel.role == "seat"}
        ready = [
            seat
            for seat in self.world.controller.routing.seats()
            if seat.user in OPERATORS and seat.declared == "ready" and self.world.rings(seat.user)
        ]
        if len(ready) >= len(self.needy_since):
            for id_ in waiting:
                assert self.world.controller.emergencies.get(id_).room in rung

    def a_dropped_elder_is_called_back(self) -> None:
        """R16: whoever has a number and is on no line is dialled within 3 s, whatever was before."""
        if not self._settled():
            return
        now = self.world.clock.monotonic()
        for incident in self._open_incidents():
            since, before = self.gone_since.get(incident.id, (now, 0))
            if now - max(since, self.steady_since) >= 3 + PULSES:
                assert self._call_backs(incident) > before, incident

    def _call_backs(self, incident: Incident) -> int:
        return sum(d.context == "cc-callback" and d.variables["CC_ROOM"] == incident.room for d in self.board.dialled)

    def _dropped(self, incident: Incident) -> bool:
        lines = {self.elders[channel.id] for channel in self.board.channels.values() if channel.elder}
        reachable = bool(incident.caller) and not incident.call_back_off
        reachable &= not awaits_voice(incident, self.world.clock.now())
        return reachable and not lines & set(incident.calls)

    def no_phone_outside_is_rung_twice_at_a_time(self) -> None:
        """Neither by the plan, nor for two elders, nor because of a crash; a relative who talks is not called."""
        outside = [c for c in self.board.channels.values() if c.role not in ("seat", "elder", "120", "family")]
        assert len({channel.target for channel in outside}) == len(outside), outside
        rooms = [
            (c.target, c.variables["CC_ROOM"]) for c in self.board.channels.values() if c.role in ("120", "family")
        ]
        assert len(set(rooms)) == len(rooms), rooms

    def her_people_are_tried_when_ours_do_not_come(self) -> None:
        """The plan's later steps: with nobody accepted for so long, her relatives have been dialled."""
        if not self._settled():
            return
        now = self.world.clock.monotonic()
        for incident in self._open_incidents():
            since = max(self.needy_since.get(incident.id, now), self.steady_since)
            alone = {channel.role for channel in self._in_room(incident.room)} <= {"elder"}
            if incident.elder_id == "elder-wang" and alone and now - since >= 10 + PULSES:
                assert self.world.dialled(DAUGHTER), incident

    def rest_and_wrap_up_end(self) -> None:
        if not self.world.up:
            return
        now = self.world.clock.monotonic()
        routing = self.world.controller.routing
        assert all(seat.wrap_up_until <= now + self.world.settings.wrap_up_seconds for seat in routing.seats())
        wishes = [incident.id for incident in self._open_incidents()]
        wishes += [call.id for call in self.world.controller.calls.open_calls()]
        for wish in wishes:
            assert all(until <= now + LONGEST_REST for until in routing.resting(wish).values())

    def hotline_callers_wait_or_talk_and_nobody_sits_in_an_empty_room(self) -> None:
        if not self._settled() or self.world.clock.monotonic() - self.steady_since <= RECOMPARE_SECONDS + PULSES:
            return
        queue = self.world.controller.hotline.queue()
        for call in self.world.controller.calls.open_calls():
            if call.line != "hotline" or call.via == "fallback":
                continue
            roles = {channel.role for channel in self._in_room(call.room)}
            assert roles != {"seat"}
            if roles == {"elder"} and call.human_at is None:
                assert call.id in queue
        assert all(self.world.controller.calls.get(call_id).open for call_id in queue)

    def everything_on_record_once(self) -> None:
        """The fold in memory is the fold of the journal; each leg's recordings began and ended once."""
        facts = self.world.journal.facts()
        calls, incidents = folded(facts)
        known: list[Call] = self.world.controller.calls.known()
        assert {call.id: call for call in known} == calls
        assert {incident.id: incident for incident in self.world.controller.emergencies.known()} == incidents
        begun = [(b.leg_id, b.kind) for b in self.world.bodies(RecordingStarted)]
        ended = [b.recording_id for b in self.world.bodies(RecordingStopped)]
        assert len(begun) == len(set(begun))
        assert len(ended) == len(set(ended))
        joined = {leg.id for call in calls.values() for leg in call.legs.values() if leg.joined_at}
        assert joined <= {leg_id for leg_id, _ in begun}
        assert len({fact.id for fact in facts}) == len(facts)
        assert all(body.seconds >= 0 for body in self.world.bodies(cf.CallEnded))


TestLine = Line.TestCase
TestLine.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
