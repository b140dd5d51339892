"""Looks at the controller's memory and says what the rules want to know."""

from collections.abc import Iterable, Iterator

from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Call, Leg, Line, Role
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency.model import Incident, needs_human
from callcenter.emergency.service import Emergencies
from callcenter.routing.model import SeatState
from callcenter.routing.service import Routing
from callcenter.watchdog.rules import IncidentSeen, LegSeen, SeatSeen


class Observer:
    """What can be seen of calls, incidents and seats. Times are its own, so a clock that is set fools nobody (R23)."""

    def __init__(self, emergencies: Emergencies, calls: Calls, routing: Routing, clock: Clock) -> None:
        self._emergencies = emergencies
        self._calls = calls
        self._routing = routing
        self._clock = clock
        self._legs: dict[str, tuple[str, float]] = {}
        """Leg → its state and since when (monotonic)."""
        self._waiting: dict[str, float] = {}

    def seats(self) -> tuple[SeatSeen, ...]:
        """Every seat with a human."""
        return tuple(SeatSeen(s.registered, s.declared == SeatState.PAUSED) for s in self._routing.seats())

    def incidents(self) -> tuple[IncidentSeen, ...]:
        """Every open incident that is in earnest."""
        now, earnest = self._clock.monotonic(), [one for one in self._emergencies.known() if one.open and _earnest(one)]
        self._waiting = {one.id: self._waiting[one.id] for one in earnest if one.id in self._waiting}
        return tuple(self._incident(one, now) for one in earnest)

    def _incident(self, incident: Incident, now: float) -> IncidentSeen:
        calls = [call for call in self._emergencies.calls_of(incident) if call.open]
        wanted = needs_human(incident, calls)
        if not wanted:
            self._waiting.pop(incident.id, None)
        elif incident.id not in self._waiting:
            never = incident.human_answer_ms is None
            begun = max(incident.opened_at, incident.voice_by or incident.opened_at)
            before = (self._clock.now() - begun).total_seconds() if never else 0.0
            self._waiting[incident.id] = now - max(0.0, before)
        legs = [leg for call in calls for leg in call.live_legs]
        here = any(leg.role == Role.ELDER and leg.in_room for leg in legs)
        return IncidentSeen(
            id=incident.id,
            needs_human=wanted,
            waited=now - self._waiting[incident.id] if wanted else 0.0,
            tried=any(not leg.in_room and not (here and leg.role == Role.ELDER) for leg in legs),
            answered=incident.human_answer_ms is not None,
            live=bool(legs),
            due=incident.voice_by is None or self._clock.now() >= incident.voice_by,
        )

    def legs(self) -> tuple[LegSeen, ...]:
        """Every live leg of every call that is in earnest."""
        now = self._clock.monotonic()
        live = list(self._live())
        self._legs = {
            leg.id: known if (known := self._legs.get(leg.id, ("", 0.0)))[0] == leg.state else (leg.state, now)
            for _, leg in live
        }
        crowd: dict[str, int] = {}
        for call, leg in live:
            crowd[call.room] = crowd.get(call.room, 0) + leg.in_room
        return tuple(
            LegSeen(
                id=leg.id,
                role=leg.role,
                state=leg.state,
                seconds=now - self._legs[leg.id][1],
                alone=leg.in_room and crowd[call.room] == 1,
                hotline=leg.role == Role.ELDER and call.line == Line.HOTLINE,
                excused=call.via == "fallback",
            )
            for call, leg in live
        )

    def _live(self) -> Iterator[tuple[Call, Leg]]:
        calls: Iterable[Call] = self._calls.open_calls()
        for call in calls:
            if call.via != SYNTHETIC:
                yield from ((call, leg) for leg in call.live_legs)


def _earnest(incident: Incident) -> bool:
    return incident.origin != SYNTHETIC and incident.drill is None
