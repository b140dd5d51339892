"""What happens to an intake item, for the live socket and the timeline of its call (A7, B5)."""

from callcenter.facts import Body, kind


@kind("intake.received")
class IntakeReceived(Body, frozen=True):
    """Something came in."""

    item_id: str
    channel: str
    request: str
    """What it is about: a value of `Kind`."""
    elder_id: str | None = None


@kind("intake.moved")
class IntakeMoved(Body, frozen=True):
    """Taken, or given back; ``by``: who has it now, None when nobody."""

    item_id: str
    to_state: str
    by: str | None = None


@kind("intake.done")
class IntakeDone(Body, frozen=True):
    """It has its outcome; ``outcome_id``: the work order, complaint, follow-up or call-back it became."""

    item_id: str
    outcome: str
    outcome_id: str | None = None
