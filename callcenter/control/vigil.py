"""Operators' phones that die in a routine call: whoever they had, on hold or not, must not be left to nobody (R14, B7).

By the evidence that counts for an elder's operator as well (`callcenter.life.flow`): no audio, and no answer to an
OPTIONS from a phone that used to give one; from a browser, which cannot be asked, that its page is gone. A page that is
there and not heard is told so, and the caller is somebody else's when it has not mended that.
"""

from dataclasses import dataclass, field

import structlog

from callcenter.calls.model import Call, Leg, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.control import rules
from callcenter.errors import CallCenterError
from callcenter.ledger import Ledger
from callcenter.life.flow import Flow, Heard, PageLine, is_dead
from callcenter.life.lines import line_fact
from callcenter.life.phones import Phones
from callcenter.telephony.endpoints import is_web
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks at one phone …"""
LOOKS_A_TICK = 25
"""… and later when there are many: an originate must not wait for these questions (as in `callcenter.life.lines`)."""


@dataclass(slots=True)
class _Watch:
    call_id: str
    leg: Leg
    endpoint: str
    due: float
    flow: Flow
    used_to_answer: bool | None
    page: PageLine = field(default_factory=PageLine)
    busy: bool = False


class Vigil:
    """The operators' phones of every routine call, and those of supervisors on any."""

    def __init__(self, ledger: Ledger, calls: Calls, phones: Phones, pbx: Pbx, clock: Clock) -> None:
        self._ledger = ledger
        self._calls = calls
        self._phones = phones
        self._pbx = pbx
        self._clock = clock
        self._watches: dict[str, _Watch] = {}

    def tick(self, now: float) -> None:
        """Several times a second; ``now`` in monotonic seconds."""
        wanted = {leg.id: (call, leg) for call in self._calls.open_calls() for leg in _watched(call)}
        self._watches = {leg_id: watch for leg_id, watch in self._watches.items() if leg_id in wanted}
        for leg_id in wanted.keys() - self._watches.keys():
            call, leg = wanted[leg_id]
            phone = self._phones.rung_at(leg.number)
            flow, used = self._phones.flow_of(phone), self._phones.used_to_answer(phone)
            self._watches[leg_id] = _Watch(call.id, leg, phone, now, flow, used)
        due = sorted(
            (one for one in self._watches.values() if one.due <= now and not one.busy), key=lambda one: one.due
        )
        for watch in due[:LOOKS_A_TICK]:
            watch.busy, watch.due = True, now + LOOK_SECONDS
            self._calls.do(self._look(watch), f"look at {watch.leg.id}")

    async def _look(self, watch: _Watch) -> None:
        try:
            count = await self._pbx.rtp_received(watch.leg.channel_id)
            if count is not None:
                watch.flow = watch.flow.read(count, self._clock.monotonic())
                answers: bool | None = True
                if watch.used_to_answer is None or watch.flow.still:
                    answers = await self._pbx.answers(watch.endpoint)
                if watch.used_to_answer is None:
                    watch.used_to_answer = bool(answers)
                self._judge(watch, answers)
        except CallCenterError as error:
            log.debug("not_read", leg_id=watch.leg.id, error=error.code)
        finally:
            watch.busy = False

    def _judge(self, watch: _Watch, answers: bool | None) -> None:
        used, phone = bool(watch.used_to_answer), watch.endpoint
        if is_dead(watch.flow, used_to_answer=used, answers=answers, registered=self._phones.is_on(phone)):
            log.warning("phone_dead", leg_id=watch.leg.id, still=watch.flow.still)
            self._calls.hang_up(watch.leg, why=rules.DEAD)
            if self._phones.is_on(phone):
                self._phones.lost(phone)  # its registration lives on for minutes: nobody waits for it meanwhile
        elif is_web(phone):
            self._judge_page(watch)

    def _judge_page(self, watch: _Watch) -> None:
        if watch.leg.id not in self._watches or self._calls.leaving(watch.leg):
            return
        heard = watch.page.judge(watch.flow, self._clock.monotonic())
        if heard is Heard.LOST:
            log.warning("page_unheard", leg_id=watch.leg.id, still=watch.flow.still)
            self._calls.hang_up(watch.leg, why=rules.DEAD)
        elif heard is not None:
            body = line_fact(heard, watch.leg, watch.flow)
            self._ledger.record(body, actor="pbx", call_id=watch.call_id)


def _watched(call: Call) -> list[Leg]:
    """Operators in a routine call's room, whose caller must not be left to nobody; and supervisors who listen."""
    talks = call.routine and not call.caller_gone
    return [
        leg
        for leg in call.live_legs
        if (talks and leg.role == Role.SEAT and leg.in_room) or (leg.role == Role.MONITOR and leg.answered_at)
    ]
