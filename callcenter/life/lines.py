"""Lines that die without a word (R14, R16): reads the packet counters of whoever talks with an elder, and judges.

A seat that sends nothing and does not answer is taken off the call, so that others ring at once. The elder's own line
cannot be asked (it is the trunk that would answer): its stillness is told, and only much later taken for its end.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Call, Leg, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency import facts as ef
from callcenter.emergency.model import Incident
from callcenter.emergency.service import Emergencies
from callcenter.errors import CallCenterError
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.life.facts import LegResumed, LegStalled
from callcenter.life.flow import Flow, Heard, PageLine, is_dead
from callcenter.life.phones import Phones
from callcenter.life.quiet import Quiet
from callcenter.telephony.endpoints import is_web
from callcenter.telephony.events import PhoneStatus
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

DEAD = "dead"
"""The reason that the end of such a leg gives."""
SEAT_EVERY = 0.5
ELDER_EVERY = 2.0
"""Seconds between two readings of one leg …"""
READINGS_A_SECOND = 100
"""… and longer when there are many. One costs Asterisk 55 µs: all of them are half a percent of a core."""
MOST_READING = 4
"""Questions on their way at once: Asterisk answers one after the other, and an originate must not wait for these."""
ASK_AGAIN = 2.0
"""Seconds between two questions to a phone that is still."""

_MOVES = (cf.LegJoined, cf.LegLeft, cf.LegEnded, cf.CallEnded, cf.LineChanged, ef.EmergencyClosed)


@dataclass(slots=True)
class _Watch:
    """One leg. Monotonic seconds. ``endpoint``: which phone it is, of a seat.

    ``answers``: what the phone's last OPTIONS came to, None before one, and for a browser, which cannot be asked.
    """

    call_id: str
    incident_id: str
    leg: Leg
    endpoint: str
    due: float
    flow: Flow = field(default_factory=Flow)
    reading: bool = False
    asking: bool = False
    used_to_answer: bool | None = None
    answers: bool | None = None
    ask_at: float = 0.0
    told: bool = False
    page: PageLine = field(default_factory=PageLine)

    @property
    def seat(self) -> bool:
        return self.leg.role == Role.SEAT

    @property
    def every(self) -> float:
        return SEAT_EVERY if self.seat else ELDER_EVERY


class Lines:
    """The lines of every open emergency whose elder is in her room."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        phones: Phones,
        emergencies: Emergencies,
        quiet: Quiet,
        pbx: Pbx,
        clock: Clock,
        *,
        stalled_seconds: float,
        dropped_seconds: float,
    ) -> None:
        """``stalled_seconds``, ``dropped_seconds``: how long an elder's line may send nothing until that is told,
        until it is taken for dropped; 0: never.
        """
        self._ledger = ledger
        self._calls = calls
        self._phones = phones
        self._emergencies = emergencies
        self._quiet = quiet
        self._pbx = pbx
        self._clock = clock
        self._stalled = stalled_seconds
        self._dropped = dropped_seconds
        self._watches: dict[str, _Watch] = {}
        self._of_incident: dict[str, frozenset[str]] = {}
        self._waiting: deque[_Watch] = deque()
        self._reading = 0
        ledger.on_react(self._react)

    def phone(self, event: PhoneStatus) -> None:
        """A registration is gone: the line of that phone is read at once."""
        for watch in self._watches.values():
            if watch.seat and watch.endpoint == event.endpoint and not event.registered:
                watch.due = self._clock.monotonic()

    def tick(self, now: float) -> None:
        """Several times a second; ``now`` in monotonic seconds."""
        wanted = sum(1 / watch.every for watch in self._watches.values())
        stretch = max(1.0, wanted / READINGS_A_SECOND)
        due = [watch for watch in self._watches.values() if watch.due <= now and not watch.reading]
        for watch in sorted(due, key=lambda watch: watch.every):
            watch.due = now + watch.every * stretch
            watch.reading = True
            self._waiting.append(watch)
        self._pump()

    # --- asking --------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while self._waiting and self._reading < MOST_READING:
            watch = self._waiting.popleft()
            if self._watches.get(watch.leg.id) is watch:
                self._reading += 1
                self._calls.do(self._read(watch), f"read {watch.leg.id}")

    async def _read(self, watch: _Watch) -> None:
        try:
            count = await self._pbx.rtp_received(watch.leg.channel_id)
        except CallCenterError as error:
            log.debug("not_read", leg_id=watch.leg.id, error=error.code)
            count = None
        finally:
            watch.reading = False
            self._reading -= 1
        self._pump()
        if count is None or self._watches.get(watch.leg.id) is not watch:
            return
        now = self._clock.monotonic()
        watch.flow = watch.flow.read(count, now)
        if not watch.seat:
            self._judge_elder(watch)
            return
        if not watch.flow.still and watch.used_to_answer:
            watch.answers = True  # whatever it said, or did not say, before: it lives
        if not self._judge(watch) and not watch.asking and self._worth_asking(watch, now):
            watch.asking = True
            self._calls.do(self._ask(watch), f"ask {watch.leg.id}")

    def _worth_asking(self, watch: _Watch, now: float) -> bool:
        """Once while all is well, to know whether it answers at all; then while nothing comes from it."""
        if watch.flow.moved_at is None or now < watch.ask_at:
            return False
        return watch.used_to_answer is None or (watch.used_to_answer and watch.flow.still > 0)

    async def _ask(self, watch: _Watch) -> None:
        try:
            watch.answers = await self._pbx.answers(watch.endpoint)
        finally:
            watch.asking = False
        if watch.used_to_answer is None:
            watch.used_to_answer = bool(watch.answers)
        else:
            watch.ask_at = self._clock.monotonic() + ASK_AGAIN
        if self._watches.get(watch.leg.id) is watch:
            self._judge(watch)

    # --- judging -------------------------------------------------------------------------------------------

    def _judge(self, watch: _Watch) -> bool:
        """Take a dead seat off the call; whether it was dead."""
        phone = watch.endpoint
        if not is_dead(
            watch.flow,
            used_to_answer=bool(watch.used_to_answer),
            answers=watch.answers,
            registered=self._phones.is_on(phone),
        ):
            return is_web(phone) and self._judge_page(watch)
        log.warning("phone_dead", leg_id=watch.leg.id, incident_id=watch.incident_id, still=watch.flow.still)
        self._drop(watch.leg.id)
        self._calls.hang_up(watch.leg, why=DEAD)
        if self._phones.is_on(phone):
            self._phones.lost(phone)
        return True

    def _judge_page(self, watch: _Watch) -> bool:
        """Tell a page that is not heard so, and take it off the call when it has not mended that; whether it is off.

        A page sends as long as it has a call, muted or not. Its phone is not dead, and may be rung at once.
        """
        heard = watch.page.judge(watch.flow, self._clock.monotonic())
        if heard is Heard.LOST:
            log.warning("page_unheard", leg_id=watch.leg.id, incident_id=watch.incident_id, still=watch.flow.still)
            self._drop(watch.leg.id)
            self._calls.hang_up(watch.leg, why=DEAD)
            return True
        if heard is not None:
            self._say(watch, line_fact(heard, watch.leg, watch.flow))
        return False

    def _judge_elder(self, watch: _Watch) -> None:
        still = watch.flow.still
        if self._stalled and still >= self._stalled and not watch.told:
            watch.told = True
            self._say(watch, line_fact(Heard.STALLED, watch.leg, watch.flow))
            self._quiet.stalled(watch.incident_id, still)
        elif not still and watch.told:
            watch.told = False
            self._say(watch, line_fact(Heard.RESUMED, watch.leg, watch.flow))
        if self._dropped and still >= self._dropped and not watch.flow.pauses:
            log.warning("line_dead", leg_id=watch.leg.id, incident_id=watch.incident_id, still=still)
            self._drop(watch.leg.id)
            self._calls.hang_up(watch.leg, why=DEAD)

    def _say(self, watch: _Watch, body: LegStalled | LegResumed) -> None:
        self._ledger.record(body, actor="pbx", call_id=watch.call_id, incident_id=watch.incident_id)

    # --- whom we watch -------------------------------------------------------------------------------------

    def resume(self) -> None:
        """After a start: take up the lines of every open emergency."""
        for incident in self._emergencies.known():
            self._look(incident)

    def _react(self, fact: Fact) -> None:
        if fact.incident_id is None or not isinstance(fact.body, _MOVES):
            return
        incident = self._emergencies.find(fact.incident_id)
        if incident is not None:
            self._look(incident)

    def _look(self, incident: Incident) -> None:
        """Watch the legs that are to be watched in an incident, and no others."""
        wanted = {leg.id: (call, leg) for call, leg in self._to_watch(incident)}
        for leg_id in self._of_incident.get(incident.id, frozenset()) - wanted.keys():
            self._watches.pop(leg_id, None)
        for leg_id in wanted.keys() - self._watches.keys():
            call, leg = wanted[leg_id]
            if not self._calls.leaving(leg):
                self._watches[leg_id] = self._watch(call, incident, leg)
        if wanted:
            self._of_incident[incident.id] = frozenset(wanted)
        else:
            self._of_incident.pop(incident.id, None)

    def _watch(self, call: Call, incident: Incident, leg: Leg) -> _Watch:
        now = self._clock.monotonic()
        if leg.role != Role.SEAT:
            return _Watch(call.id, incident.id, leg, "", due=now)
        phone = self._phones.rung_at(leg.number)
        flow, used = self._phones.flow_of(phone), self._phones.used_to_answer(phone)
        return _Watch(call.id, incident.id, leg, phone, due=now, flow=flow, used_to_answer=used)

    def _to_watch(self, incident: Incident) -> Iterator[tuple[Call, Leg]]:
        if not incident.open or incident.origin == SYNTHETIC:
            return  # the test seat is a machine within Asterisk: it has no packets to count
        legs = [(c, leg) for c in self._emergencies.calls_of(incident) if c.open for leg in c.live_legs if leg.in_room]
        if not any(leg.role != Role.ELDER for _, leg in legs):
            return  # alone she hears the prompts, and nobody hears her
        for call, leg in legs:
            if leg.role in (Role.ELDER, Role.SEAT):
                yield call, leg

    def _drop(self, leg_id: str) -> None:
        del self._watches[leg_id]


def line_fact(heard: Heard, leg: Leg, flow: Flow) -> LegStalled | LegResumed:
    """What is recorded of a line's audio; a seat's names the seat, whose page heeds it."""
    seat = "" if leg.role == Role.ELDER else leg.number
    if heard is Heard.STALLED:
        return LegStalled(leg_id=leg.id, role=leg.role, seconds=round(flow.still, 1), seat=seat)
    return LegResumed(leg_id=leg.id, role=leg.role, seat=seat)
