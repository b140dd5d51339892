"""Whether audio flows from a leg, from a packet counter that is read now and then: pure, in monotonic seconds."""

from dataclasses import dataclass
from enum import StrEnum

PAUSE_SECONDS = 2.0
"""Who was still for so long and came back sends nothing while it is quiet (VAD): its stillness proves little."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One leg's audio. ``moved_at``: the last reading at which packets had come; None: none ever came.

    A leg that never sent anything (a test phone, a far end that only listens) is never still.
    """

    count: int | None = None
    read_at: float = 0.0
    moved_at: float | None = None
    pauses: bool = False

    def read(self, count: int, at: float) -> "Flow":
        """The flow after a reading of the counter."""
        before = self.count
        if before is None:
            return Flow(count, at, at if count and self.moved_at is not None else self.moved_at, self.pauses)
        if count < before:
            return Flow(count=count, read_at=at, pauses=self.pauses)
        if count == before:
            return Flow(count, at, self.moved_at, self.pauses)
        return Flow(count, at, at, self.pauses or self.still >= PAUSE_SECONDS)

    @property
    def still(self) -> float:
        """For how many seconds, at least, nothing has come; 0 while it flows, and for a leg that never sent."""
        return 0.0 if self.moved_at is None else max(0.0, self.read_at - self.moved_at)


DEAD_SECONDS = 0.9
"""A seat that sent nothing for so long, and is not there when asked, is dead (R14): two readings, 0.5 s apart, after
the last one at which something had come."""


def is_dead(flow: Flow, *, used_to_answer: bool, answers: bool | None, registered: bool) -> bool:
    """Whether a seat's phone has died: nothing comes from it, and it is not there either (R14).

    Who mutes, holds or sends nothing while quiet still answers an OPTIONS. ``used_to_answer``: it did so earlier in
    this call; from a phone that never does, silence is no evidence. ``answers``: whether it does now, None where it
    cannot be asked (a browser): then only its registration's end counts.
    """
    if flow.still < DEAD_SECONDS:
        return False
    if answers is None:
        return not registered
    return used_to_answer and not answers


PAGE_BEGINS = 2.0
"""Seconds that a page has to find its audio's way before its silence counts …"""
PAGE_STALLED, PAGE_MENDS = 2.0, 6.0
"""… those without audio until it is told so, and that it has from then on to bring it back."""


class Heard(StrEnum):
    """What has changed in how a page is heard."""

    STALLED = "stalled"
    """Nothing comes from it: it is to be told so, and mends its way."""
    RESUMED = "resumed"
    LOST = "lost"
    """It was told, and has not brought its audio back: whom it talks with is somebody else's."""


def of_page(began: float) -> Flow:
    """The flow of a phone in a browser that has joined just now: it sends as long as it has a call, muted or not.

    So its stillness counts also where nothing ever came. ``began``: monotonic seconds.
    """
    return Flow(moved_at=began + PAGE_BEGINS)


@dataclass(slots=True)
class PageLine:
    """What a page was told of its own audio. Its phone may be there: it is judged by its silence alone."""

    told_at: float | None = None

    def judge(self, flow: Flow, now: float) -> Heard | None:
        """What has changed at ``now`` (monotonic seconds); `Heard.LOST` again until its line is ended."""
        if self.told_at is None:
            if flow.still >= PAGE_STALLED:
                self.told_at = now
                return Heard.STALLED
        elif not flow.still:
            self.told_at = None
            return Heard.RESUMED
        elif now - self.told_at >= PAGE_MENDS:
            return Heard.LOST
        return None
