"""What a caller hears and keys in who wants to be called back: her number read out, confirmed or changed (B1).

Where she is travels with her call as a word, so a restart in between loses nothing: ``callback:confirm:…`` and
``callback:key:…``, each followed by her place in the queue.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from callcenter.callbacks.model import callable_back, spoken
from callcenter.callbacks.service import CallBacks
from callcenter.calls.model import Call
from callcenter.errors import CallCenterError
from callcenter.menus.flow import Answer, Go, Say

log = structlog.get_logger(__name__)

WORD = "callback"
GOODBYE_CONTEXT = "cc-goodbye"
MOST_TRIES = 3
MOST_KEYS = 20
KEY_SECONDS = 8
NUMBER, CONFIRM, KEY, TAKEN, REFUSED = (
    "callback-number",
    "callback-confirm",
    "key-number",
    "callback-taken",
    "callback-refused",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A caller's place in a queue, and how far she is. ``since``: aware UTC; ``step``: ``confirm`` or ``key``."""

    queue: str
    since: datetime
    priority: int = 0
    step: str = ""
    number: str = ""
    tries: int = 1

    def word(self) -> str:
        """As it travels with the call."""
        epoch = int(self.since.timestamp())
        return f"{WORD}:{self.step}:{self.queue}:{epoch}:{self.priority}:{self.number}:{self.tries}"


def read_place(word: str) -> Place | None:
    """The place that a word stands for; None for any other text."""
    parts = word.split(":")
    if len(parts) != 7 or parts[0] != WORD:
        return None
    _, step, queue, epoch, priority, number, tries = parts
    try:
        return Place(queue, datetime.fromtimestamp(int(epoch), UTC), int(priority), step, number, int(tries))
    except (ValueError, OverflowError, OSError):
        return None


class CallBackDesk:
    """The steps of asking for a call-back."""

    def __init__(
        self, callbacks: CallBacks, place_of: Callable[[Call], Place], go_back: Callable[[Call, Place], None]
    ) -> None:
        """``place_of``: where a call stands that has no word yet; ``go_back``: let it wait on, in its place."""
        self._callbacks = callbacks
        self._place_of = place_of
        self._go_back = go_back

    def step(self, call: Call, word: str, keys: str) -> Answer | None:
        """See `callcenter.menus.flow.Desk.step`."""
        place = read_place(word) or self._place_of(call)
        match place.step, keys:
            case "confirm", "1":
                return self._ask(call, place)
            case "confirm", "2":
                return self._key_in(call, place)
            case "confirm", "0":
                return self._back(call, place)
            case "confirm", _:
                return self._confirm(call, place, place.number, place.tries + 1)
            case "key", _:
                number = callable_back(keys)
                if number is None:
                    return self._key_in(call, replace(place, tries=place.tries + 1), refused=bool(keys))
                return self._confirm(call, place, number, 1)
            case _:
                own = callable_back(call.caller)
                if own is None:
                    return self._key_in(call, place)
                return self._confirm(call, place, own, 1)

    def _confirm(self, call: Call, place: Place, number: str, tries: int) -> Answer | None:
        if tries > MOST_TRIES:
            return self._back(call, place)
        there = replace(place, step="confirm", number=number, tries=tries)
        return Say(there.word(), (NUMBER, *spoken(number), CONFIRM))

    def _key_in(self, call: Call, place: Place, *, refused: bool = False) -> Answer | None:
        if place.step == "key" and place.tries > MOST_TRIES:
            # Nobody can be called: she stays on the line, in her place.
            return self._back(call, place)
        tries = place.tries if place.step == "key" else 1
        there = replace(place, step="key", number="", tries=tries)
        return Say(there.word(), (REFUSED, KEY) if refused else (KEY,), keys=MOST_KEYS, seconds=KEY_SECONDS)

    def _ask(self, call: Call, place: Place) -> Answer | None:
        try:
            self._callbacks.ask(
                place.number,
                queue=place.queue,
                since=place.since,
                caller=call.caller,
                priority=place.priority,
                elder_id=call.elder_id,
                elder_name=call.elder_name,
                call_id=call.id,
                dictated=place.number != callable_back(call.caller),
            )
        except CallCenterError as error:
            log.warning("callback_refused", call_id=call.id, error=error.code)
            return self._back(call, place)
        return Go(GOODBYE_CONTEXT, (TAKEN,))

    def _back(self, call: Call, place: Place) -> Answer | None:
        self._go_back(call, place)
        return None
