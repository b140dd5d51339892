"""What happens to a work order, for the timeline and the live socket (A7, C10)."""

from callcenter.facts import Body, kind


@kind("work_order.created")
class WorkOrderCreated(Body, frozen=True):
    """``number`` is the one people use on the phone."""

    work_order_id: str
    number: str
    kind: str
    state: str
    elder_id: str | None = None


@kind("work_order.moved")
class WorkOrderMoved(Body, frozen=True):
    """One step of its state table."""

    work_order_id: str
    number: str
    from_state: str
    to_state: str
