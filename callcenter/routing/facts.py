"""What can be said of a seat: the bodies of its facts."""

from callcenter.facts import Body, kind


@kind("seat.declared")
class SeatDeclared(Body, frozen=True):
    """An operator said ready or paused (with a reason)."""

    seat: str
    state: str
    reason: str = ""


@kind("seat.phone")
class SeatPhone(Body, frozen=True):
    """A seat's phone registered or went away."""

    seat: str
    registered: bool


@kind("hotline.queued")
class HotlineQueued(Body, frozen=True):
    """A hotline caller waits for a seat (B1)."""


@kind("hotline.offered")
class HotlineOffered(Body, frozen=True):
    """The waiting caller was offered to a seat."""

    seat: str


@kind("hotline.held")
class HotlineHeld(Body, frozen=True):
    """An emergency took the operator: the caller hears an apology and music, and is first in line to that seat (A9)."""

    seat: str
