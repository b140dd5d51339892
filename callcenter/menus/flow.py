"""The menu's FastAGI step: where the caller is and what she keyed in, what she hears next or where she goes (B1).

On the call path: memory and the journal only, nothing awaited but the one answer (A10). If anything here fails, the
variables are not set and the dialplan takes its fallback.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.model import Call
from callcenter.calls.service import Calls
from callcenter.errors import Conflict
from callcenter.ledger import Ledger
from callcenter.menus.book import Book
from callcenter.menus.model import Action, Do
from callcenter.menus.steps import OPERATOR, Ask, Leave, advance, begin, read_place
from callcenter.telephony.fastagi import AgiCall

log = structlog.get_logger(__name__)

CONTEXT = "cc-menu"
"""Where the dialplan asks for a step; a caller who waits is sent here with the word of her place."""
EMERGENCY_WORD = "emergency"
"""The place of a caller who pressed 9 outside a menu: in a voicemail, or while she waits."""
MENU_KEYS = 1


@dataclass(frozen=True, slots=True)
class Say:
    """Play the prompts and wait for up to ``keys`` keys; the answer comes back with ``word``."""

    word: str
    prompts: tuple[str, ...]
    keys: int = MENU_KEYS
    seconds: int = 5


@dataclass(frozen=True, slots=True)
class Go:
    """The menu is over: on to a context of the dialplan. ``prompts``: what that context plays."""

    context: str
    prompts: tuple[str, ...] = ()


Answer = Say | Go


class Desk(Protocol):
    """One way out of a menu that asks for more keys itself: a call-back, a voicemail."""

    def step(self, call: Call, word: str, keys: str) -> Answer | None:
        """What is next for a caller at ``word``; None when she goes back to wait for a seat."""


class MenuFlow:
    """The FastAGI route ``menu``, and what a key does while somebody waits."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        book: Callable[[], Book],
        *,
        escalate: Callable[[Call], None],
        enqueue: Callable[[Call, str, str], str],
        divert: Callable[[Call, str], str],
    ) -> None:
        """``escalate``: make a call an emergency.

        ``enqueue``: let a call wait in a queue, with the key she chose it by; ``divert``: let it take another way out
        (``voicemail``, ``callback``, ``number:…``). Both answer with the word of the desk that has her now, empty when
        she waits in her room.
        """
        self._ledger = ledger
        self._calls = calls
        self._book = book
        self._escalate = escalate
        self._enqueue = enqueue
        self._divert = divert
        self._desks: dict[str, Desk] = {}

    def add_desk(self, name: str, desk: Desk) -> None:
        """Let a desk have every caller whose place begins with ``name``."""
        self._desks[name] = desk

    async def menu(self, agi: AgiCall) -> None:
        """``menu,<call id>,<word>,<keys>``: one step. The word is empty at the beginning."""
        call_id, word, keys = (*agi.args, "", "", "")[:3]
        call = self._calls.get(call_id)
        answer = self.step(call, word, keys)
        now = self._calls.get(call_id)
        variables = {"CC_ROOM": now.room, "CC_LINE": now.line}
        match answer:
            case Say():
                variables |= {
                    "CC_NODE": answer.word,
                    "CC_PROMPTS": "&".join(sound(name) for name in answer.prompts),
                    "CC_KEYS": str(answer.keys),
                    "CC_SECONDS": str(answer.seconds),
                    "CC_NEXT": "",
                }
            case Go():
                said = "&".join(sound(name) for name in answer.prompts)
                variables |= {"CC_PROMPTS": said, "CC_NEXT": answer.context}
        await agi.set_variables({**variables, "CC_ADMITTED": "1"})

    def step(self, call: Call, word: str, keys: str) -> Answer:
        """What is next for a caller at ``word`` who keyed ``keys``."""
        if word == EMERGENCY_WORD:
            return self._leave(call, Leave(Action(Do.EMERGENCY), "9"))
        desk = self._desks.get(word.partition(":")[0])
        if desk is not None:
            return self._emergency_first(call, keys) or desk.step(call, word, keys) or Go("cc-room")
        if not word:
            return self._told(call, begin(self._book().live))
        place = read_place(word)
        menu = self._book().menu(place.menu) if place is not None else None
        if place is None or menu is None:
            log.warning("menu_unknown", call_id=call.id)
            return self._leave(call, OPERATOR)
        return self._told(call, advance(menu, place, keys))

    def _emergency_first(self, call: Call, keys: str) -> Answer | None:
        # A number to be called back may hold a 9: only the key by itself is the emergency.
        return self._leave(call, Leave(Action(Do.EMERGENCY), "9")) if keys == "9" else None

    def _told(self, call: Call, next_step: Ask | Leave) -> Answer:
        if isinstance(next_step, Ask):
            return Say(next_step.place.word(), next_step.prompts, seconds=next_step.seconds)
        return self._leave(call, next_step)

    def _leave(self, call: Call, leave: Leave) -> Answer:
        action = leave.action
        if action.do is Do.EMERGENCY:
            self._ledger.record(cf.MenuChosen(digit=leave.key), actor="elder", call_id=call.id)
            self._escalate(call)
            return Go("cc-room")
        if not call.open:
            # Only an emergency is one although she hung up in the same moment (A8).
            raise Conflict(f"call {call.id} is over; nobody is there to choose")
        if action.do is Do.QUEUE:
            word = self._enqueue(call, action.to, leave.key)
        else:
            word = self._divert(call, f"number:{action.to}" if action.do is Do.NUMBER else action.do.value)
        desk = self._desks.get(word.partition(":")[0]) if word else None
        return (desk.step(call, word, "") if desk is not None else None) or Go("cc-room")


def sound(name: str) -> str:
    """A prompt as Asterisk finds it: uploaded ones lie in a folder of their own."""
    return f"custom/{name}" if name.startswith("custom-") else name
