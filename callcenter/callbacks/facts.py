"""What can be said of a call-back: the bodies of its facts; ``callback_id`` names it."""

from datetime import datetime

from callcenter.facts import Body, kind


@kind("callback.asked")
class CallBackAsked(Body, frozen=True):
    """Somebody is to be called back. The envelope's call is the one in which she asked, if it was one.

    ``since``: from when her place in ``queue`` counts. ``by_caller``: she asked herself, by key; else staff did.
    ``dictated``: by key as well, but for another number than the one she called from, or from a withheld one.
    """

    callback_id: str
    number: str
    caller: str
    queue: str
    since: datetime
    priority: int = 0
    elder_id: str | None = None
    elder_name: str = ""
    by_caller: bool = True
    dictated: bool = False


@kind("callback.joined")
class CallBackJoined(Body, frozen=True):
    """The same number was asked for again while its call-back was open: it is the same one."""

    callback_id: str


@kind("callback.calling")
class CallBackCalling(Body, frozen=True):
    """An operator is there: she is dialled now. The envelope's call is ours to her."""

    callback_id: str


@kind("callback.missed")
class CallBackMissed(Body, frozen=True):
    """She was not reached; tried again at ``next_at``. ``reason``: how her leg ended, or ``operator_gone``.

    ``counts``: whether it was an attempt at her; an operator who hung up too soon was not.
    """

    callback_id: str
    reason: str
    next_at: datetime
    counts: bool = True


@kind("callback.hastened")
class CallBackHastened(Body, frozen=True):
    """Somebody of the desk wants it tried as soon as a seat is free, whatever the hour."""

    callback_id: str


@kind("callback.done")
class CallBackDone(Body, frozen=True):
    """She and an operator spoke."""

    callback_id: str


@kind("callback.failed")
class CallBackFailed(Body, frozen=True):
    """She was not reached however often we tried: work for somebody."""

    callback_id: str
    reason: str


@kind("callback.cancelled")
class CallBackCancelled(Body, frozen=True):
    """Not wanted any more. ``why``: ``called_herself`` (the envelope's call has her place), ``cancelled``."""

    callback_id: str
    why: str
