"""Calls an elder back whose line dropped, or whose alarm came without her voice, until she answers (A8, R16, R19)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from callcenter.calls.model import Role
from callcenter.calls.service import Calls
from callcenter.emergency.help import Numbers
from callcenter.emergency.incidents import Incidents
from callcenter.emergency.model import Incident
from callcenter.emergency.outside import Outside
from callcenter.emergency.wishes import WAY_AT_FAULT

FIRST_AFTER = 1.0
NEXT_AFTER = 1.0
"""Seconds before the first call-back (within 3 s, A8), and between her numbers."""
ROUND_AFTER = (10.0, 20.0, 40.0, 60.0)
"""Seconds of rest after the first, second, … round through all her numbers."""
LASTING_SECONDS = 30.0
"""Whoever stays for so long has been reached; a drop after that is a new one."""
AT_ONCE = 3
"""How many calls in a row follow at once though each was answered and over sooner than that."""
MAX_CALLBACKS = 10
"""How many elders are called back at a time: a crowd must not use up the trunk."""


class _Turn(NamedTuple):
    attempt: int
    due: float


class _Reached(NamedTuple):
    """When (monotonic) she answered, after how many calls; how often in a row she was gone again at once."""

    attempt: int
    hasty: int
    at: float


class CallBacks:
    """Elders who are on no line while their emergency is open."""

    def __init__(
        self,
        incidents: Incidents,
        calls: Calls,
        outside: Outside,
        numbers: Numbers,
        *,
        ring_seconds: int,
        numbers_of: Callable[[Incident], Sequence[str]],
    ) -> None:
        self._incidents = incidents
        self._calls = calls
        self._outside = outside
        self._numbers = numbers
        self._ring_seconds = ring_seconds
        self._numbers_of = numbers_of
        self._turns: dict[str, _Turn] = {}
        self._reached: dict[str, _Reached] = {}

    def possible(self, incident: Incident) -> bool:
        """Whether there is any number to call."""
        return bool(self._numbers_of(incident))

    def start(self, incident: Incident, now: float) -> bool:
        """Begin to call an elder back; True when it was not begun before. ``now`` in monotonic seconds.

        Who answered and was gone again at once may be a voicemail: her other numbers and her people come next.
        """
        if incident.id in self._turns:
            return False
        before = self._reached.get(incident.id)
        hasty = before.hasty + 1 if before is not None and now - before.at < LASTING_SECONDS else 0
        attempt = before.attempt if before is not None and hasty > 1 else 0
        self._reached[incident.id] = _Reached(attempt, hasty, now)
        rest = FIRST_AFTER if hasty < AT_ONCE else ROUND_AFTER[min(hasty - AT_ONCE, len(ROUND_AFTER) - 1)]
        self._turns[incident.id] = _Turn(attempt, now + rest)
        return True

    def reached(self, incident_id: str, now: float) -> bool:
        """She is in her room, at ``now`` (monotonic); True when she was being called."""
        turn = self._turns.pop(incident_id, None)
        if turn is not None and turn.attempt:
            self._reached[incident_id] = self._reached[incident_id]._replace(attempt=turn.attempt, at=now)
        elif turn is not None:  # she called herself
            del self._reached[incident_id]
        return turn is not None

    def stop(self, incident_id: str) -> bool:
        """She must not be called any more; True when she was being called."""
        self._reached.pop(incident_id, None)
        return self._turns.pop(incident_id, None) is not None

    def wanted(self, incident_id: str) -> bool:
        """Whether she is being called back."""
        return incident_id in self._turns

    def rounds(self, incident: Incident) -> int:
        """How often all her numbers were tried in vain."""
        turn = self._turns.get(incident.id)
        return turn.attempt // max(1, len(self._numbers_of(incident))) if turn else 0

    def tick(self, now: float) -> None:
        """Dial whose turn it is; ``now`` in monotonic seconds."""
        for incident_id, turn in list(self._turns.items()):
            if now < turn.due or self._outside.called_back >= MAX_CALLBACKS:
                continue
            incident = self._incidents.get(incident_id)
            if any(leg.live for call in self._incidents.calls_of(incident) for leg in call.elder_legs):
                continue
            if not self.possible(incident):
                continue  # her file has changed meanwhile
            self._dial(incident, turn.attempt)
            self._turns[incident_id] = _Turn(turn.attempt + 1, now + self._pause(incident, turn.attempt))

    def _pause(self, incident: Incident, attempt: int) -> float:
        done, place = divmod(attempt + 1, len(self._numbers_of(incident)))
        return NEXT_AFTER if place else ROUND_AFTER[min(done - 1, len(ROUND_AFTER) - 1)]

    def _route(self, incident: Incident) -> str:
        """The trunk of the last call-back, unless it was the trunk that failed (R10)."""
        routes = self._numbers.routes
        legs = [leg for call in self._incidents.calls_of(incident) for leg in call.elder_legs if leg.route in routes]
        if not legs:
            return routes[0]
        last = legs[-1]
        return routes[(routes.index(last.route) + (last.reason in WAY_AT_FAULT)) % len(routes)]

    def _dial(self, incident: Incident, attempt: int) -> None:
        numbers = self._numbers_of(incident)
        number = numbers[attempt % len(numbers)]
        route = self._route(incident)
        self._calls.dial(
            self._incidents.current_call(incident),
            Role.ELDER,
            number,
            f"PJSIP/{number}@{route}",
            actor="system",
            context="cc-callback",
            name=incident.elder_name,
            ring_seconds=self._ring_seconds,
            caller_number=self._numbers.shown,
            caller_name="应急回拨",
            route=route,
        )
