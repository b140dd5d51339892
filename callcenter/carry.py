"""Which facts a new journal segment must begin with, so that a restart reads only that segment."""

from collections.abc import Callable, Iterable

from callcenter.calls import facts as cf
from callcenter.emergency import facts as ef
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.routing import facts as rf

Kept = dict[str, tuple[int, Fact]]
"""Facts by id, each with its place in the order in which they were taken in."""


class OpenFacts:
    """The facts of every call and incident that is not over, and the last word of every seat.

    A closed incident is kept until its last call is over, an ended call for as long as its incident: a restart
    in between still has to say good-bye, and must know whom it has dialled already.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._calls: dict[str, Kept] = {}
        self._incidents: dict[str, Kept] = {}
        self._calls_of: dict[str, set[str]] = {}
        """Incident → its calls that are open …"""
        self._incidents_of: dict[str, set[str]] = {}
        """… and back: thousands of incidents may be open when one call ends."""
        self._closed: set[str] = set()
        self._seats: Kept = {}
        self._number = 0
        self._others: list[Callable[[], Iterable[Fact]]] = []
        ledger.on_apply(self._apply)

    def also(self, facts: Callable[[], Iterable[Fact]]) -> None:
        """Carry what another service keeps for itself, in that service's order."""
        self._others.append(facts)

    def __call__(self) -> Iterable[Fact]:
        """In the order in which they were taken in. Ids would not do: a clock may be set back (R23)."""
        kept: Kept = {}
        for facts in (*self._calls.values(), *self._incidents.values()):
            kept |= facts
        kept |= {fact.id: (number, fact) for number, fact in self._seats.values()}
        ordered = {fact.id: fact for _, fact in sorted(kept.values(), key=lambda item: item[0])}
        for facts_of in self._others:
            ordered |= {fact.id: fact for fact in facts_of()}
        return ordered.values()

    def _apply(self, fact: Fact) -> None:
        self._number += 1
        numbered = (self._number, fact)
        call_id, incident_id, body = fact.call_id, fact.incident_id, fact.body
        if isinstance(body, rf.SeatDeclared):
            self._seats[body.seat] = numbered
            return
        if isinstance(body, cf.CallOpened) and call_id is not None:
            self._calls.setdefault(call_id, {})
        if isinstance(body, ef.EmergencyOpened) and incident_id is not None:
            self._incidents.setdefault(incident_id, {})
        if isinstance(body, cf.CallNoted | ef.EmergencyNoted):
            # Each holds the whole text: only the newest goes on.
            for kept in (self._calls.get(call_id or "", {}), self._incidents.get(incident_id or "", {})):
                for old in [known for known, (_, earlier) in kept.items() if _same_note(earlier, fact)]:
                    del kept[old]
        if call_id in self._calls:
            self._calls[call_id][fact.id] = numbered
        if incident_id in self._incidents:
            self._incidents[incident_id][fact.id] = numbered
            if call_id in self._calls:
                self._calls_of.setdefault(incident_id, set()).add(call_id)
                self._incidents_of.setdefault(call_id, set()).add(incident_id)
        if isinstance(body, cf.CallEnded) and call_id in self._calls:
            self._call_over(call_id, self._calls.pop(call_id))
        if isinstance(body, ef.EmergencyClosed) and incident_id in self._incidents:
            self._closed.add(incident_id)
            self._forget_if_over(incident_id)

    def _call_over(self, call_id: str, facts: Kept) -> None:
        for incident_id in self._incidents_of.pop(call_id, ()):
            # All of them: what was said before the call became an emergency named no incident.
            self._incidents[incident_id] |= facts
            self._calls_of[incident_id].discard(call_id)
            self._forget_if_over(incident_id)

    def _forget_if_over(self, incident_id: str) -> None:
        if incident_id in self._closed and not self._calls_of.get(incident_id):
            self._closed.discard(incident_id)
            self._calls_of.pop(incident_id, None)
            del self._incidents[incident_id]


def _same_note(one: Fact, other: Fact) -> bool:
    return one.kind == other.kind and one.call_id == other.call_id
