"""Texts about an emergency: an alert to whom the ladder calls, the briefing to responders on one click (A2, A3, A4)."""

from collections.abc import Callable
from hashlib import sha256

import structlog

from callcenter.calls.model import STAFF, Role
from callcenter.emergency.briefing import LastSeen, Letterhead, alert, briefing_parameters, parameters
from callcenter.emergency.help import File, Numbers
from callcenter.emergency.kinds import Candidate
from callcenter.emergency.model import Incident
from callcenter.emergency.words import words
from callcenter.errors import CallCenterError
from callcenter.notifications.model import Message, MessageState
from callcenter.notifications.service import Messages

log = structlog.get_logger(__name__)


class Texts:
    """What the emergency line writes to people outside."""

    def __init__(
        self,
        messages: Messages,
        numbers: Numbers,
        letterhead: Letterhead,
        *,
        file_of: Callable[[Incident], File | None],
        fix_of: Callable[[Incident], LastSeen | None],
        crowded: Callable[[], str],
    ) -> None:
        """``crowded``: the name of the mass event that is on, empty when there is none."""
        self._messages = messages
        self._numbers = numbers
        self._letterhead = letterhead
        self._file_of = file_of
        self._fix_of = fix_of
        self._crowded = crowded

    def alert(self, incident: Incident, role: str, candidate: Candidate) -> None:
        """Text whom the ladder calls, once an incident; what goes wrong never stops the ladder.

        The ambulance has no phone of its own for texts: where the settings name one, it gets the whole briefing.
        In a mass event our own people get one text for all of it.
        """
        try:
            if role == Role.AMBULANCE:
                if self._numbers.ambulance_sms and incident.drill is None:
                    self.brief(incident, role, Candidate(self._numbers.ambulance_sms), actor="system")
                return
            shared = self._crowded() if role in STAFF else ""
            self._messages.send(
                to=candidate.number,
                text=alert(incident, self._letterhead),
                purpose="alert",
                actor="system",
                name=candidate.name,
                role=role,
                incident_id=incident.id,
                request_id=f"{shared or incident.id}:alert",
                voice=words(incident, role, None),
                template="drill" if incident.drill is not None else "alert",
                params=parameters(incident, self._letterhead),
            )
        except CallCenterError as error:
            log.warning("alert_not_texted", incident_id=incident.id, role=role, error=error.code)

    def brief(
        self, incident: Incident, role: str, candidate: Candidate, *, actor: str, request_id: str | None = None
    ) -> Message:
        """Text a responder everything there is to know; returns the message. Raises `InvalidInput`."""
        params = briefing_parameters(incident, self._file_of(incident), self._fix_of(incident), self._letterhead)
        text = params["text"]
        return self._messages.send(
            to=candidate.number,
            text=text,
            purpose="briefing",
            actor=actor,
            name=candidate.name,
            role=role,
            incident_id=incident.id,
            request_id=request_id or self._asked(f"{incident.id}:briefing:{_digest(text)}", candidate.number),
            template="briefing",
            params=params,
        )

    def _asked(self, briefing: str, number: str) -> str:
        """What a click without a key of its own asks for: the same once more, but anew where it never went out."""
        asked = briefing
        while (known := self._messages.requested(asked, number)) is not None and known.state is MessageState.GIVEN_UP:
            asked = f"{briefing}:{known.id}"
        return asked


def _digest(text: str) -> str:
    """The same briefing is not sent twice to one number; one that has changed is."""
    return sha256(text.encode()).hexdigest()[:16]
