"""What can be said of a voicemail: the bodies of its facts; the envelope's call is the one it was left in."""

from datetime import datetime

from callcenter.facts import Body, kind


@kind("voicemail.begun")
class VoicemailBegun(Body, frozen=True):
    """The tone is over; from now on what she says is the message.

    ``begun_at``: when, if the controller did not hear it and was told by the spool afterwards.
    """

    begun_at: datetime | None = None


@kind("voicemail.left")
class VoicemailLeft(Body, frozen=True):
    """She left a message, to be dealt with.

    ``offset_seconds``: where in the call's own recording it begins; ``seconds``: how long it is. ``ended``: ``key``
    (she pressed #, or the time was up), ``hangup`` or ``silence``.
    """

    voicemail_id: str
    caller: str
    seconds: float
    offset_seconds: float
    ended: str
    elder_id: str | None = None
    elder_name: str = ""


@kind("voicemail.abandoned")
class VoicemailAbandoned(Body, frozen=True):
    """She said nothing, or hung up within 2 s of the tone: an abandoned call."""

    seconds: float


@kind("voicemail.done")
class VoicemailDone(Body, frozen=True):
    """Somebody of the desk dealt with it."""

    voicemail_id: str
    note: str = ""
