"""What can be said of a seat and of the hotline's queues: the bodies of their facts."""

from datetime import datetime

from callcenter.facts import Body, kind


@kind("seat.declared")
class SeatDeclared(Body, frozen=True):
    """An operator said ready or paused (with a reason), or the system did.

    ``until``: when a pause that nobody asked for (reason ``no_answer``) ends by itself.
    """

    seat: str
    state: str
    reason: str = ""
    until: datetime | None = None


@kind("seat.phone")
class SeatPhone(Body, frozen=True):
    """A seat's phone registered or went away. ``phone``: ``sip``, or ``web`` for the one in the browser."""

    seat: str
    registered: bool
    phone: str = "sip"


@kind("seat.page")
class SeatPage(Body, frozen=True):
    """The page that a seat's browser phone lives in came or went away."""

    seat: str
    present: bool


@kind("seat.wrap_up")
class SeatWrapUp(Body, frozen=True):
    """An operator made the work after a call longer, or is done with it: it ends at ``until``."""

    seat: str
    until: datetime


@kind("hotline.queued")
class HotlineQueued(Body, frozen=True):
    """A hotline caller waits in a queue (B1).

    ``prefer``: the operator she should have, ``only``: nobody else for now. ``since``: from when her place counts,
    None: from when she called. ``area``: hers, for queues that serve the area first.
    """

    queue: str = "general"
    priority: int = 0
    skill: str = ""
    min_level: int = 1
    prefer: str = ""
    only: bool = False
    since: datetime | None = None
    area: str = ""


@kind("hotline.offered")
class HotlineOffered(Body, frozen=True):
    """The waiting caller was offered to a seat."""

    seat: str


@kind("hotline.held")
class HotlineHeld(Body, frozen=True):
    """An emergency took the operator: the caller hears an apology and music, and is first in line to that seat (A9).

    No seat: whoever had her is gone (hung up while she was on hold, did not answer when she came back); any may have
    her.
    """

    seat: str


@kind("hotline.overflowed")
class HotlineOverflowed(Body, frozen=True):
    """A waiting caller goes elsewhere by the rules of her queue.

    ``to``: ``queue:<code>``, ``number:<n>`` (dialled into her room: she keeps her place until it answers), or a kind of
    handler such as ``voicemail`` or ``callback``, which has her now. ``why``: ``wait``, ``length``, ``expected_wait``,
    ``closed`` or ``full``.
    """

    queue: str
    to: str
    why: str


@kind("hotline.left")
class HotlineLeft(Body, frozen=True):
    """A caller was taken out of the queue without a seat. ``why``: ``parked``, ``voicemail``, ``callback`` …"""

    why: str
