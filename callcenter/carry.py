"""Which facts a new journal segment must begin with, so that a restart reads only that segment."""

from collections.abc import Iterable

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.routing import facts as rf


class OpenFacts:
    """The facts of every call and incident that is not over, and the last word of every seat."""

    def __init__(self, ledger: Ledger) -> None:
        self._calls: dict[str, list[Fact]] = {}
        self._incidents: dict[str, list[Fact]] = {}
        self._seats: dict[str, Fact] = {}
        ledger.on_apply(self._apply)

    def __call__(self) -> Iterable[Fact]:
        """Oldest first: fact ids sort by time."""
        kept = {fact.id: fact for facts in (*self._calls.values(), *self._incidents.values()) for fact in facts}
        kept |= {fact.id: fact for fact in self._seats.values()}
        return [kept[fact_id] for fact_id in sorted(kept)]

    def _apply(self, fact: Fact) -> None:
        match fact.body:
            case rf.SeatDeclared(seat=seat):
                self._seats[seat] = fact
            case ef.EmergencyClosed() if fact.incident_id is not None:
                self._incidents.pop(fact.incident_id, None)
            case cf.CallEnded() if fact.call_id is not None:
                self._calls.pop(fact.call_id, None)
                self._keep_incident(fact)
            case _:
                # After the end of a call only its incident, while open, still needs what is said of it.
                if isinstance(fact.body, cf.CallOpened) and fact.call_id is not None:
                    self._calls[fact.call_id] = [fact]
                elif fact.call_id in self._calls:
                    self._calls[fact.call_id].append(fact)
                self._keep_incident(fact)

    def _keep_incident(self, fact: Fact) -> None:
        if fact.incident_id is None:
            return
        if isinstance(fact.body, ef.EmergencyOpened):
            self._incidents[fact.incident_id] = [fact]
        elif fact.incident_id in self._incidents:
            self._incidents[fact.incident_id].append(fact)
