"""What happens to a complaint, for the timeline and the live socket (A7, C8)."""

from datetime import datetime

from callcenter.facts import Body, kind


@kind("complaint.received")
class ComplaintReceived(Body, frozen=True):
    """Somebody complains; respond by ``respond_by``, answer before ``due_at``."""

    complaint_id: str
    respond_by: datetime
    due_at: datetime
    elder_id: str | None = None


@kind("complaint.moved")
class ComplaintMoved(Body, frozen=True):
    """One act of its table; ``from_state`` and ``to_state`` may be the same."""

    complaint_id: str
    act: str
    from_state: str
    to_state: str
    elder_id: str | None = None
