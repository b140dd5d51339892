"""Writing notes: the whole text as a fact each time, with a revision, so that two who write at once see each other.

Works with the database down (A10): what was written lately is in memory and in the journal.
"""

from collections import OrderedDict

import msgspec

from callcenter.calls.facts import CallNoted
from callcenter.calls.model import Call
from callcenter.emergency.facts import EmergencyNoted
from callcenter.emergency.model import Incident
from callcenter.errors import Conflict
from callcenter.facts import Fact
from callcenter.ledger import Ledger

REMEMBERED = 2000
"""Notes kept beyond the calls and incidents in memory: the database lags a moment behind."""


class Note(msgspec.Struct, frozen=True):
    """A text and how often it was changed; 0: never written."""

    text: str = ""
    revision: int = 0


class NoteOutdated(Conflict):
    """Somebody else wrote since; ``extra`` holds ``text`` and ``revision`` as they are stored."""

    code = "note_outdated"


class Notes:
    """The latest notes of calls and incidents, by their id."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._latest: OrderedDict[str, Note] = OrderedDict()
        ledger.on_apply(self._apply)

    def of(self, subject: Call | Incident) -> Note:
        """The newest note of a call or an incident, also when what is given was read a moment ago."""
        stored = Note(subject.note, subject.note_revision)
        return max(stored, self._latest.get(subject.id, stored), key=lambda note: note.revision)

    def write(self, subject: Call | Incident, text: str, revision: int, actor: str) -> Note:
        """Replace a note. ``revision``: as it was read, 0 for the first.

        The same text again changes nothing, so a request may be repeated. Raises `NoteOutdated`, which tells what is
        stored.
        """
        stored = self.of(subject)
        if text == stored.text:
            return stored
        if revision != stored.revision:
            raise NoteOutdated(
                f"this note is at revision {stored.revision}, not {revision}: somebody else wrote; join the two texts",
                text=stored.text,
                revision=stored.revision,
            )
        following = stored.revision + 1
        if isinstance(subject, Call):
            body = CallNoted(text=text, revision=following)
            self._ledger.record(body, actor=actor, call_id=subject.id, incident_id=subject.incident_id)
        else:
            self._ledger.record(EmergencyNoted(text=text, revision=following), actor=actor, incident_id=subject.id)
        return Note(text, following)

    def _apply(self, fact: Fact) -> None:
        body = fact.body
        if not isinstance(body, CallNoted | EmergencyNoted):
            return
        subject = fact.call_id if isinstance(body, CallNoted) else fact.incident_id
        self._latest[subject or ""] = Note(body.text, body.revision)
        self._latest.move_to_end(subject or "")
        while len(self._latest) > REMEMBERED:
            self._latest.popitem(last=False)
