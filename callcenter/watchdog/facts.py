"""What the watchdog says: the bodies of its facts."""

from callcenter.facts import Body, kind


@kind("watchdog.raised")
class Raised(Body, frozen=True):
    """Something is wrong. ``check``: which rule says so; ``subject``: of what (an id), empty when of the whole.

    ``severity``: ``warning`` or ``critical``. ``detail``: a sentence for a human, with ids and figures only.
    """

    check: str
    severity: str
    detail: str
    subject: str = ""


@kind("watchdog.cleared")
class Cleared(Body, frozen=True):
    """It is right again, after ``seconds``."""

    check: str
    seconds: float
    subject: str = ""


@kind("watchdog.press_done")
class PressDone(Body, frozen=True):
    """A synthetic press went through: milliseconds from its INVITE to the machine's answer, to the test seat in the
    room, and until its own voice had come back from there. ``recorded``: its recording was on the disk.
    """

    system_ms: int
    human_ms: int
    heard_ms: int
    recorded: bool
    press_id: str


@kind("watchdog.press_failed")
class PressFailed(Body, frozen=True):
    """A synthetic press did not go through. ``stage``: how far it came (`callcenter.watchdog.press.Stage`)."""

    stage: str
    why: str
    press_id: str


@kind("watchdog.press_skipped")
class PressSkipped(Body, frozen=True):
    """A synthetic press was due and left out. ``why``: ``emergency`` (somebody waits, and comes first)."""

    why: str
