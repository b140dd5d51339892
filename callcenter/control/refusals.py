"""What call control refuses, each by a code of its own: a page says it in its operator's language (B1, B7)."""

from callcenter.errors import Conflict, InvalidInput


class SeatNotFree(Conflict):
    """The seat's phone cannot be rung now; ``extra``: ``user``, ``state`` (`routing.model.SeatState`)."""

    code = "seat_not_free"


class NotOnTheCall(Conflict):
    """Only who is on the call may do this."""

    code = "not_on_the_call"


class NobodyAnswered(Conflict):
    """Nobody is there yet who could take the caller."""

    code = "nobody_answered"


class OnTheCallAlready(Conflict):
    """That seat or number is on the call, or is being called for it."""

    code = "on_the_call_already"


class CallerGone(Conflict):
    """The caller is not there any more."""

    code = "caller_gone"


class NoNumber(InvalidInput):
    """It is not a phone number that can be dialled."""

    code = "no_number"


class NumberNotAllowed(InvalidInput):
    """A number abroad, or one that earns by being called: not dialled from here."""

    code = "number_not_allowed"
