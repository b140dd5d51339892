"""What happens to a recording, from the first millisecond of a call to its proof (B6, SZ 7.3.2)."""

from datetime import datetime

from callcenter.facts import Body, kind


@kind("recording.started")
class RecordingStarted(Body, frozen=True):
    """Asterisk began to write a file; the call is the envelope's.

    ``kind``: ``mix`` (the whole room), ``leg`` (one person, ``leg_id``) or ``whisper`` (a supervisor, ``leg_id``, to
    the operator alone; no part of any mix).
    ``path``: relative to the recordings folder, e.g. ``2026/03/01/<call-id>-mix.wav``.
    ``began_at``: when, if that was before the fact was made (a call that the fallback took).
    """

    recording_id: str
    kind: str
    path: str
    leg_id: str | None = None
    format: str = "wav"
    began_at: datetime | None = None


@kind("recording.stopped")
class RecordingStopped(Body, frozen=True):
    """Asterisk was told to end the file, or the channel it hung on is gone.

    ``expected_seconds``: how long the recorded channel was up, by the controller's clock; None when it was found gone
    after a restart, so that nobody heard its end. ``ended_at``: when, if that was before the fact was made.
    """

    recording_id: str
    expected_seconds: float | None
    ended_at: datetime | None = None


@kind("recording.verified")
class RecordingVerified(Body, frozen=True):
    """The file is there, as long as the call was, not silent, and its SHA-256 is on record."""

    recording_id: str
    kind: str
    seconds: float
    sha256: str


@kind("recording.gap")
class RecordingGap(Body, frozen=True):
    """Something is missing: ``status`` is ``gap`` (nothing usable) or ``degraded`` (a part); why in ``problem``."""

    recording_id: str
    status: str
    problem: str
