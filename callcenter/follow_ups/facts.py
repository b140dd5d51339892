"""What happens to a follow-up, for the timeline and the live socket (A7, C7)."""

from datetime import datetime

from callcenter.facts import Body, kind


@kind("follow_up.due")
class FollowUpDue(Body, frozen=True):
    """A service has ended; the elder is to be asked before ``due_at``."""

    follow_up_id: str
    work_order_id: str
    due_at: datetime


@kind("follow_up.attempted")
class FollowUpAttempted(Body, frozen=True):
    """The elder was called and not reached."""

    follow_up_id: str
    work_order_id: str
    outcome: str


@kind("follow_up.completed")
class FollowUpCompleted(Body, frozen=True):
    """The elder was asked. ``rating`` 1–5, None when none was given."""

    follow_up_id: str
    work_order_id: str
    rating: int | None
    suspected_complaint: bool


@kind("follow_up.cancelled")
class FollowUpCancelled(Body, frozen=True):
    """The order was dispatched again before the elder was asked."""

    follow_up_id: str
    work_order_id: str
