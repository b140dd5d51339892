"""Phones on their desks: one that answered and answers no more is off within five seconds, not when its registration
ends (B7, R11).

Asked are only phones that said what they are when they registered (User-Agent): whoever made them has them answer an
OPTIONS. What has never answered is not judged, and not asked again: some devices take the question for a call.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.life.phones import Phones
from callcenter.routing.service import Routing
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

ASK_EVERY = 2.0
ASK_AGAIN = 1.0
"""Seconds after an answer, and after a missing one: with the half second that an answer has, two of those are less than
five seconds after the last sign of life."""
LEARN_EVERY = 1.0
"""Who has just registered is asked for its name at once, not at the next comparison, and all that came in a second
together."""
MISSES = 2
NEVER = ("sipp",)
"""What takes an OPTIONS for a call that has failed."""


@dataclass(slots=True)
class _Phone:
    due: float
    answered: bool = False
    missed: int = 0
    asking: bool = False


class RollCall:
    """Every idle SIP phone that is known to answer."""

    def __init__(self, calls: Calls, routing: Routing, phones: Phones, pbx: Pbx, clock: Clock) -> None:
        self._calls = calls
        self._routing = routing
        self._off = phones
        self._pbx = pbx
        self._clock = clock
        self._agents: frozenset[str] = frozenset()
        self._on: set[str] | None = None
        """Phones that were on at the last look; None before the first, whose names the first snapshot has told."""
        self._learn_due = 0.0
        self._phones: dict[str, _Phone] = {}
        self._mute: set[str] = set()
        """Phones that did not answer the first question."""

    def read(self, agents: Mapping[str, str]) -> None:
        """Take in what the registered phones say they are, by endpoint."""
        self._agents = frozenset(
            endpoint for endpoint, agent in agents.items() if agent and not any(name in agent.lower() for name in NEVER)
        )
        self._mute &= self._agents

    def watches(self, endpoint: str) -> bool:
        """Whether this phone's silence would be noticed."""
        phone = self._phones.get(endpoint)
        return phone is not None and phone.answered

    def tick(self, now: float) -> None:
        """Several times a second; ``now`` in monotonic seconds. Who talks is watched by its audio."""
        seats = [seat for seat in self._routing.seats() if seat.sip]
        self._meet({seat.user for seat in seats}, now)
        idle = {seat.user for seat in seats if seat.talking_on is None}
        wanted = (idle & self._agents) - self._mute
        self._phones = {endpoint: phone for endpoint, phone in self._phones.items() if endpoint in wanted}
        for number, endpoint in enumerate(sorted(wanted)):
            # Not all at once: an originate must not stand behind a hundred questions.
            phone = self._phones.setdefault(endpoint, _Phone(now + number % 8 * ASK_EVERY / 8))
            if phone.due <= now and not phone.asking:
                phone.asking = True
                self._calls.do(self._ask(endpoint, phone), f"ask {endpoint}")

    def _meet(self, on: set[str], now: float) -> None:
        known = on if self._on is None else self._on & on
        if on - known and now >= self._learn_due:
            self._learn_due = now + LEARN_EVERY
            self._calls.do(self._learn(), "names of phones")
            known = on
        self._on = known

    async def _learn(self) -> None:
        self.read((await self._pbx.snapshot()).agents)

    async def _ask(self, endpoint: str, phone: _Phone) -> None:
        answer: bool | None = None
        try:
            answer = await self._pbx.answers(endpoint)
        finally:
            phone.asking = False
            phone.due = self._clock.monotonic() + (ASK_EVERY if answer else ASK_AGAIN)
        if answer:
            phone.answered, phone.missed = True, 0
            self._off.answered(endpoint)
        elif not phone.answered:
            self._mute.add(endpoint)
        else:
            phone.missed += 1
            if phone.missed >= MISSES and self._phones.get(endpoint) is phone:
                log.warning("phone_gone", phone=endpoint)
                self._off.lost(endpoint)
