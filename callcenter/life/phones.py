"""Phones that are off although they are registered: a dead one is looked for until it truly answers (B7, R11, R14).

One list for all who find a phone dead: by its audio in an emergency (`lines`) or in a routine call
(`callcenter.control.vigil`), or on its desk (`roll_call`).
"""

import structlog

from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.life.flow import Flow, of_page
from callcenter.routing.service import Routing
from callcenter.telephony.endpoints import is_web, seat_of
from callcenter.telephony.events import PhoneStatus
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

ASK_DEAD_EVERY = 5.0
"""Seconds between two looks whether a dead phone is back."""


class Phones:
    """Which seats' phones are there, and which only seem to be."""

    def __init__(self, calls: Calls, routing: Routing, pbx: Pbx, clock: Clock) -> None:
        self._calls = calls
        self._routing = routing
        self._pbx = pbx
        self._clock = clock
        self._dead: dict[str, float] = {}
        """Phones that died, and when (monotonic) to see whether it is back: registered still, but not there."""
        self._used_to_answer: set[str] = set()

    def living(self, registered: frozenset[str]) -> frozenset[str]:
        """Of the phones that are registered just now those that are not dead."""
        self._dead = {phone: at for phone, at in self._dead.items() if phone in registered}
        self._used_to_answer &= registered
        return registered - self._dead.keys()

    def heard(self, event: PhoneStatus) -> None:
        """A phone registered anew, or its registration is gone: either way nothing of it is known to be dead."""
        self._dead.pop(event.endpoint, None)

    def lost(self, phone: str) -> None:
        """A phone is off though it is registered; it is looked for until it answers or registers anew."""
        self._dead[phone] = self._clock.monotonic() + ASK_DEAD_EVERY
        self._routing.phone(PhoneStatus(phone, False))

    def answered(self, phone: str) -> None:
        """A phone has answered an OPTIONS: when it does so no more, that means something."""
        self._used_to_answer.add(phone)

    def used_to_answer(self, phone: str) -> bool | None:
        """Whether a phone is known to answer an OPTIONS; None while it is not known."""
        return True if phone in self._used_to_answer else None

    def flow_of(self, phone: str) -> Flow:
        """The audio of a phone that joins now: where its silence can be told from its death, it counts from here."""
        now = self._clock.monotonic()
        if is_web(phone):
            return of_page(now)
        return Flow(moved_at=now) if phone in self._used_to_answer else Flow()

    def is_on(self, phone: str) -> bool:
        """Whether this phone, not just any of its seat, is registered; a browser's also lives by its page's pings."""
        user = seat_of(phone)
        if not self._routing.has_phone(user):
            return False
        seat = self._routing.seat(user)
        return (seat.web and seat.page is not False) if is_web(phone) else seat.sip

    def rung_at(self, user: str) -> str:
        """Which of a seat's phones is rung now, and so is the one that it talks on when it joins."""
        return self._routing.seat(user).endpoint if self._routing.has_phone(user) else user

    def tick(self, now: float) -> None:
        """Look for dead phones; ``now`` in monotonic seconds."""
        for phone, at in list(self._dead.items()):
            if now >= at:
                self._dead[phone] = now + ASK_DEAD_EVERY
                self._calls.do(self._look_for(phone), f"look for {phone}")

    async def _look_for(self, phone: str) -> None:
        if await self._pbx.answers(phone) and self._dead.pop(phone, None) is not None:
            log.info("phone_back", phone=phone)
            self._routing.phone(PhoneStatus(phone, True))
