"""What can be said of a line's signs of life: the bodies of its facts."""

from callcenter.facts import Body, kind


@kind("leg.stalled")
class LegStalled(Body, frozen=True):
    """No audio has come from a leg for ``seconds``, after it had come (R14, R16).

    ``seat``: whose phone in a browser it is; a page that hears this of itself mends its way.
    """

    leg_id: str
    role: str
    seconds: float
    seat: str = ""


@kind("leg.resumed")
class LegResumed(Body, frozen=True):
    """Audio comes again from a leg that had stalled."""

    leg_id: str
    role: str
    seat: str = ""
